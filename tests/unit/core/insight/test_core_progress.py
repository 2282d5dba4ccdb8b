"""Progress: what a condition takes out is not among what is to be done."""

from __future__ import annotations

import pytest

from builders.records import a_phase_snapshot, a_view, an_attempt, done
from builders.specs import a_phase, a_step, a_task
from spectra_operator.api.phase import PhaseState
from spectra_operator.api.workflow import WorkflowState
from spectra_operator.core.phase.decide import decide_phase
from spectra_operator.core.phase.records import Tally
from unit.core.workflow_cases import FAILED, decided

NEVER = "false"
BRANCHES = [
    a_step("first"),
    a_step("rare", [a_task("x", count=3)], dependsOn=["first"], when=NEVER),
    a_step("after", [a_task("y"), a_task("z")], dependsOn=["rare"]),
    a_step("last", dependsOn=["first"]),
]
ONE_DONE = a_view(PhaseState.SUCCEEDED, tally=Tally(total=1, succeeded=1))


def test_a_workflow_that_succeeded_past_a_branch_has_done_all_that_was_to_be_done() -> None:
    record = decided({"first": ONE_DONE, "last": ONE_DONE}, steps=BRANCHES).record

    assert record.state is WorkflowState.SUCCEEDED
    assert record.tally() == Tally(total=2, succeeded=2, skipped=5)
    assert record.tally().progress == "2/2"


def test_before_a_condition_was_looked_at_its_branch_is_to_be_done() -> None:
    assert decided({}, steps=BRANCHES).record.tally() == Tally(total=7)


def test_what_is_skipped_because_a_phase_failed_stays_to_be_done() -> None:
    steps = [a_step("first"), a_step("then", [a_task("a"), a_task("b")], dependsOn=["first"])]
    record = decided({"first": FAILED}, steps=steps).record

    assert record.state is WorkflowState.FAILED
    assert record.steps["then"].tally == Tally(total=2, skipped=2)


@pytest.mark.parametrize("when", ["false", "true"])
def test_tasks_skipped_by_a_condition_leave_the_progress_of_their_phase(when: str) -> None:
    tasks = [
        a_task("always"),
        a_task("sometimes", count=4, when=when),
        a_task("then", depends_on=["sometimes"]),
    ]
    decision = decide_phase(a_phase_snapshot(a_phase(tasks), [an_attempt("always", done())]))

    branch = {"false": Tally(1, succeeded=1, skipped=5), "true": Tally(6, succeeded=1)}
    assert decision.record.tally() == branch[when]
