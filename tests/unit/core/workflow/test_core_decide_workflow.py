"""What to do for a workflow: which phases to create, and what its state is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders.pods import at
from builders.records import a_view, a_workflow_snapshot
from builders.specs import a_step, a_task, a_workflow
from spectra_operator.api.phase import PhaseState
from spectra_operator.api.workflow import WorkflowState
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.records import Tally
from spectra_operator.core.snapshot import Levels
from spectra_operator.core.workflow.decide import WorkflowDecision, decide_workflow
from spectra_operator.core.workflow.records import PhaseView, WorkflowRecord
from unit.core.workflow_cases import (
    BESIDE,
    CANCELLED,
    FAILED,
    REJECTED,
    ROW,
    RUNNING,
    SUCCEEDED,
    begun,
    decided,
    states,
)


def test_a_new_workflow_creates_the_phases_that_wait_for_none() -> None:
    decision = decided(now=3)
    assert decision.create == ("first",)
    assert states(decision) == "Ready Waiting Waiting"
    assert (decision.record.state, decision.record.started_at) == (WorkflowState.RUNNING, at(3))
    assert decided(steps=BESIDE).create == ("one", "two")


def test_phases_to_come_stand_in_status_with_all_their_items() -> None:
    steps = decided().record.steps
    assert (steps["first"].tally, steps["second"].tally) == (Tally(total=4), Tally(total=1))
    assert steps["second"].message == "for first"


def test_a_phase_is_created_when_those_before_it_have_succeeded() -> None:
    assert decided({"first": RUNNING}).create == ()
    assert decided({"first": SUCCEEDED}).create == ("second",)
    assert decided({"first": SUCCEEDED, "second": SUCCEEDED}).create == ("third",)


def test_a_phase_that_exists_is_not_created_again() -> None:
    assert decided({"first": a_view(None)}).create == ()
    assert states(decided({"first": a_view(None)})) == "Ready Waiting Waiting"


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (a_view(PhaseState.READY), "Ready Waiting Waiting"),
        (RUNNING, "Running Waiting Waiting"),
        (SUCCEEDED, "Succeeded Ready Waiting"),
        (FAILED, "Failed Skipped Skipped"),
        (CANCELLED, "Cancelled Skipped Skipped"),
        (REJECTED, "Failed Skipped Skipped"),
    ],
    ids=["ready", "running", "succeeded", "failed", "cancelled", "rejected"],
)
@pytest.mark.parametrize("policy", ["Fail", "Continue"])
def test_a_phase_is_shown_as_its_object_is_and_decides_about_those_behind_it(
    view: PhaseView, expected: str, policy: str
) -> None:
    assert states(decided({"first": view}, failure_policy=policy)) == expected


def test_a_workflow_succeeds_when_all_its_phases_have() -> None:
    seen = {"one": SUCCEEDED, "two": a_view(PhaseState.SUCCEEDED, finished=30), "three": SUCCEEDED}
    record = decided(seen, steps=BESIDE, now=40).record
    assert (record.state, record.reason, record.finished_at) == (
        WorkflowState.SUCCEEDED,
        "",
        at(30),
    )


def test_under_fail_a_failed_phase_halts_the_others_and_the_workflow_waits_for_what_runs() -> None:
    decision = decided({"one": FAILED, "two": RUNNING}, steps=BESIDE)
    assert decision.levels == Levels(halt="WorkflowFailing")
    assert states(decision) == "Failed Running Skipped"
    assert (decision.record.state, decision.record.reason) == (
        WorkflowState.RUNNING,
        "WorkflowFailing",
    )


def test_under_fail_nothing_new_is_created_once_a_phase_failed() -> None:
    decision = decided({"one": FAILED}, steps=BESIDE)
    assert decision.create == ()
    assert states(decision) == "Failed Skipped Skipped"


def test_under_continue_only_what_depends_on_a_failed_phase_is_skipped() -> None:
    decision = decided({"one": FAILED}, steps=BESIDE, failure_policy="Continue")
    assert decision.create == ("two",)
    assert decision.levels == Levels()
    assert states(decision) == "Failed Ready Skipped"
    skipped = decision.record.steps["three"]
    assert (skipped.reason, skipped.message) == ("DependencyFailed", "one did not succeed")


def test_a_workflow_fails_with_the_phase_that_failed_first() -> None:
    late = replace(FAILED, message="late", finished_at=at(50))
    seen = {"one": late, "two": FAILED}
    record = decided(seen, steps=BESIDE, failure_policy="Continue", now=60).record
    assert (record.state, record.reason) == (WorkflowState.FAILED, "PhaseFailed")
    assert record.message == "phase two: task a failed: Error: exit code 1"


def test_a_workflow_of_which_a_phase_was_cancelled_fails_and_names_it() -> None:
    record = decided({"one": CANCELLED, "two": SUCCEEDED}, steps=BESIDE).record
    assert (record.state, record.reason) == (WorkflowState.FAILED, "PhaseCancelled")
    assert record.message == "phase one: another phase failed first"


def test_an_ended_workflow_is_left_alone() -> None:
    ended = WorkflowRecord(state=WorkflowState.FAILED, started_at=at(0))
    assert decided({"first": SUCCEEDED}, persisted=ended) == WorkflowDecision(ended)


def test_a_workflow_that_can_never_work_is_rejected_with_every_problem() -> None:
    steps = [a_step("a", depends_on=["b"]), a_step("b", [a_task("t", depends_on=["x"])])]
    steps[1]["dependsOn"] = ["a"]
    decision = decided(steps=steps, now=4)
    record = decision.record
    assert (record.state, record.reason) == (WorkflowState.REJECTED, "DependencyCycle")
    assert "spec.phases[a].dependsOn: the phases wait for each other" in record.message
    assert "spec.phases[b].tasks[t].dependsOn" in record.message
    assert (record.finished_at, decision.create) == (at(4), ())
    assert set(record.steps) == {"a", "b"}


def test_a_workflow_waits_for_agents_that_do_not_exist_and_starts_when_they_do() -> None:
    pending = decided(missing=("ghost", "loader"))
    assert (pending.record.state, pending.record.reason) == (
        WorkflowState.PENDING,
        "AgentNotFound",
    )
    assert pending.record.message == "waits for agents that do not exist yet: ghost, loader"
    assert (pending.create, pending.record.started_at) == ((), None)
    healed = decided(persisted=pending.record, now=60)
    assert (healed.record.state, healed.create) == (WorkflowState.RUNNING, ("first",))
    assert healed.record.started_at == at(60)


def test_an_agent_that_is_deleted_while_a_workflow_runs_does_not_take_it_back() -> None:
    persisted = begun(decided())
    decision = decided({"first": RUNNING}, persisted=persisted, missing=("ghost",))
    assert decision.record.state is WorkflowState.RUNNING


def test_a_phase_that_was_deleted_is_not_run_again_and_fails_the_workflow() -> None:
    persisted = begun(decided({"one": SUCCEEDED, "two": RUNNING}, steps=BESIDE))
    going = decided({"two": RUNNING}, steps=BESIDE, persisted=persisted, failure_policy="Continue")
    assert going.create == ()
    assert states(going) == "Cancelled Running Skipped"
    assert going.levels.halt == "WorkflowFailing"
    over = decided({"two": SUCCEEDED}, steps=BESIDE, persisted=persisted)
    assert (over.record.state, over.record.reason) == (WorkflowState.FAILED, "PhaseDeleted")
    assert over.record.message == "phase one: the Phase object was deleted while the workflow ran"


def test_a_phase_that_was_never_created_counts_not_as_deleted() -> None:
    assert decided(persisted=begun(decided())).create == ("first",)


def test_a_phase_that_could_not_be_made_yet_says_why_and_is_tried_again() -> None:
    decision = decided({"first": SUCCEEDED}, delayed={"second": "exceeded quota"})
    assert decision.record.steps["second"].message == "exceeded quota"
    assert decision.create == ("second",)


def test_a_phase_that_cannot_be_made_fails_with_the_reason() -> None:
    refused = {"second": "input of task second/a: there is no such output"}
    decision = decided({"first": SUCCEEDED}, refused=refused)
    assert states(decision) == "Succeeded Failed Skipped"
    assert (decision.record.state, decision.record.reason) == (
        WorkflowState.FAILED,
        "PhaseFailed",
    )
    assert decision.record.message == f"phase second: {refused['second']}"


def test_under_fail_a_phase_that_cannot_be_made_halts_the_others() -> None:
    decision = decided({"two": RUNNING}, steps=BESIDE, refused={"one": "no"})
    assert decision.levels == Levels(halt="WorkflowFailing")


def test_under_continue_a_phase_that_cannot_be_made_leaves_the_others_alone() -> None:
    decision = decided(steps=BESIDE, refused={"one": "no"}, failure_policy="Continue")
    assert decision.create == ("two",)
    assert states(decision) == "Failed Ready Skipped"


def test_usage_is_summed_over_the_phases() -> None:
    seen = {n: a_view(PhaseState.RUNNING, usage=Usage(3, 1)) for n in ("one", "two")}
    assert decided(seen, steps=BESIDE).record.usage == Usage(6, 2)


def test_progress_is_counted_over_all_phases_those_to_come_too() -> None:
    done = a_view(PhaseState.SUCCEEDED, tally=Tally(total=4, succeeded=4))
    assert decided({"first": done}).record.tally() == Tally(total=6, succeeded=4)


def test_deciding_again_on_what_was_decided_changes_nothing() -> None:
    first = decided({"one": FAILED, "two": RUNNING}, steps=BESIDE, now=10)
    again = decided({"one": FAILED, "two": RUNNING}, steps=BESIDE, persisted=first.record, now=99)
    assert again.record == first.record
    assert again.create == ()


def test_the_order_of_phases_in_status_is_that_of_the_spec() -> None:
    assert list(decided(steps=ROW[::-1]).record.steps) == ["third", "second", "first"]


def test_a_workflow_with_the_plainest_spec_runs() -> None:
    assert decide_workflow(a_workflow_snapshot(a_workflow())).create == ("build",)
