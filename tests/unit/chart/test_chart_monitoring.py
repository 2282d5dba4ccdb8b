"""What Prometheus and Grafana get of the chart, and when."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from builders.charts import Body, Render, of_kind, the
from checks import repository as repo
from checks.generated import loaded

FILES = repo.ROOT / repo.CHART / "files"
NO_CRDS = "--set=crds.enabled=false"
KINDS = {"ServiceMonitor": "serviceMonitor", "PrometheusRule": "prometheusRule"}


@pytest.mark.parametrize("kind", KINDS)
def test_by_default_a_kind_is_installed_where_the_cluster_has_it(
    render_with: Render, kind: str
) -> None:
    has = f"--api-versions=monitoring.coreos.com/v1/{kind}"

    assert of_kind(render_with(NO_CRDS), kind) == []
    assert len(of_kind(render_with(NO_CRDS, has), kind)) == 1


@pytest.mark.parametrize(("kind", "value"), KINDS.items())
def test_a_kind_can_be_forced_or_left_out(render_with: Render, kind: str, value: str) -> None:
    has = f"--api-versions=monitoring.coreos.com/v1/{kind}"
    always, never = (f"--set=metrics.{value}.install={word}" for word in ("always", "never"))

    assert len(of_kind(render_with(NO_CRDS, always), kind)) == 1
    assert of_kind(render_with(NO_CRDS, has, never), kind) == []


@pytest.fixture
def watched(render_with: Render) -> list[Body]:
    values = repo.ROOT / repo.CHART / "ci" / "prometheus.yaml"
    return render_with(NO_CRDS, f"--values={values}")


def test_the_monitor_scrapes_each_replica_by_the_metrics_service(watched: list[Body]) -> None:
    (monitor,) = of_kind(watched, "ServiceMonitor")
    service = the(watched, "Service", "spectra-operator-metrics")
    (endpoint,) = monitor["spec"]["endpoints"]
    selector = monitor["spec"]["selector"]["matchLabels"]

    assert selector.items() <= service["metadata"]["labels"].items()
    others = [s for s in of_kind(watched, "Service") if s is not service]
    assert not any(selector.items() <= s["metadata"]["labels"].items() for s in others)
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert service["spec"]["clusterIP"] == "None"


def test_every_rule_file_is_in_the_rules_as_it_is(watched: list[Body]) -> None:
    (rules,) = of_kind(watched, "PrometheusRule")
    written = [g for file in sorted(FILES.glob("rules/*.yaml")) for g in loaded(file.read_text())]

    groups = [group for body in written for group in body["groups"]]
    assert rules["spec"]["groups"] == groups
    assert len({group["name"] for group in groups}) == len(groups)


def test_every_alert_leads_to_its_runbook_where_the_address_is_known(render_with: Render) -> None:
    always = "--set=metrics.prometheusRule.install=always"
    pattern = "--set=metrics.runbookUrlPattern=https://docs.example.com/runbooks/%s/"
    (found,) = of_kind(render_with(NO_CRDS, always, pattern), "PrometheusRule")
    rules = [rule for group in found["spec"]["groups"] for rule in group["rules"]]
    urls = {r["alert"]: r["annotations"].pop("runbook_url") for r in rules if "alert" in r}

    assert urls == {name: f"https://docs.example.com/runbooks/{name}/" for name in urls}
    assert {path.stem for path in (repo.ROOT / "docs" / "runbooks").glob("*.md")} == urls.keys()
    written = [g for file in sorted(FILES.glob("rules/*.yaml")) for g in loaded(file.read_text())]
    assert found["spec"]["groups"] == [group for body in written for group in body["groups"]]


def test_labels_choose_the_prometheus(render_with: Render) -> None:
    options = [
        f"--set=metrics.{value}.{part}"
        for value in KINDS.values()
        for part in ("install=always", "labels.release=main")
    ]
    bodies = render_with(NO_CRDS, *options)

    for kind in KINDS:
        assert of_kind(bodies, kind)[0]["metadata"]["labels"]["release"] == "main"


def dashboards(bodies: list[Body]) -> list[Body]:
    return [b for b in of_kind(bodies, "ConfigMap") if "-dashboard-" in b["metadata"]["name"]]


def test_every_dashboard_is_a_config_map_that_the_sidecar_finds(defaults: list[Body]) -> None:
    found = dashboards(defaults)
    files = sorted(FILES.glob("dashboards/*.json"))

    assert len(found) == len(files) > 0
    for body, file in zip(found, files, strict=True):
        assert body["metadata"]["labels"]["grafana_dashboard"] == "1"
        shown, written = json.loads(body["data"][file.name]), json.loads(file.read_text())
        assert {name: shown[name] for name in ("uid", "title", "refresh")} == {
            name: written[name] for name in ("uid", "title", "refresh")
        }
        assert [asked(panel) for panel in shown["panels"]] == [asked(p) for p in written["panels"]]


def asked(panel: Body) -> tuple[str, Body, list[Body]]:
    """What a panel shows, and where."""
    return panel["title"], panel["gridPos"], panel.get("targets", [])


def test_without_the_address_of_the_runbooks_a_dashboard_has_no_link_to_them(
    defaults: list[Body],
) -> None:
    for body in dashboards(defaults):
        (text,) = body["data"].values()
        assert not any(each in text for each in ("${runbooks}", "docs/runbooks/", '"suffix"'))
        board = json.loads(text)
        assert {link["url"].partition("spectra-")[0] for link in board["links"]} == {"/d/"}
        assert "datasource" in {each["name"] for each in board["templating"]["list"]}


def test_without_the_address_of_the_runbooks_all_else_of_a_dashboard_is_kept(
    render: Render, defaults: list[Body]
) -> None:
    pattern = "metrics.runbookUrlPattern=https://docs.example.com/%s"
    linked = dashboards(render("crds.enabled=false", pattern))

    for plain, whole in zip(dashboards(defaults), linked, strict=True):
        ((text,), (more,)) = plain["data"].values(), whole["data"].values()
        left_out = removed(json.loads(more), json.loads(text))
        assert left_out
        assert all(re.search("runbooks|suffix", json.dumps(each)) for each in left_out)


def removed(before: Any, after: Any) -> list[Any]:
    """Return the entries of lists that are gone; anything else must be the same."""
    if isinstance(before, dict):
        assert before.keys() == after.keys()
        return [each for name in before for each in removed(before[name], after[name])]
    if not isinstance(before, list):
        assert before == after
        return []
    if len(before) > len(after):
        assert [each for each in before if each in after] == after
        return [each for each in before if each not in after]
    return [each for pair in zip(before, after, strict=True) for each in removed(*pair)]


@pytest.mark.parametrize(
    ("pattern", "before", "after"),
    [
        (
            "https://git.example.com/a/%s.md?plain=1&b",
            "https://git.example.com/a/",
            ".md?plain=1&b",
        ),
        ("https://docs.example.com/%s", "https://docs.example.com/", ""),
    ],
)
def test_dashboards_lead_to_the_runbooks_where_the_address_is_known(
    render: Render, pattern: str, before: str, after: str
) -> None:
    for body in dashboards(render("crds.enabled=false", f"metrics.runbookUrlPattern={pattern}")):
        (text,) = body["data"].values()
        variables = {each["name"]: each for each in json.loads(text)["templating"]["list"]}

        for name, value in (("runbooks", before), ("suffix", after)):
            found = variables[name]
            assert found["query"] == found["current"]["value"] == found["current"]["text"] == value
            assert found["options"] == [{"selected": True, "text": value, "value": value}]


def test_dashboards_can_live_elsewhere_or_not_at_all(render: Render) -> None:
    elsewhere = render("crds.enabled=false", "dashboards.namespace=grafana")
    none = render("crds.enabled=false", "dashboards.enabled=false")

    assert {body["metadata"]["namespace"] for body in dashboards(elsewhere)} == {"grafana"}
    assert dashboards(none) == []


def test_a_dashboard_fits_into_a_config_map_and_the_release_into_a_secret() -> None:
    assert all(file.stat().st_size < 900_000 for file in FILES.rglob("*.*"))
