"""Rules ask only for what there is; every alert can be read, looked up and acted on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring import objectives as slo
from monitoring.alerts import ALERTS, RUNBOOKS, Alert, Severity
from monitoring.names import asked, known
from monitoring.reference import metrics_page
from monitoring.rules import rules_file
from spectra_operator.observability.metrics import CATALOGUE

ROOT = Path(__file__).resolve().parents[3]
HEADINGS = ["## What it means", "## How to see it", "## What to do"]
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(rules_file())["groups"] for rule in group["rules"]
]
ONCE = {rule.get("alert") or f"{rule['record']}/{rule.get('labels')}": rule for rule in RULES}


@pytest.mark.parametrize("rule", ONCE.values(), ids=ONCE)
def test_a_rule_asks_for_series_that_are_scraped_or_recorded(rule: dict[str, Any]) -> None:
    names = asked(rule["expr"])
    assert names <= known()
    assert names or rule["record"] == slo.TARGET


def test_no_alert_has_an_address_that_leads_nowhere() -> None:
    assert not any("runbook_url" in rule.get("annotations", {}) for rule in RULES)


def test_no_rule_comes_twice() -> None:
    assert len(ONCE) == len(RULES)


def test_there_are_alerts_of_every_severity_and_no_two_of_one_name() -> None:
    assert {alert.severity for alert in ALERTS} == set(Severity)
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_has_a_runbook_that_says_what_it_means_how_to_see_it_and_what_to_do(
    alert: Alert,
) -> None:
    text = (ROOT / alert.runbook).read_text()
    assert text.startswith(f"# {alert.name}\n")
    assert f"Severity: {alert.severity}" in text
    assert re.findall(r"^## .*", text, re.M) == HEADINGS
    sections = re.split(r"^## .*\n", text, flags=re.M)[1:]
    assert all(len(section.strip()) > 60 for section in sections)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_queries_and_links_of_a_runbook_lead_somewhere(alert: Alert) -> None:
    text = (ROOT / alert.runbook).read_text()
    assert asked(text) <= known() | CATALOGUE.keys()
    for link in re.findall(r"\]\(([^)]+)\)", text):
        page, _, _ = link.partition("#")  # building the site looks for what is behind it
        assert (ROOT / RUNBOOKS / page).exists()


def test_there_is_no_runbook_without_an_alert() -> None:
    found = {path.stem for path in (ROOT / RUNBOOKS).glob("*.md")}
    assert found == {alert.name for alert in ALERTS}


def test_a_summary_names_only_labels_that_its_query_gives() -> None:
    for alert in ALERTS:
        for label in re.findall(r"\$labels\.(\w+)", alert.summary):
            given = label in alert.query or alert.query.startswith("spectra_agent_")
            assert given or label == "slo", f"{alert.name}: {label}"


def test_every_objective_is_recorded_over_every_window_and_has_a_budget() -> None:
    found = {(r["record"], r["labels"]["slo"]) for r in RULES if "slo" in r.get("labels", {})}
    series = {*map(slo.recorded, slo.WINDOWS), slo.BUDGET_LEFT, slo.TARGET}
    assert found == {(name, each.name) for name in series for each in slo.OBJECTIVES}


@pytest.mark.parametrize("objective", slo.OBJECTIVES, ids=lambda objective: objective.name)
def test_an_objective_can_be_missed_so_much_that_its_fast_alert_fires(
    objective: slo.Objective,
) -> None:
    assert objective.budget * 14.4 < 1


def test_the_bounds_of_objectives_are_bounds_of_buckets() -> None:
    hop = CATALOGUE["spectra_hop_latency_seconds"].buckets
    recovery = CATALOGUE["spectra_recovery_duration_seconds"].buckets
    assert float(slo.LATENCY_SECONDS) in hop
    assert float(slo.RECOVERY_SECONDS) in recovery


def test_the_page_has_every_metric_objective_and_alert() -> None:
    page = metrics_page()
    assert all(f"| `{name}` |" in page for name in CATALOGUE)
    assert all(f"| `{each.name}` |" in page for each in slo.OBJECTIVES)
    assert all(f"(../runbooks/{alert.name}.md)" in page for alert in ALERTS)
    assert "$labels" not in page
    for link in re.findall(r"\]\(([^)#]+)\)", page):
        assert (ROOT / "docs/reference" / link).exists()
