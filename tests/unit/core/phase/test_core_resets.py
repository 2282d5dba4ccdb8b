"""Orders about the tasks of a phase: do again, skip, mark as done; each on every state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.records import a_running_phase, an_attempt, broken, done
from builders.specs import Body, a_chain, a_phase, a_task
from spectra_operator.api.action import ActionType
from spectra_operator.api.constants import MAX_ACTIONS, MAX_OUTPUT_BYTES
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.orders import Order
from spectra_operator.core.phase.decide import PhaseDecision
from spectra_operator.core.phase.records import PhaseRecord
from spectra_operator.core.phase.resets import apply_orders, refusal
from spectra_operator.core.phase.status import parse_phase, render_phase
from spectra_operator.core.spec.compile import compile_phase
from unit.core.phase_cases import after, an_order, decided, ready, states

RETRY, RERUN = ActionType.RETRY, ActionType.RERUN
SKIP, MARK = ActionType.SKIP, ActionType.MARK_SUCCEEDED
CHAIN = a_chain("a", "b", "c")
FAILED = [an_attempt("a", broken())]
HALF = [an_attempt("a", done({"n": 1}, usage=Usage(3, 3))), an_attempt("b", broken())]
ALL = [an_attempt(name, done({"n": 1})) for name in "abc"]


def ordered(
    *orders: Order,
    tasks: list[Body] | None = None,
    attempts: list[Attempt] | None = None,
    **more: Any,
) -> PhaseDecision:
    """Return what is decided once the phase as it stood has taken orders in, and written that."""
    spec, tried = tasks or CHAIN, attempts or []
    before = more.pop("persisted", None) or after(spec, tried, **more)
    first = decided(spec, tried, persisted=before, orders=orders, now=30, **more)
    return decided(spec, tried, persisted=first.record, orders=orders, now=30, **more)


# What each does


def test_retry_does_again_what_failed_and_what_was_skipped_for_it() -> None:
    decision = ordered(an_order(RETRY), attempts=HALF)
    assert states(decision) == {"a": "Succeeded", "b": "Ready", "c": "Waiting"}
    assert ready(decision) == {"b": 1}
    assert (str(decision.record.state), decision.record.finished_at) == ("Running", None)


def test_rerun_does_again_a_task_that_succeeded_and_all_that_follows() -> None:
    decision = ordered(an_order(RERUN, "b"), attempts=ALL)
    assert states(decision) == {"a": "Succeeded", "b": "Ready", "c": "Waiting"}


def test_skip_lets_go_on_what_another_path_leads_to() -> None:
    tasks = [a_task("bad"), a_task("good"), a_task("join", depends_on=["bad", "good"])]
    attempts = [an_attempt("bad", broken()), an_attempt("good", done())]
    decision = ordered(an_order(SKIP, "bad"), tasks=tasks, attempts=attempts)
    assert states(decision)["bad"] == "Skipped SkippedByAction"
    assert decision.record.tasks["bad"].message == "ann: it looked wrong"
    assert ready(decision) == {"join": 1}


def test_mark_succeeded_hands_the_given_outputs_on() -> None:
    order = an_order(MARK, "a", outputs='{"n":7}')
    tasks = [a_task("a"), a_task("b", depends_on=["a"], when="tasks.a.outputs.n == 7")]
    decision = ordered(order, tasks=tasks, attempts=FAILED)
    marked = decision.record.tasks["a"]
    assert (str(marked.state), marked.outputs) == ("Succeeded", {0: '{"n":7}'})
    assert marked.message == "marked as succeeded by ann: it looked wrong"
    assert ready(decision) == {"b": 1}


def test_retry_of_one_task_leaves_other_failures_alone() -> None:
    tasks = [a_task("a"), a_task("b"), a_task("c", depends_on=["b"])]
    attempts = [an_attempt("a", broken()), an_attempt("b", broken())]
    decision = ordered(an_order(RETRY, "b"), tasks=tasks, attempts=attempts)
    assert states(decision) == {"a": "Failed Error", "b": "Ready", "c": "Waiting"}


@pytest.mark.parametrize("kind", [RETRY, SKIP, MARK])
def test_what_the_policy_fail_kept_from_running_runs_after_all(kind: ActionType) -> None:
    tasks = [a_task("bad"), a_task("apart"), a_task("beyond", depends_on=["apart"])]
    attempts = [an_attempt("bad", broken())]
    before = decided(tasks, attempts, failure_policy="Fail")
    assert states(before)["apart"] == "Skipped WorkflowFailing"
    decision = ordered(an_order(kind, "bad"), tasks=tasks, attempts=attempts, failure_policy="Fail")
    assert states(decision)["apart"] == "Ready"
    assert states(decision)["beyond"] == "Waiting"


def test_a_condition_is_looked_at_again_by_a_rerun() -> None:
    tasks = [a_task("a"), a_task("b", depends_on=["a"], when="tasks.a.outputs.n > 1")]
    first = [an_attempt("a", done({"n": 1}))]
    record = ordered(an_order(RERUN, "a"), tasks=tasks, attempts=first).record
    second = [*first, an_attempt("a", done({"n": 2}), number=2)]
    assert ready(decided(tasks, second, persisted=record)) == {"b": 1}


def test_items_are_looked_at_again_by_a_rerun() -> None:
    tasks = [a_task("a"), a_task("b", depends_on=["a"], for_each="${tasks.a.outputs.l}")]
    first = [an_attempt("a", done({"l": [1]})), an_attempt("b", done())]
    record = ordered(an_order(RERUN, "a"), tasks=tasks, attempts=first).record
    second = [*first, an_attempt("a", done({"l": [1, 2, 3]}), number=2)]
    assert ready(decided(tasks, second, persisted=record)) == {"b": 3}


# Fan-outs


def fan_out(kind: ActionType, attempts: list[Attempt], **fields: Any) -> PhaseDecision:
    """Return what is decided after an order about a task with four items."""
    tasks = [a_task("a", count=4, **fields)]
    return ordered(an_order(kind, "a"), tasks=tasks, attempts=attempts)


ITEMS = [
    an_attempt("a", done({"n": 0}), index=0),
    an_attempt("a", broken(), index=1),
    an_attempt("a", done(), index=2, number=3),
    an_attempt("a", broken(), index=3),
]


def test_retry_of_a_fan_out_keeps_the_items_that_succeeded() -> None:
    decision = fan_out(RETRY, ITEMS)
    task = decision.record.tasks["a"]
    assert (task.succeeded, task.failed, task.outputs) == (0b0101, 0, {0: '{"n":0}'})
    assert ready(decision) == {"a": 2}
    assert [task.recorded(i) for i in range(4)] == [None, 3, None, 3]


def test_retry_of_a_fan_out_that_runs_leaves_alone_what_runs() -> None:
    live = [*ITEMS[:2], an_attempt("a", index=2)]
    decision = fan_out(RETRY, live)
    assert decision.stop == ()
    assert ready(decision) == {"a": 2}
    task = decision.record.tasks["a"]
    assert (task.succeeded, task.failed, task.running_mask) == (1, 0, 0b100)
    record = parse_phase(render_phase(decision.record, decision.record.started_at or 0))  # type: ignore[arg-type]
    assert record.tasks["a"].open == task.open


def test_rerun_of_a_fan_out_does_every_item_again() -> None:
    decision = fan_out(RERUN, ITEMS)
    assert ready(decision) == {"a": 4}
    assert decision.record.tasks["a"].outputs == {}


def test_a_fan_out_can_be_marked_but_not_with_outputs() -> None:
    decision = fan_out(MARK, ITEMS)
    task = decision.record.tasks["a"]
    assert (str(task.state), task.succeeded) == ("Succeeded", 0b1111)
    refused = ordered(
        an_order(MARK, "a", outputs="{}"), tasks=[a_task("a", count=4)], attempts=ITEMS
    )
    assert refused.record.applied["order-1"] == (
        "task a has items; outputs cannot be given for them"
    )


def test_a_fan_out_begins_wholly_anew_with_a_task_that_it_depends_on() -> None:
    tasks = [a_task("list", allow_failure=True), a_task("a", depends_on=["list"], count=4)]
    attempts = [an_attempt("list", broken()), *ITEMS]
    decision = ordered(an_order(RETRY), tasks=tasks, attempts=attempts)
    assert states(decision) == {"list": "Ready", "a": "Waiting"}
    assert decision.record.tasks["a"].succeeded == 0


# Attempts that live on


@pytest.mark.parametrize("kind", [RERUN, SKIP, MARK])
def test_a_live_attempt_is_stopped(kind: ActionType) -> None:
    live = [an_attempt("a", number=2)]
    decision = ordered(an_order(kind, "a"), attempts=live)
    assert [attempt.number for attempt in decision.stop] == [2]
    assert "a" not in ready(decision)


def test_a_task_begins_anew_only_after_its_former_attempt_is_gone() -> None:
    record = ordered(an_order(RERUN, "a"), attempts=[an_attempt("a", number=2)]).record
    assert ready(decided(CHAIN, [], persisted=record)) == {"a": 1}
    assert record.tasks["a"].recorded(0) == 2


def test_what_a_former_attempt_returns_after_all_is_left_out() -> None:
    record = ordered(an_order(RERUN, "a"), attempts=[an_attempt("a")]).record
    late = decided(CHAIN, [an_attempt("a", done({"n": 1}))], persisted=record)
    assert (states(late)["a"], late.record.tasks["a"].outputs) == ("Ready", {})


def test_usage_of_former_attempts_stays_counted() -> None:
    record = ordered(an_order(RERUN, "a"), attempts=HALF).record
    assert record.tasks["a"].usage == Usage(3, 3)


def test_attempts_never_take_a_number_twice() -> None:
    record = PhaseRecord()
    attempts: list[Attempt] = []
    numbers = []
    for turn in range(4):
        record = after(CHAIN, attempts, persisted=record)
        number = (record.tasks["a"].prior) + 1
        numbers.append(number)
        attempts.append(an_attempt("a", broken(), number=number))
        record = after(CHAIN, attempts, persisted=record)
        order = an_order(RETRY, "a", uid=f"order-{turn}")
        record = decided(CHAIN, attempts, persisted=record, orders=[order]).record
    assert numbers == [1, 2, 3, 4]


# Once, and no more


@pytest.mark.parametrize("kind", list(ActionType))
@pytest.mark.parametrize("attempts", [[], FAILED, HALF, ALL], ids=["new", "failed", "half", "all"])
def test_an_order_is_taken_in_once(kind: ActionType, attempts: list[Attempt]) -> None:
    order = an_order(kind, "a")
    first = decided(CHAIN, attempts, persisted=after(CHAIN, attempts), orders=[order])
    again = decided(CHAIN, attempts, persisted=first.record, orders=[order])
    assert "order-1" in first.record.applied
    assert again.record.tasks == first.record.tasks
    stored = parse_phase(render_phase(first.record, first.record.started_at))  # type: ignore[arg-type]
    assert stored.applied == first.record.applied
    assert "order-1" not in decided(CHAIN, attempts).record.applied


def test_until_an_order_stands_in_status_nothing_new_starts() -> None:
    before = after(CHAIN, FAILED)
    first = decided(CHAIN, FAILED, persisted=before, orders=[an_order(RETRY)])
    assert (states(first)["a"], ready(first)) == ("Ready", {})
    assert ready(decided(CHAIN, FAILED, persisted=first.record)) == {"a": 1}


def test_the_oldest_orders_are_forgotten_first() -> None:
    shape = compile_phase(a_phase(CHAIN))
    orders = [an_order(SKIP, "x", uid=f"o{n}") for n in range(MAX_ACTIONS + 5)]
    record = apply_orders(shape, after(CHAIN), orders)
    assert len(record.applied) == MAX_ACTIONS
    assert "o4" not in record.applied
    assert f"o{MAX_ACTIONS + 4}" in record.applied


# What is refused


@pytest.mark.parametrize(
    ("order", "attempts", "said"),
    [
        (an_order(RETRY, "x"), [], "there is no task x in this phase"),
        (an_order(RETRY, "a"), ALL, "task a is Succeeded; Retry is for what failed"),
        (an_order(RETRY, "b"), [], "task b is Waiting; Retry is for what failed"),
        (an_order(SKIP, "a"), ALL, "task a has succeeded; there is nothing to skip"),
        (an_order(MARK, "a"), ALL, "task a has succeeded already"),
        (an_order(RERUN), ALL, "name the task that Rerun is about"),
        (an_order(SKIP), FAILED, "name the task that Skip is about"),
        (an_order(MARK), FAILED, "name the task that MarkSucceeded is about"),
        (an_order(ActionType.CANCEL), [], "Cancel is about a workflow, not about a phase"),
        (an_order(ActionType.TERMINATE), [], "Terminate is about a workflow, not about a phase"),
        (
            an_order(MARK, "a", outputs=f'{{"x":"{"a" * MAX_OUTPUT_BYTES}"}}'),
            FAILED,
            f"the outputs of this phase would exceed {MAX_OUTPUT_BYTES} bytes",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    order: Order, attempts: list[Attempt], said: str
) -> None:
    before = after(CHAIN, attempts)
    decision = decided(CHAIN, attempts, persisted=before, orders=[order])
    assert decision.record.applied["order-1"].startswith(said)
    assert decision.record.tasks == before.tasks


def test_given_outputs_must_keep_what_the_task_promised() -> None:
    tasks = [a_task("a", outputs={"n": {"type": "integer"}})]
    refused = ordered(an_order(MARK, "a", outputs='{"n":"x"}'), tasks=tasks, attempts=FAILED)
    assert refused.record.applied["order-1"] == 'output n is "x", not of type integer'
    missing = ordered(an_order(MARK, "a"), tasks=tasks, attempts=FAILED)
    assert "output n is missing" in missing.record.applied["order-1"]


def test_nothing_can_be_done_about_a_phase_whose_spec_cannot_work() -> None:
    bad = a_phase([a_task("a", depends_on=["a"])])
    rejected = decided(bad["spec"]["tasks"]).record
    said = refusal(compile_phase(bad), rejected, an_order(RETRY))
    assert said == "the phase was rejected; its spec cannot work"


# Deadlines


def test_a_phase_that_its_deadline_ended_has_all_its_time_again_after_a_retry() -> None:
    tasks = [a_task("a")]
    fields: Body = {"active_deadline_seconds": 60}
    late = [an_attempt("a", broken(), ended=60)]
    ended = decided(tasks, late, persisted=a_running_phase(), now=61, **fields).record
    assert (str(ended.state), ended.reason) == ("Failed", "DeadlineExceeded")
    again = decided(tasks, late, persisted=ended, orders=[an_order(RETRY)], now=99, **fields)
    assert str(again.record.state) == "Ready"
    started = decided(tasks, late, persisted=again.record, now=100, **fields)
    assert ready(started) == {"a": 1}
    stopped = decided(tasks, late, persisted=again.record, now=160, **fields)
    assert (str(stopped.record.state), ready(stopped)) == ("Failed", {})


def test_a_task_that_its_deadline_ended_has_all_its_time_again_too() -> None:
    tasks = [a_task("a", active_deadline_seconds=30)]
    late = [an_attempt("a", broken(), started=0, ended=31)]
    running = after(tasks, [an_attempt("a", started=0)])
    before = decided(tasks, late, persisted=running, now=40).record
    assert before.tasks["a"].reason == "DeadlineExceeded"
    first = decided(tasks, late, persisted=before, orders=[an_order(RETRY)], now=99).record
    assert ready(decided(tasks, late, persisted=replace(first), now=99)) == {"a": 1}
