"""Prometheus takes the rules, and each alert is silent, fires and clears as its case says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.programs import promtool
from monitoring.alerts import ALERTS, Severity

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "helm/spectra-operator/files/rules/operator.yaml"
CASES = ROOT / "tests/rules"


def cases(severity: Severity) -> dict[str, list[tuple[str, bool]]]:
    """Return of each case the expressions with whether something is expected, in their order."""
    found: dict[str, Any] = yaml.safe_load((CASES / f"{severity}.yaml").read_text())
    return {
        case["name"]: [(t["expr"], bool(t["exp_samples"])) for t in case["promql_expr_test"]]
        for case in found["tests"]
    }


async def test_prometheus_takes_the_rules() -> None:
    code, said = await promtool("check", "rules", RULES)
    assert code == 0, said
    assert "SUCCESS" in said


async def test_objectives_are_recorded_as_shares_of_errors_and_what_is_left_of_a_budget() -> None:
    code, said = await promtool("test", "rules", CASES / "objectives.yaml")
    assert code == 0, said


@pytest.mark.parametrize("severity", Severity)
async def test_each_alert_is_silent_fires_and_clears(severity: Severity) -> None:
    code, said = await promtool("test", "rules", CASES / f"{severity}.yaml")
    assert code == 0, said


@pytest.mark.parametrize("severity", Severity)
def test_each_alert_has_a_case_that_sees_it_fire_between_two_silences(severity: Severity) -> None:
    found = cases(severity)
    assert list(found) == [alert.name for alert in ALERTS if alert.severity is severity]
    for name, expected in found.items():
        assert [fires for _, fires in expected] == [False, True, False]
        assert all(f'alertname="{name}"' in query for query, _ in expected)
