"""A phase's plan against what happened."""

from __future__ import annotations

from typing import Any

from builders.pods import at
from spectra_operator.api.task import Plan
from spectra_operator.api.workflow import StepState
from spectra_operator.core.insight.milestones import NO_PLAN, PlanView, against_plan
from spectra_operator.core.workflow.records import StepRecord

DAY = 86_400.0
WAITING = StepRecord()


def plan(**fields: Any) -> Plan:
    return Plan.model_validate({"milestone": "It stands"} | fields)


def running(started: float = 0) -> StepRecord:
    return StepRecord(StepState.RUNNING, started_at=at(started))


def ended(finished: float, state: StepState = StepState.SUCCEEDED) -> StepRecord:
    return StepRecord(state, started_at=at(0), finished_at=at(finished))


def seen(planned: Plan | None, step: StepRecord, now: float) -> PlanView:
    return against_plan(planned, step, at(0), at(now))


def test_without_a_plan_nothing_is_late() -> None:
    assert seen(None, running(), 10**9) == NO_PLAN
    assert seen(Plan(), running(), 10**9) == NO_PLAN


def test_a_milestone_is_pending_until_its_due_time_and_late_from_then_on() -> None:
    planned = plan(start_day=0, duration_days=2)
    assert seen(planned, running(), DAY) == PlanView("", "Pending", at(2 * DAY + 1))
    assert seen(planned, running(), 2 * DAY) == PlanView("", "Pending", at(2 * DAY + 1))
    assert seen(planned, running(), 2 * DAY + 1) == PlanView("1s", "Late", None)
    assert seen(planned, running(), 4 * DAY) == PlanView("2d", "Late", None)


def test_a_milestone_is_reached_also_when_it_is_late() -> None:
    planned = plan(duration_seconds=60)
    assert seen(planned, ended(60), 999) == PlanView("", "Reached", None)
    assert seen(planned, ended(90), 999) == PlanView("30s", "Reached", None)


def test_a_phase_that_did_not_succeed_missed_its_milestone() -> None:
    planned = plan(duration_seconds=60)
    assert seen(planned, ended(30, StepState.FAILED), 40) == PlanView("", "Missed", None)
    skipped = StepRecord(StepState.SKIPPED)
    assert seen(plan(start_day=0), skipped, 999) == PlanView("", "Missed", None)


def test_without_a_planned_start_the_duration_counts_from_the_actual_one() -> None:
    planned = plan(duration_seconds=60)
    assert seen(planned, WAITING, 999) == PlanView("", "Pending", None)
    assert seen(planned, running(500), 520) == PlanView("", "Pending", at(561))
    assert seen(planned, running(500), 570).late == "10s"


def test_a_phase_that_should_have_begun_is_late() -> None:
    planned = plan(start_day=1)
    assert seen(planned, WAITING, 0) == PlanView("", "Pending", at(DAY + 1))
    assert seen(planned, WAITING, DAY + 30) == PlanView("30s", "Late", None)
    assert seen(planned, running(DAY + 40), 3 * DAY) == PlanView("40s", "Late", None)
    assert seen(planned, running(10), 3 * DAY) == PlanView("", "Pending", None)


def test_a_plan_without_a_milestone_tells_only_how_late_it_is() -> None:
    assert seen(Plan(duration_seconds=60), running(), 70) == PlanView("10s", "", None)
