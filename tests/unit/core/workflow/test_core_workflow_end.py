"""The end of a workflow: what follows its phases, in which order, and what it is called."""

from __future__ import annotations

from typing import Any

import pytest

from builders.pods import at
from builders.records import a_view
from builders.specs import Body, a_step, a_task
from spectra_operator.api.phase import PhaseState
from spectra_operator.api.workflow import PhaseRole, WorkflowState
from spectra_operator.core.workflow.status import parse_workflow, render_workflow
from unit.core.workflow_orders_cases import BAD, GOOD, RUNNING, Stage, an_order, states

UNDOABLE = [a_step("one", [a_task("a", compensate={"agent": "worker"})]), a_step("two")]


def stage(*, steps: list[Body] | None = None, **spec: Any) -> Stage:
    """A workflow with finally and on-failure tasks."""
    fields = {"finally_": [a_task("tidy")], "on_failure": [a_task("alarm")]}
    return Stage(steps or [a_step("one")], **(fields | spec))


def after(found: Stage, **views: Any) -> Stage:
    """The stage once the phases have ended so and that is stored."""
    for _ in range(2):
        found.store(**views)
    return found


def state_of(found: Stage) -> WorkflowState | None:
    """The state that is stored."""
    return found.persisted.state


def test_nothing_follows_before_the_outcome_is_stored() -> None:
    found = stage()
    decision = found.store(one=GOOD)
    assert (decision.create, decision.record.outcome) == ((), WorkflowState.SUCCEEDED)
    assert (decision.record.state, states(decision.record)) == (
        WorkflowState.FINALIZING,
        "Succeeded Waiting",
    )
    assert found.store().create == ("finally",)


def test_what_follows_a_failure_comes_one_after_the_other() -> None:
    found = after(stage(steps=UNDOABLE, failure_policy="Rollback"), one=GOOD, two=BAD)
    assert state_of(found) is WorkflowState.ROLLING_BACK
    assert found.decide().create == ("rollback",)
    found.store(rollback=RUNNING)
    assert found.decide().create == ()
    assert found.store(rollback=GOOD).create == ("on-failure",)
    assert state_of(found) is WorkflowState.FINALIZING
    assert found.store(**{"on-failure": GOOD}).create == ("finally",)
    record = found.store(**{"finally": GOOD}).record
    assert (record.state, record.reason) == (WorkflowState.FAILED, "PhaseFailed")
    assert record.message == "phase two: task a failed"
    roles = [step.role for step in record.steps.values()][2:]
    assert roles == [PhaseRole.ROLLBACK, PhaseRole.ON_FAILURE, PhaseRole.FINALLY]


def test_a_success_needs_no_alarm_and_no_rollback() -> None:
    found = after(stage(steps=UNDOABLE, failure_policy="Rollback"), one=GOOD, two=GOOD)
    assert list(found.persisted.steps) == ["one", "two", "finally"]


def test_nothing_is_rolled_back_where_no_task_says_how_or_the_policy_does_not() -> None:
    plain = after(stage(failure_policy="Rollback"), one=BAD)
    assert "rollback" not in plain.persisted.steps
    other = after(stage(steps=UNDOABLE), one=GOOD, two=BAD)
    assert "rollback" not in other.persisted.steps


def test_a_rollback_that_has_nothing_to_do_is_left_out() -> None:
    found = after(stage(steps=UNDOABLE, failure_policy="Rollback"), one=BAD, two=GOOD)
    found.more = {"idle": frozenset({"rollback"})}
    decision = found.decide()
    assert (decision.create, "rollback" in decision.record.steps) == (("on-failure",), False)


