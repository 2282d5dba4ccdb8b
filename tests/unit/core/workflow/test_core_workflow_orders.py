"""Orders: what is taken in, refused or put off, who carries it out, and when it is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.records import a_view
from builders.specs import Body, a_step, a_task
from spectra_operator.api.phase import PhaseState
from spectra_operator.api.workflow import StepState, WorkflowState
from spectra_operator.core.phase.records import Tally
from spectra_operator.core.workflow.records import PhaseView
from spectra_operator.core.workflow.status import parse_workflow, render_workflow
from unit.core.workflow_orders_cases import BAD, GOOD, ROW, RUNNING, Stage, an_order, states

OF_A: Body = {"phase": "first", "task": "a"}
FINALLY = [a_task("tidy")]


def taken(view: PhaseView, uid: str = "o1", why: str = "") -> PhaseView:
    """A phase in whose stored status an order stands."""
    return replace(view, applied={uid: why})


def a_failed_one(**spec: Any) -> Stage:
    return Stage(**spec).ended(first=BAD)


def refused(stage: Stage) -> str:
    [order] = stage.decide().record.orders
    return order.refused


@pytest.mark.parametrize("kind", ["Cancel", "Terminate"])
def test_a_stop_is_latched_and_stops_the_phases(kind: str) -> None:
    stage = Stage()
    stage.store(first=RUNNING)
    decision = stage.ask(an_order(kind)).store()
    assert decision.levels.cancel == ("Cancelled" if kind == "Cancel" else "Terminated")
    assert decision.levels.grace == (None if kind == "Cancel" else 0)
    stage.orders = ()  # the Action is gone; what it asked for holds
    assert stage.decide().levels.cancel == decision.levels.cancel
    assert states(decision.record) == "Running Cancelled Cancelled"


def test_a_cancelled_workflow_says_who_and_why_and_runs_finally() -> None:
    stage = Stage(finally_=FINALLY)
    stage.store(first=RUNNING)
    stage.ask(an_order("Cancel")).store()
    ended = a_view(PhaseState.CANCELLED)
    stage.store(first=ended)
    assert stage.persisted.state is WorkflowState.FINALIZING
    decision = stage.store()
    assert (decision.create, decision.after.cancel) == (("finally",), "")
    record = stage.store(**{"finally": GOOD}).record
    assert (record.state, record.message) == (
        WorkflowState.CANCELLED,
        "cancelled by alice: because",
    )


def test_terminate_leaves_finally_out_or_stops_it() -> None:
    stage = Stage(finally_=FINALLY)
    stage.store(first=RUNNING)
    stage.ask(an_order("Terminate")).store()
    record = stage.store(first=a_view(PhaseState.CANCELLED)).record
    assert (record.state, "finally" in record.steps) == (WorkflowState.CANCELLED, False)

    begun = Stage([a_step("one")], finally_=FINALLY)
    for _ in range(2):
        begun.store(one=GOOD)
    begun.store(**{"finally": RUNNING})
    decision = begun.ask(an_order("Terminate")).store()
    assert (decision.after.cancel, decision.after.grace) == ("Terminated", 0)
    record = begun.store(**{"finally": a_view(PhaseState.CANCELLED)}).record
    assert (record.state, record.reason) == (WorkflowState.CANCELLED, "Terminated")


def test_a_second_cancel_changes_nothing() -> None:
    stage = Stage()
    stage.store(first=RUNNING)
    stage.ask(an_order("Cancel"), an_order("Cancel", "o2")).store()
    first, second = stage.persisted.orders
    assert (first.refused, second.refused) == ("", "")
    assert stage.decide().settled == {"o1": "", "o2": ""}


def test_a_workflow_that_waits_for_its_agents_is_cancelled_without_a_trace() -> None:
    stage = Stage(finally_=FINALLY)
    stage.more = {"missing_agents": ("ghost",)}
    stage.store()
    record = stage.ask(an_order("Cancel")).store().record
    assert (record.state, states(record)) == (
        WorkflowState.CANCELLED,
        "Cancelled Cancelled Cancelled",
    )


def test_a_retry_reaches_phases_once_it_is_stored_and_is_done_once_they_have_stored_it() -> None:
    stage = a_failed_one().ask(an_order("Retry"))
    first = stage.store()
    assert (first.record.run, first.hand_over, first.settled) == (2, {}, {})
    second = stage.store()
    [(name, uids)] = second.hand_over.items()
    assert (name.startswith("flow-first-"), uids) == (True, frozenset({"o1"}))
    assert second.settled == {}
    third = stage.store(first=taken(RUNNING))
    assert (third.hand_over, third.settled) == ({}, {"o1": ""})


def test_while_a_phase_has_yet_to_take_a_retry_in_it_fails_nothing() -> None:
    decision = a_failed_one().ask(an_order("Retry")).store()
    assert (decision.levels.halt, states(decision.record)) == ("", "Running Waiting Waiting")
    assert (decision.record.state, decision.record.finished_at) == (WorkflowState.RUNNING, None)


def test_a_retry_makes_a_phase_anew_whose_object_was_deleted() -> None:
    stage = Stage()
    stage.store(first=RUNNING)
    del stage.views["first"]
    stage.ended()
    decision = stage.ask(an_order("Retry")).store()
    assert (decision.record.steps["first"].run, decision.create) == (2, ())
    assert stage.store().create == ("first",)


def test_a_task_that_is_done_again_gives_later_phases_new_objects() -> None:
    stage = Stage().ended(first=GOOD, second=GOOD, third=GOOD)
    stage.ask(an_order("Rerun", **OF_A)).store()
    assert [step.run for step in stage.persisted.steps.values()] == [1, 2, 2]
    stage.views = {"first": taken(RUNNING)}
    stage.more = {"leftovers": frozenset({"second", "third"})}
    decision = stage.store()
    assert decision.discard == ("second", "third")
    stage.views = {"first": taken(GOOD)}
    assert stage.decide().create == ()
    stage.more = {}
    assert stage.decide().create == ("second",)


def test_a_condition_is_looked_at_again_after_an_order() -> None:
    steps = [a_step("first"), a_step("second", depends_on=["first"], when="false")]
    stage = Stage(steps).ended(first=GOOD)
    assert states(stage.persisted) == "Succeeded Skipped"
    stage.ask(an_order("Rerun", phase="first", task="work")).store()
    assert states(stage.persisted) == "Running Waiting"


def test_what_a_phase_refuses_is_refused() -> None:
    stage = Stage()
    stage.store(first=RUNNING)
    stage.ask(an_order("MarkSucceeded", **OF_A)).store()
    decision = stage.store(first=taken(RUNNING, why="it has succeeded already"))
    assert decision.record.orders[0].refused == "it has succeeded already"
    assert decision.settled == {}  # not before it stands in status
    assert stage.decide().settled == {"o1": "it has succeeded already"}


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (an_order("Cancel"), "has ended: Failed"),
        (an_order("Terminate"), "has ended: Failed"),
        (an_order("Skip", phase="first"), "Skip needs the task"),
        (an_order("Retry", task="a"), "name the phase of task 'a'"),
        (an_order("Retry", phase="no"), "there is no phase 'no'; name one of first"),
        (an_order("Retry", phase="second"), "phase second has not started"),
        (an_order("Rerun", phase="first", task="no"), "there is no task 'no' in phase first"),
    ],
)
def test_what_makes_no_sense_is_refused(order: Any, words: str) -> None:
    assert words in refused(a_failed_one().ask(order))
    assert a_failed_one().ask(order).decide().record.run == 1


def test_nothing_is_done_again_of_what_went_well_or_never_began_or_never_could() -> None:
    well = Stage([a_step("one")]).ended(one=GOOD).ask(an_order("Retry"))
    assert "nothing has failed" in refused(well)
    waiting = Stage()
    waiting.more = {"missing_agents": ("ghost",)}
    waiting.store()
    assert "has not started" in refused(waiting.ask(an_order("Retry")))
    hopeless = Stage([a_step("one", depends_on=["one"])])
    hopeless.store()
    assert "was rejected" in refused(hopeless.ask(an_order("Retry")))


def test_nothing_is_done_again_after_a_rollback() -> None:
    undo = a_task("a", compensate={"agent": "worker"})
    stage = Stage([a_step("first", [undo])], failure_policy="Rollback")
    for _ in range(2):
        stage.store(first=BAD)
    stage.ended(rollback=GOOD)
    assert "was rolled back" in refused(stage.ask(an_order("Retry")))


def test_orders_about_tasks_wait_until_a_workflow_that_is_ending_has_ended() -> None:
    stage = Stage([a_step("one")], finally_=FINALLY)
    for _ in range(2):
        stage.store(one=BAD)
    stage.store(**{"finally": RUNNING})
    assert stage.ask(an_order("Retry")).store().record.orders == ()
    stage.orders, waiting = (), stage.orders
    stage.ended(**{"finally": GOOD})
    stage.orders = waiting
    record = stage.store().record
    assert (record.run, record.state, "finally" in record.steps) == (
        2,
        WorkflowState.RUNNING,
        False,
    )


def test_a_cancel_is_refused_once_only_finally_is_left() -> None:
    stage = Stage([a_step("one")], finally_=FINALLY)
    for _ in range(2):
        stage.store(one=GOOD)
    assert "Terminate stops that too" in refused(stage.ask(an_order("Cancel")))


def test_a_cancel_of_an_earlier_run_is_over() -> None:
    stage = Stage()
    stage.store(first=RUNNING)
    stage.ask(an_order("Cancel")).store()
    stopped = a_view(PhaseState.CANCELLED, tally=Tally(total=1, cancelled=1))
    stage.ended(first=stopped)
    decision = stage.ask(an_order("Retry", "o2", made=20)).store()
    assert (decision.record.run, decision.levels.cancel) == (2, "")


def test_a_later_run_has_as_much_time_as_the_first() -> None:
    stage = Stage(active_deadline_seconds=60)
    stage.ended(first=BAD)
    stage.now = 500
    decision = stage.ask(an_order("Retry", made=490)).store()
    assert decision.levels.cancel == ""
    assert decision.wake_at is not None


def test_deciding_again_before_the_order_is_stored_comes_to_the_same() -> None:
    stage = a_failed_one().ask(an_order("Retry"))
    assert stage.decide().record == stage.decide().record
    stored = stage.store().record
    assert stage.decide().record.orders == stored.orders


def test_orders_survive_a_restart() -> None:
    stage = a_failed_one().ask(an_order("Retry"), an_order("Skip", "o2", phase="first"))
    record = stage.store().record
    back = parse_workflow(render_workflow(record, record.started_at or stage.snapshot().now))
    assert (back.orders, back.run) == (record.orders, 2)
    assert [order.refused != "" for order in back.orders] == [False, True]


def test_no_more_orders_are_taken_in_than_a_status_remembers() -> None:
    stage = Stage()
    stage.store(first=RUNNING)
    stage.ask(*(an_order("Skip", f"o{n:03}", **OF_A) for n in range(120)))
    stage.store()
    assert len(stage.persisted.orders) == 50
    stage.store()
    assert len(stage.persisted.orders) == 50
    done = {order.uid: "" for order in stage.persisted.orders}
    stage.orders = tuple(o for o in stage.orders if o.uid not in done)
    stage.store(first=replace(RUNNING, applied=done))
    assert len(stage.persisted.orders) == 100


def test_steps_keep_their_states_when_an_order_is_refused() -> None:
    stage = a_failed_one().ask(an_order("Retry", phase="no"))
    assert stage.decide().record.steps["first"].state is StepState.FAILED
    assert len(ROW) == 3
