"""Orders about tasks that are given twice: the second one finds done what it asks for."""

from __future__ import annotations

import pytest

from builders.pods import at
from builders.records import an_attempt, broken, done
from builders.specs import Body, a_chain, a_phase, a_task
from spectra_operator.api.action import ActionType
from spectra_operator.core.orders import Order
from spectra_operator.core.phase.records import PhaseRecord
from spectra_operator.core.phase.resets import apply_orders
from spectra_operator.core.phase.status import parse_phase, render_phase
from spectra_operator.core.spec.compile import compile_phase
from unit.core.phase_cases import after, an_order, decided

RETRY, SKIP, MARK = ActionType.RETRY, ActionType.SKIP, ActionType.MARK_SUCCEEDED
CHAIN = a_chain("a", "b", "c")
FAILED = [an_attempt("a", broken())]


def ordered(*orders: Order, tasks: list[Body] = CHAIN) -> PhaseRecord:
    """The phase after orders, each of which found the status that the one before left."""
    shape = compile_phase(a_phase(tasks))
    record = after(tasks, FAILED)
    for order in orders:
        record = parse_phase(render_phase(apply_orders(shape, record, [order]), at(30)))
    return record


def twice(order: Order, again: Order, tasks: list[Body] = CHAIN) -> tuple[str, bool]:
    """What the second order was told, and whether it changed a task."""
    first, second = ordered(order, tasks=tasks), ordered(order, again, tasks=tasks)
    return second.applied["order-2"], second.tasks != first.tasks


@pytest.mark.parametrize(
    ("order", "again"),
    [
        (an_order(RETRY, "a"), an_order(RETRY, "a", uid="order-2")),
        (an_order(RETRY), an_order(RETRY, uid="order-2")),
        (an_order(SKIP, "a"), an_order(SKIP, "a", uid="order-2", when=25)),
        (an_order(MARK, "a"), an_order(MARK, "a", uid="order-2")),
        (
            an_order(MARK, "a", outputs='{"n":1,"m":2}'),
            an_order(MARK, "a", uid="order-2", outputs='{"m":2,"n":1}'),
        ),
    ],
    ids=["retry of a task", "retry", "skip", "mark", "mark with outputs"],
)
def test_what_holds_already_is_carried_out_by_doing_nothing(order: Order, again: Order) -> None:
    assert twice(order, again) == ("", False)


def test_a_retry_leaves_alone_what_runs_again() -> None:
    retried = ordered(an_order(RETRY, "a"))
    tried = [*FAILED, an_attempt("a", number=2)]
    running = decided(CHAIN, tried, persisted=retried).record
    assert str(running.tasks["a"].state) == "Running"
    shape = compile_phase(a_phase(CHAIN))
    again = apply_orders(shape, running, [an_order(RETRY, "a", uid="order-2")])
    assert (again.tasks, again.applied["order-2"]) == (running.tasks, "")


def test_outputs_that_differ_from_those_marked_are_refused() -> None:
    marked = an_order(MARK, "a", outputs='{"n":1}')
    told, changed = twice(marked, an_order(MARK, "a", uid="order-2", outputs='{"n":2}'))
    assert (told, changed) == ("task a has succeeded already", False)


def test_what_succeeded_by_itself_was_not_marked() -> None:
    record = after(CHAIN, [an_attempt("a", done({"n": 1}))])
    shape = compile_phase(a_phase(CHAIN))
    found = apply_orders(shape, record, [an_order(MARK, "a", outputs='{"n":1}')])
    assert found.applied["order-1"] == "task a has succeeded already"


def test_items_that_were_marked_are_marked_again_without_outputs_only() -> None:
    many = [a_task("a", count=3)]
    assert twice(an_order(MARK, "a"), an_order(MARK, "a", uid="order-2"), many) == ("", False)
    given = an_order(MARK, "a", uid="order-2", outputs='{"n":1}')
    assert twice(an_order(MARK, "a"), given, many)[0] == "task a has succeeded already"


def test_a_task_that_never_failed_has_nothing_to_do_again() -> None:
    told = ordered(an_order(RETRY, "b")).applied["order-1"]
    assert told == "task b is Skipped; Retry is for what failed or was stopped"