@pytest.mark.parametrize(
    ("phases", "tidy", "state", "reason", "words"),
    [
        (GOOD, GOOD, WorkflowState.SUCCEEDED, "", ""),
        (GOOD, BAD, WorkflowState.FAILED, "FinallyFailed", "finally is Failed: task a failed"),
        (BAD, BAD, WorkflowState.FAILED, "PhaseFailed", "phase one: task a failed; finally is"),
    ],
    ids=["well", "only finally failed", "both failed"],
)
def test_the_first_failure_is_what_the_workflow_failed_of(
    phases: Any, tidy: Any, state: WorkflowState, reason: str, words: str
) -> None:
    found = after(stage(on_failure=None), one=phases)
    record = found.store(**{"finally": tidy}).record
    assert (record.state, record.reason) == (state, reason)
    assert words in record.message


def test_progress_counts_the_phases_of_the_spec_only() -> None:
    found = after(stage(), one=GOOD)
    before = found.persisted.tally()
    assert found.store(**{"finally": GOOD}).record.tally() == before


def test_the_end_is_that_of_the_last_phase_that_followed() -> None:
    found = after(stage(), one=GOOD)
    last = a_view(PhaseState.SUCCEEDED, finished=77)
    assert found.store(**{"finally": last}).record.finished_at == at(77)


def test_the_deadline_cuts_phases_and_not_what_follows() -> None:
    found = stage(active_deadline_seconds=30)
    found.store(one=RUNNING)
    found.now = 50
    assert found.decide().levels.cancel == "DeadlineExceeded"
    stopped = a_view(PhaseState.FAILED, reason="DeadlineExceeded")
    after(found, one=stopped)
    decision = found.decide()
    assert (decision.after.cancel, decision.create) == ("", ("on-failure",))
    assert found.persisted.reason == "DeadlineExceeded"


def test_a_success_stays_one_however_long_finally_takes() -> None:
    found = after(stage(active_deadline_seconds=30), one=GOOD)
    found.now = 500
    record = found.store(**{"finally": GOOD}).record
    assert (record.state, record.reason) == (WorkflowState.SUCCEEDED, "")


def test_suspend_holds_what_follows_too() -> None:
    found = stage(suspend=True)
    found.persisted = stage().decide(one=GOOD).record
    found.views = {"one": GOOD}
    decision = found.store()
    assert (decision.create, decision.after.hold) == ((), "Suspended")
    assert (decision.record.state, decision.record.suspended) == (WorkflowState.FINALIZING, True)


def test_what_cannot_be_made_or_was_deleted_has_failed() -> None:
    found = after(stage(), one=GOOD)
    found.more = {"refused": {"finally": "too large"}}
    record = found.decide().record
    assert (record.reason, record.message) == ("FinallyFailed", "finally is Failed: too large")
    found.more = {}
    found.store(**{"finally": RUNNING})
    del found.views["finally"]
    assert "was deleted" in found.decide().record.message


def test_an_outcome_survives_a_restart() -> None:
    found = after(stage(), one=BAD)
    back = parse_workflow(render_workflow(found.persisted, at(20)))
    assert (back.outcome, back.reason, back.message) == (
        WorkflowState.FAILED,
        "PhaseFailed",
        "phase one: task a failed",
    )
    assert back.steps == found.persisted.steps


def test_on_failure_running_cancel_stops_the_other_phases() -> None:
    steps = [a_step("one"), a_step("two"), a_step("three", depends_on=["two"])]
    found = Stage(steps, on_failure_running="Cancel")
    decision = found.store(one=BAD, two=RUNNING)
    assert (decision.levels.halt, decision.levels.cancel) == ("WorkflowFailing",) * 2
    assert states(decision.record) == "Failed Running Skipped"
    assert "what runs is being stopped" in decision.record.message


def test_a_cancel_is_no_failure_so_nothing_is_undone_or_alarmed() -> None:
    found = stage(steps=UNDOABLE, failure_policy="Rollback")
    found.store(one=GOOD, two=RUNNING)
    found.ask(an_order("Cancel")).store()
    after(found, two=a_view(PhaseState.CANCELLED))
    assert list(found.persisted.steps) == ["one", "two", "finally"]
