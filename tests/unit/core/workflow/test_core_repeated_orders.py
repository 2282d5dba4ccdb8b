"""Orders that are given again: what holds already is carried out by doing nothing, and says so."""

from __future__ import annotations

from typing import Any

import pytest

from builders.records import a_view
from builders.specs import Body, a_step, a_task
from spectra_operator.api.phase import PhaseState
from spectra_operator.api.workflow import WorkflowState
from spectra_operator.core.phase.records import Tally
from spectra_operator.core.workflow.answers import answer
from spectra_operator.core.workflow.records import WorkflowRecord
from unit.core.workflow_orders_cases import BAD, GOOD, RUNNING, Stage, an_order

OF_A: Body = {"phase": "first", "task": "a"}
STOPPED = a_view(PhaseState.CANCELLED, tally=Tally(total=1, cancelled=1))


def stopping(kind: str = "Cancel", *, finally_: int = 1) -> Stage:
    """A workflow that somebody stops while its only phase runs."""
    stage = Stage([a_step("first")], finally_=[a_task("tidy")] * finally_ or None)
    stage.store(first=RUNNING)
    stage.ask(an_order(kind)).store()
    return stage


def answered(stage: Stage, uid: str = "o1", finally_tasks: int = 0) -> str:
    """What the Action is told."""
    stage.store()
    order = next(order for order in stage.orders if order.uid == uid)
    return answer(stage.persisted, order, finally_tasks)


def refusals(stage: Stage) -> list[str]:
    return [order.refused for order in stage.decide().record.orders]


def test_a_second_cancel_while_finally_tasks_run_changes_nothing() -> None:
    stage = stopping()
    for _ in range(2):
        stage.store(first=STOPPED)
    stage.store(**{"finally": RUNNING})
    decision = stage.ask(an_order("Cancel", "o2", made=9)).store()
    assert (refusals(stage), decision.record.state) == (["", ""], WorkflowState.FINALIZING)
    assert decision.after.cancel == ""
    assert answered(stage, "o2") == "was cancelled already by alice: because"


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("Cancel", "Cancel", "was cancelled already"),
        ("Terminate", "Terminate", "was terminated already"),
        ("Terminate", "Cancel", "was terminated already"),
    ],
)
def test_what_was_stopped_may_be_stopped_again_after_its_end(
    first: str, second: str, words: str
) -> None:
    stage = stopping(first, finally_=0).ended(first=STOPPED)
    stage.ask(an_order(second, "o2", made=9)).store()
    assert (refusals(stage), stage.persisted.run) == (["", ""], 1)
    assert stage.decide().settled == {"o1": "", "o2": ""}
    assert answered(stage, "o2").startswith(words)


def test_a_terminate_after_a_cancel_is_another_order() -> None:
    stage = stopping()
    stage.ask(an_order("Terminate", "o2", made=9)).store()
    assert stage.decide().levels.cancel == "Terminated"
    assert answered(stage, "o2") == "terminated: everything is being stopped"
    stage.ended(first=STOPPED)
    late = stopping().ended(first=STOPPED, **{"finally": GOOD})
    assert "has ended" in refusals(late.ask(an_order("Terminate", "o2", made=9)))[1]


def test_a_cancel_of_another_run_says_nothing_about_this_one() -> None:
    stage = stopping(finally_=0).ended(first=STOPPED)
    stage.ask(an_order("Retry", "o2", made=6)).store()
    stage.ended(first=GOOD)
    assert "has ended" in refusals(stage.ask(an_order("Cancel", "o3", made=9)))[2]


@pytest.mark.parametrize(
    ("kind", "finally_tasks", "words"),
    [
        ("Cancel", 0, "cancelled: what runs is being stopped"),
        ("Cancel", 1, "cancelled: what runs is being stopped; finally tasks follow"),
        ("Terminate", 1, "terminated: everything is being stopped"),
    ],
)
def test_a_stop_tells_what_happens_now(kind: str, finally_tasks: int, words: str) -> None:
    assert answered(stopping(kind), "o1", finally_tasks) == words


def test_a_stop_of_what_never_began_or_has_ended_at_once_promises_nothing() -> None:
    waiting = Stage()
    waiting.more = {"missing_agents": ("ghost",)}
    waiting.store()
    waiting.ask(an_order("Cancel")).store()
    assert answered(waiting, finally_tasks=1) == "cancelled before it started"
    held = Stage(suspend=True)
    held.store()
    held.ask(an_order("Cancel")).store()
    assert answered(held) == "cancelled"


def test_a_task_that_was_skipped_is_skipped_again_without_a_new_run() -> None:
    stage = Stage([a_step("first", [a_task("a")])]).ended(first=BAD)
    stage.ask(an_order("Skip", **OF_A)).store()
    stage.ended(first=skipped_by("o1"))
    assert stage.persisted.run == 2
    stage.ask(an_order("Skip", "o2", made=9, **OF_A)).store()
    assert (stage.persisted.run, stage.persisted.ended, refusals(stage)) == (2, True, ["", ""])
    assert answered(stage, "o2") == "the task was skipped already by alice: because"


@pytest.mark.parametrize(
    "other",
    [
        an_order("Rerun", "o2", made=7, **OF_A),
        an_order("Skip", "o2", made=7, phase="first", task="b"),
    ],
    ids=["done again meanwhile", "another task"],
)
def test_a_skip_after_something_else_is_carried_out(other: Any) -> None:
    stage = Stage()
    stage.store(first=RUNNING)
    stage.ask(an_order("Skip", **OF_A), other, an_order("Skip", "o3", made=9, **OF_A)).store()
    assert answered(stage, "o3") == "the task counts as skipped"


def test_a_retry_that_is_asked_for_twice_is_carried_out_once() -> None:
    stage = Stage([a_step("first")]).ended(first=BAD)
    stage.ask(an_order("Retry")).store()
    stage.store(first=a_view(PhaseState.RUNNING, name="x"))
    stage.ask(an_order("Retry", "o2", made=9)).store()
    assert (stage.persisted.run, refusals(stage)) == (2, ["", ""])
    well = Stage([a_step("first")]).ended(first=GOOD)
    assert "nothing has failed" in refusals(well.ask(an_order("Retry")))[0]


def test_a_phase_that_stands_alone_is_answered_too() -> None:
    order = an_order("Retry", task="a")
    assert answer(WorkflowRecord(), order) == "what failed is done again"


def skipped_by(uid: str) -> Any:
    return a_view(PhaseState.SUCCEEDED, applied={uid: ""})
