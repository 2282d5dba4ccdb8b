"""Suspension, deadline and estimates of workflows."""

from __future__ import annotations

from typing import Any

import pytest

from builders.pods import at
from builders.records import a_view
from spectra_operator.api.phase import PhaseState
from spectra_operator.api.workflow import WorkflowState
from spectra_operator.core.insight.estimate import Estimate
from spectra_operator.core.insight.expectations import Insight, Outlook
from spectra_operator.core.phase.records import Tally
from spectra_operator.core.snapshot import Levels
from spectra_operator.core.workflow.records import PhaseView, WorkflowRecord
from unit.core.workflow_cases import BESIDE, ROW, RUNNING, SUCCEEDED, begun, decided, states


def test_a_suspended_workflow_creates_nothing_and_tells_its_phases() -> None:
    decision = decided({"one": RUNNING}, steps=BESIDE, suspend=True)
    assert decision.create == ()
    assert decision.levels == Levels(hold="Suspended")
    assert (decision.record.state, decision.record.reason) == (
        WorkflowState.SUSPENDED,
        "Suspended",
    )


def test_a_workflow_that_is_resumed_goes_on_and_notes_when() -> None:
    suspended = decided({"one": RUNNING}, steps=BESIDE, suspend=True, now=5)
    assert (suspended.record.suspended, suspended.record.suspended_changed_at) == (True, at(5))
    resumed = decided({"one": RUNNING}, steps=BESIDE, persisted=suspended.record, now=9)
    assert resumed.create == ("two",)
    assert (resumed.record.state, resumed.record.reason) == (WorkflowState.RUNNING, "")
    assert (resumed.record.suspended, resumed.record.suspended_changed_at) == (False, at(9))


def test_a_suspended_workflow_that_has_nothing_left_to_do_ends() -> None:
    seen = dict.fromkeys(("one", "two", "three"), SUCCEEDED)
    record = decided(seen, steps=BESIDE, suspend=True).record
    assert (record.state, record.suspended) == (WorkflowState.SUCCEEDED, False)


def test_a_workflow_looks_again_at_its_deadline() -> None:
    assert decided(now=3, active_deadline_seconds=60).wake_at == at(63)
    assert decided(now=3).wake_at is None


def test_the_deadline_counts_from_the_start() -> None:
    persisted = begun(decided(), started=0)
    late = decided({"first": RUNNING}, persisted=persisted, now=60, active_deadline_seconds=60)
    in_time = decided({"first": RUNNING}, persisted=persisted, now=59, active_deadline_seconds=60)
    assert late.levels == Levels(cancel="DeadlineExceeded")
    assert in_time.levels == Levels()
    assert late.wake_at is None


def test_at_the_deadline_phases_to_come_are_cancelled_and_what_runs_is_stopped() -> None:
    persisted = begun(decided())
    decision = decided({"first": RUNNING}, persisted=persisted, now=60, active_deadline_seconds=60)
    assert (states(decision), decision.create) == ("Running Cancelled Cancelled", ())
    assert (decision.record.state, decision.record.reason) == (
        WorkflowState.RUNNING,
        "DeadlineExceeded",
    )
    assert decision.record.steps["second"].tally == Tally(total=1, cancelled=1)


def test_after_the_deadline_the_workflow_fails_once_all_has_ended() -> None:
    persisted = begun(decided())
    stopped = a_view(PhaseState.FAILED, reason="DeadlineExceeded", finished=63)
    record = decided(
        {"first": stopped}, persisted=persisted, now=64, active_deadline_seconds=60
    ).record
    assert (record.state, record.reason) == (WorkflowState.FAILED, "DeadlineExceeded")
    assert (record.message, record.finished_at) == (
        "activeDeadlineSeconds: 60 s have passed",
        at(63),
    )


def test_a_workflow_that_was_done_before_its_deadline_has_succeeded_however_late_that_is_seen() -> (
    None
):
    seen = dict.fromkeys(("one", "two", "three"), SUCCEEDED)
    persisted = begun(decided(steps=BESIDE))
    record = decided(
        seen, steps=BESIDE, persisted=persisted, now=99, active_deadline_seconds=60
    ).record
    assert record.state is WorkflowState.SUCCEEDED


def test_a_pending_workflow_has_no_deadline_yet() -> None:
    decision = decided(missing=("ghost",), now=3, active_deadline_seconds=60)
    assert decision.wake_at is None


def expects(seconds: float, **fields: Any) -> Outlook:
    """Return what is expected of a phase that still takes so long."""
    return Outlook(Estimate(seconds), "work", 1, total=seconds, samples=5, clue=True, **fields)


def test_the_estimate_is_the_longest_path_of_what_is_left() -> None:
    view = a_view(PhaseState.RUNNING, outlook=expects(40))
    to_come = {"second": expects(30), "third": expects(50)}
    insight = decided({"first": view}, outlooks=to_come).record.insight
    assert insight.rest == Estimate(120)
    assert (insight.samples, insight.critical_path) == (15, "first/work +2")


def test_what_is_done_is_no_longer_waited_for() -> None:
    done = a_view(PhaseState.SUCCEEDED, outlook=Outlook(done=20, total=20, clue=True))
    to_come = {"second": expects(30), "third": expects(50)}
    insight = decided({"first": done}, outlooks=to_come).record.insight
    assert (insight.rest, insight.percent) == (Estimate(80), 20)


@pytest.mark.parametrize("view", [a_view(PhaseState.RUNNING), a_view(None)])
def test_without_a_clue_there_is_no_estimate(view: PhaseView) -> None:
    assert decided({"first": view}).record.insight.rest is None


def test_an_ended_workflow_has_no_estimate() -> None:
    seen = dict.fromkeys(("one", "two", "three"), SUCCEEDED)
    insight = decided(seen, steps=BESIDE).record.insight
    assert (insight.rest, insight.percent, insight.critical_path) == (None, 100, "")


def test_percent_never_goes_back_within_a_run() -> None:
    view = a_view(PhaseState.RUNNING, outlook=expects(40))
    before = WorkflowRecord(started_at=at(0), insight=Insight(percent=60))
    assert decided({"first": view}, persisted=before).record.insight.percent == 60


def test_a_phase_that_will_be_late_is_looked_at_when_it_is() -> None:
    planned = [ROW[0] | {"plan": {"durationSeconds": 30, "milestone": "It stands"}}, *ROW[1:]]
    view = a_view(PhaseState.RUNNING)
    begun_at = WorkflowRecord(started_at=at(0))
    early = decided({"first": view}, steps=planned, persisted=begun_at, now=10)
    assert early.wake_at == at(31)
    assert early.record.insight.phases["first"].milestone == "Pending"
    late = decided({"first": view}, steps=planned, persisted=begun_at, now=40)
    assert late.record.insight.phases["first"].late == "10s"
    assert late.wake_at is None


def test_the_deadline_comes_first_if_it_is_first() -> None:
    planned = [ROW[0] | {"plan": {"durationSeconds": 30}}, *ROW[1:]]
    begun_at = WorkflowRecord(started_at=at(0))
    view = a_view(PhaseState.RUNNING)
    decision = decided(
        {"first": view}, steps=planned, persisted=begun_at, active_deadline_seconds=20
    )
    assert decision.wake_at == at(20)
