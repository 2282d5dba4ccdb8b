"""The chart's values against their schema: none without a rule; refusals name what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.charts import Body, Render, of_kind, the
from checks import repository as repo
from checks.values_table import values_of

CHART = repo.ROOT / repo.CHART
FREE = {"webhook.certManager.issuerRef", "affinity"}
"""Objects whose fields a user writes: they are in the schema and not in values.yaml."""
EVERYTHING = """\
crds: {enabled: false}
webhook: {certManager: {enabled: true}}
tracing: {endpoint: "http://collector:4318"}
metrics: {serviceMonitor: {install: always}, prometheusRule: {install: always}}
"""
"""Values that turn on what templates have, so that each of them meets what is null."""
TAKEN = """\
metrics: {serviceMonitor: {install: always, interval: 1m30s, scrapeTimeout: 1m29s999ms}}
resources:
  requests: {cpu: 0.5, memory: 128M, ephemeral-storage: "1e9"}
  limits: {cpu: "2", memory: 1.5Gi, ephemeral-storage: .5Ti}
rollouts: {prometheusAddresses: ["http://p:65535/prefix", "https://[fd00::1]:9090", "http://p"]}
networkPolicy:
  apiServer: {cidrs: [0.0.0.0/0, 10.250.9.1/32, "::/0", "fd00:1:2::/48", "1:2:3:4:5:6:7:8/128"]}
  extraEgress: [{ports: [{port: 8000, endPort: 8010}, {port: http-metrics}, {port: 2-way}]}]
"""


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


def groups(node: Body, path: str = "") -> Iterator[tuple[str, Body]]:
    if node.get("type") == "object" and "properties" in node:
        yield path, node
    for name, child in node.get("properties", {}).items():
        yield from groups(child, f"{path}.{name}" if path else name)


def test_no_group_lets_an_unknown_value_in() -> None:
    for path, group in groups(schema()):
        assert group.get("additionalProperties") is False, path


def test_no_group_can_be_taken_away() -> None:
    found = dict(groups(schema()))
    for path in found.keys() - FREE - {""}:
        parent, _, name = path.rpartition(".")
        assert name in found[parent].get("required", ()), path


def test_what_is_not_required_may_be_null(render_with: Render, tmp_path: Path) -> None:
    groups_of = dict(groups(schema()))
    optional = {
        path
        for path, rule in paths_of_schema(schema())
        for group, _, name in [path.rpartition(".")]
        if name not in groups_of[group].get("required", ())
    } - {"global"}
    values = yaml.safe_load(EVERYTHING)
    for path in optional:
        here = values
        *parents, name = path.split(".")
        for parent in parents:
            here = here.setdefault(parent, {})
        here[name] = None
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))

    assert len(optional) > 25
    kinds = {body["kind"] for body in render_with(f"--values={file}")}
    assert {"Deployment", "NetworkPolicy", "Certificate", "ServiceMonitor", "ConfigMap"} <= kinds


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("replicas=many", "/replicas"),
        ("replicsa=3", "replicsa"),
        ("shards=0", "/shards"),
        ("commonLabels.app\\.kubernetes\\.io/name=mine", "/commonLabels"),
        ("podLabels.app\\.kubernetes\\.io/instance=mine", "/podLabels"),
        ("image.digest=sha256:short", "/image/digest"),
        ("image.repository=docker.io/x:tag", "/image/repository"),
        ("image.repository=https://a/b", "/image/repository"),
        ("image.repository=a//b", "/image/repository"),
        ("image.repository=docker.io:5000:x/y", "/image/repository"),
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
        ("resources.limits.memory=1..2", "/resources/limits/memory"),
        ("resources.limits.memory=512ki", "/resources/limits/memory"),
        ("resources.requests.cpu=-1", "/resources/requests/cpu"),
        ("rollouts=null", "missing property 'rollouts'"),
        ("podDisruptionBudget=null", "missing property 'podDisruptionBudget'"),
        ("networkPolicy.apiServer.cidrs={10.0.0.256/8}", "/networkPolicy/apiServer/cidrs/0"),
        ("networkPolicy.apiServer.cidrs={10.0.0.0/33}", "/networkPolicy/apiServer/cidrs/0"),
        ("networkPolicy.apiServer.cidrs={10.0.0.1}", "/networkPolicy/apiServer/cidrs/0"),
        ("networkPolicy.apiServer.cidrs={fd00::1::/64}", "/networkPolicy/apiServer/cidrs/0"),
        ("networkPolicy.apiServer.cidrs={fd00::/129}", "/networkPolicy/apiServer/cidrs/0"),
        ("networkPolicy.extraEgress[0].ports[0].port=99999", "/extraEgress/0/ports/0/port"),
        ("networkPolicy.extraIngress[0].ports[0].port=HTTP", "/extraIngress/0/ports/0/port"),
        ("networkPolicy.agents.egress[0].ports[0].endPort=9", "/agents/egress/0/ports/0"),
        ("rollouts.prometheusAddresses={http://p:99999}", "/rollouts/prometheusAddresses/0"),
        ("tracing.endpoint=http://collector:0", "/tracing/endpoint"),
        ("metrics.serviceMonitor.interval=0s", "/metrics/serviceMonitor/interval"),
        ("metrics.serviceMonitor.interval=30s1m", "/metrics/serviceMonitor/interval"),
        ("metrics.serviceMonitor.scrapeTimeout=", "/metrics/serviceMonitor/scrapeTimeout"),
    ],
)
def test_a_refusal_names_the_value(render: Render, value: str, named: str) -> None:
    with pytest.raises(repo.CheckError, match="values don't meet the specifications") as refused:
        render(value)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        ("interval=30s", "scrapeTimeout=1m"),
        ("interval=1m30s", "scrapeTimeout=91s"),
        ("interval=9s", "scrapeTimeout=10s"),
        ("interval=1s", "scrapeTimeout=1s1ms"),
    ],
)
def test_a_scrape_that_waits_longer_than_until_the_next_is_refused(
    render: Render, given: tuple[str, str]
) -> None:
    with pytest.raises(repo.CheckError, match=r"scrapeTimeout \(.*\) is longer than .*interval"):
        render(*(f"metrics.serviceMonitor.{each}" for each in given))


def test_what_kubernetes_and_prometheus_take_is_taken(render_with: Render, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(TAKEN)
    given = yaml.safe_load(TAKEN)

    bodies = render_with(f"--values={file}", "--set=crds.enabled=false")

    (monitor,) = of_kind(bodies, "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["interval"] == "1m30s"
    (deployment,) = of_kind(bodies, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == given["resources"]
    policy = the(bodies, "NetworkPolicy", "spectra-operator")
    blocks = [
        to["ipBlock"]["cidr"]
        for rule in policy["spec"]["egress"]
        for to in rule.get("to", ())
        if "ipBlock" in to
    ]
    assert set(given["networkPolicy"]["apiServer"]["cidrs"]) <= set(blocks)
    assert given["networkPolicy"]["extraEgress"][0] in policy["spec"]["egress"]


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
