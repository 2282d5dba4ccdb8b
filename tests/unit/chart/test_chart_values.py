"""The chart's values against their schema: none without a rule; refusals name what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from builders.charts import Body, Render
from checks import repository as repo
from checks.values_table import values_of

CHART = repo.ROOT / repo.CHART
FREE = {"webhook.certManager.issuerRef", "affinity"}
"""Objects whose fields a user writes: they are in the schema and not in values.yaml."""


def schema() -> Body:
    found: Body = json.loads((CHART / "values.schema.json").read_text())
    return found


def paths_of_schema(node: Body, before: str = "") -> Iterator[tuple[str, Body]]:
    for name, child in node.get("properties", {}).items():
        path = f"{before}{name}"
        is_group = child.get("type") == "object" and "properties" in child
        if is_group and path not in FREE | {"resources"}:
            yield from paths_of_schema(child, f"{path}.")
        else:
            yield path, child


def paths_of_values(node: Any, known: set[str], before: str = "") -> Iterator[str]:
    for name, child in node.items():
        path = f"{before}{name}"
        if path in known or not isinstance(child, dict):
            yield path
        else:
            yield from paths_of_values(child, known, f"{path}.")


def test_every_value_has_a_rule_and_every_rule_a_value() -> None:
    ruled = {path for path, _ in paths_of_schema(schema())} - {"global"}
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    assert set(paths_of_values(values, ruled)) == ruled


def test_no_rule_is_written_twice() -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), names
        return dict(pairs)

    json.loads((CHART / "values.schema.json").read_text(), object_pairs_hook=once)


def test_every_rule_has_a_type() -> None:
    definitions = schema()["definitions"]
    for path, rule in paths_of_schema(schema()):
        referred = definitions[rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule
        assert "type" in referred or "allOf" in referred, path


def test_no_group_lets_an_unknown_value_in() -> None:
    def groups(node: Body, path: str) -> Iterator[tuple[str, Body]]:
        if node.get("type") == "object" and "properties" in node:
            yield path, node
        for name, child in node.get("properties", {}).items():
            yield from groups(child, f"{path}.{name}")

    for path, group in groups(schema(), ""):
        assert group.get("additionalProperties") is False, path


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("replicas=many", "/replicas"),
        ("replicsa=3", "replicsa"),
        ("shards=0", "/shards"),
        ("commonLabels.app\\.kubernetes\\.io/name=mine", "/commonLabels"),
        ("podLabels.app\\.kubernetes\\.io/instance=mine", "/podLabels"),
        ("image.digest=sha256:short", "/image/digest"),
        ("imagePullSecrets={Upper}", "/imagePullSecrets/0"),
        ("watchNamespaces={*}", "/watchNamespaces/0"),
        ("webhook.certManager.issuerRef.kind=ClusterIssuer", "/webhook/certManager/issuerRef"),
        ("networkPolicy.apiServer.cidrs={everywhere}", "/networkPolicy/apiServer/cidrs/0"),
        ("networkPolicy.apiServer.ports={70000}", "/networkPolicy/apiServer/ports/0"),
        ("networkPolicy.dns.ports=[]", "/networkPolicy/dns/ports"),
        ("networkPolicy.agents.egress[0].too=x", "/networkPolicy/agents/egress/0"),
        ("metrics.runbookUrlPattern=docs/runbooks/%s.md", "/metrics/runbookUrlPattern"),
        ("metrics.runbookUrlPattern=https://a/%s/%s", "/metrics/runbookUrlPattern"),
        ("metrics.serviceMonitor.install=true", "/metrics/serviceMonitor/install"),
        ("metrics.serviceMonitor.interval=often", "/metrics/serviceMonitor/interval"),
        ("dashboards.namespace=Big", "/dashboards/namespace"),
        ("uninstall.timeoutSeconds=1", "/uninstall/timeoutSeconds"),
        ("topologySpreadConstraints[0].maxSkew=1", "/topologySpreadConstraints/0"),
        ("affinity.nodes=x", "/affinity"),
        ("resources.limits.memory=much", "/resources/limits/memory"),
    ],
)
def test_a_refusal_names_the_value(render: Render, value: str, named: str) -> None:
    with pytest.raises(repo.CheckError, match="values don't meet the specifications") as refused:
        render(value)
    assert named in str(refused.value)


def test_the_table_of_values_has_them_all_with_default_and_meaning() -> None:
    text = (CHART / "values.yaml").read_text()
    table = (repo.ROOT / "docs" / "values.md").read_text()

    for value in values_of(text):
        assert value.meaning.endswith("."), f"{value.path} is not explained in a sentence"
        assert f"| `{value.path}` | `{value.default}` |" in table


def test_a_value_is_read_with_its_group_its_default_and_its_comment() -> None:
    text = "a:\n  # One.\n  # Two.\n  b: {c: 1}\n# Three.\nd: x\n"

    assert [(v.path, v.default, v.meaning) for v in values_of(text)] == [
        ("a.b", "{c: 1}", "One. Two."),
        ("d", "x", "Three."),
    ]
