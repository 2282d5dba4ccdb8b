"""What is expected, in a Workflow's status: from an insight to what is stored, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .estimate import in_words
from .expectations import Insight, PhaseInsight

Status = dict[str, Any]


def render_insight(insight: Insight, *, ended: bool) -> Status:
    """Return the fields of a workflow's status; of an ended one only how far it came."""
    status: Status = {"percent": insight.percent}
    if ended:
        return status
    status["criticalPath"] = insight.critical_path
    if insight.rest is not None and insight.rest.seconds:
        status["eta"] = in_words(insight.rest.seconds)
        status["etaP90"] = in_words(insight.rest.p90)
        status["samples"] = insight.samples
    return status


def render_phase_insight(insight: PhaseInsight, *, ended: bool) -> Status:
    """Return the fields of a phase in its workflow's status."""
    status: Status = {"late": insight.late, "milestone": insight.milestone}
    if not ended:
        status["critical"] = insight.critical or None
        status["slack"] = None if insight.slack is None else in_words(insight.slack)
    return {name: value for name, value in status.items() if value}


def parse_insight(status: Mapping[str, Any]) -> Insight:
    """Return what a status tells that must not be lost: how far, how late, which milestones."""
    return Insight(
        percent=status.get("percent", 0),
        phases={
            phase["name"]: PhaseInsight(
                late=phase.get("late", ""), milestone=phase.get("milestone", "")
            )
            for phase in status.get("phases") or ()
            if phase.get("late") or phase.get("milestone")
        },
    )
