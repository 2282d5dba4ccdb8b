"""What is expected, as a Workflow's status shows it."""

from __future__ import annotations

from spectra_operator.core.insight.estimate import Estimate
from spectra_operator.core.insight.expectations import Insight, PhaseInsight
from spectra_operator.core.insight.status import (
    parse_insight,
    render_insight,
    render_phase_insight,
)

SEEN = Insight(Estimate(90, 100), 12, "build/compile +4", 40)


def test_status_shows_when_it_is_over_and_what_decides() -> None:
    assert render_insight(SEEN, ended=False) == {
        "percent": 40,
        "criticalPath": "build/compile +4",
        "eta": "90s",
        "etaP90": "103s",
        "samples": 12,
    }


def test_without_a_clue_no_time_is_shown() -> None:
    blind = Insight(critical_path="build/compile", percent=0)
    assert render_insight(blind, ended=False) == {"percent": 0, "criticalPath": "build/compile"}


def test_an_ended_workflow_shows_how_far_it_came() -> None:
    assert render_insight(SEEN, ended=True) == {"percent": 40}


def test_a_phase_shows_its_slack_and_its_plan() -> None:
    assert render_phase_insight(PhaseInsight(critical=True, slack=0.0), ended=False) == {
        "critical": True,
        "slack": "0s",
    }
    late = PhaseInsight(False, 30.0, "2d", "Late")
    assert render_phase_insight(late, ended=False) == {
        "late": "2d",
        "milestone": "Late",
        "slack": "30s",
    }
    assert render_phase_insight(late, ended=True) == {"late": "2d", "milestone": "Late"}
    assert render_phase_insight(PhaseInsight(), ended=False) == {}


def test_after_a_restart_percent_and_milestones_are_as_they_were() -> None:
    status = {"percent": 40, "phases": [{"name": "build", "late": "2d", "milestone": "Late"}]}
    phases = {"build": PhaseInsight(late="2d", milestone="Late")}
    assert parse_insight(status) == Insight(percent=40, phases=phases)
    assert parse_insight({}) == Insight()
