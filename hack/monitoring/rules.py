"""The rules file: recording rules of the objectives, then the alerts, one group a severity.

The chart adds `runbook_url` where it is told the address: what is no address of a page is of no use
in a notification.
"""

from __future__ import annotations

from typing import Any

import yaml

from monitoring import objectives as slo
from monitoring.alerts import ALERTS, Alert, Severity

HEADER = "# Generated from hack/monitoring by `make generate`. Do not edit.\n"
Body = dict[str, Any]

_SLOTS = "on (agent_namespace, agent) (spectra_agent_slots > 0)"
_RECORDED: dict[str, str] = {
    slo.UTILISATION: (
        f"sum(spectra_agent_tasks_running and {_SLOTS}) / (sum(spectra_agent_slots) > 0)"
    ),
    slo.OVER: f"{slo.UTILISATION} > bool {slo.MOST_UTILISATION}",
    "spectra:task_start_rate:sum_rate5m": (
        "sum(rate(spectra_task_queue_duration_seconds_count[5m]))"
    ),
    "spectra:attempt_failures:ratio_rate5m": (
        'sum(rate(spectra_attempts_total{outcome="Failed"}[5m]))'
        " / (sum(rate(spectra_attempts_total[5m])) > 0)"
    ),
}


def rules_file() -> str:
    """Return the file as Prometheus, or a PrometheusRule, takes it."""
    groups = [
        {"name": "spectra.records", "rules": _records(_RECORDED)},
        {"name": "spectra.objectives", "rules": _objectives()},
        {"name": "spectra.budgets", "interval": "5m", "rules": _budgets()},
        *(_alerts(severity) for severity in Severity),
    ]
    return HEADER + yaml.safe_dump({"groups": groups}, sort_keys=False, width=100)


def recorded_names() -> set[str]:
    """Return the names of all series that the rules record."""
    found = yaml.safe_load(rules_file())["groups"]
    return {rule["record"] for group in found for rule in group["rules"] if "record" in rule}


def _records(queries: dict[str, str]) -> list[Body]:
    return [{"record": name, "expr": query} for name, query in queries.items()]


def _objectives() -> list[Body]:
    return [
        {"record": slo.recorded(window), "expr": each.errors(window), "labels": {"slo": each.name}}
        for window in slo.WINDOWS
        for each in slo.OBJECTIVES
    ]


def _budgets() -> list[Body]:
    found: list[Body] = []
    for each in slo.OBJECTIVES:
        labels = {"slo": each.name}
        left = f"1 - ({each.errors(slo.BUDGET_WINDOW)}) / {each.budget:g}"
        target = {"record": slo.TARGET, "expr": f"vector({each.target})", "labels": labels}
        found += [{"record": slo.BUDGET_LEFT, "expr": left, "labels": labels}, target]
    return found


def _alerts(severity: Severity) -> Body:
    mine = [_alert(each) for each in ALERTS if each.severity is severity]
    return {"name": f"spectra.{severity}", "rules": mine}


def _alert(found: Alert) -> Body:
    return {
        "alert": found.name,
        "expr": found.query,
        "for": found.lasts,
        "labels": {"severity": found.severity.value},
        "annotations": {
            "summary": found.summary,
            "dashboard": found.dashboard,
        },
    }
