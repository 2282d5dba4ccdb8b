"""More orders than a status remembers: none is carried out twice, and what holds is not lost."""

from __future__ import annotations

from dataclasses import replace

from builders.specs import a_chain
from spectra_operator.api.action import ActionType
from spectra_operator.api.constants import MAX_ACTIONS
from spectra_operator.core.orders import Order, record_of
from unit.core.phase_cases import after, decided
from unit.core.phase_cases import an_order as of_a_phase
from unit.core.workflow_orders_cases import RUNNING, Stage, an_order

CHAIN = a_chain("a", "b")


def nonsense(number: int) -> Order:
    """An order that is refused at once."""
    return an_order("Skip", f"no-{number}", made=6 + number)


def a_stopped_one(kind: str) -> Stage:
    stage = Stage()
    stage.store(first=RUNNING)
    stage.ask(an_order(kind, "stop")).store()
    return stage


def test_a_phase_takes_in_no_more_orders_than_it_can_remember_while_they_are_open() -> None:
    orders = tuple(
        of_a_phase(ActionType.RERUN, "a", uid=f"o{n:03}") for n in range(MAX_ACTIONS * 2)
    )
    first = decided(CHAIN, orders=orders, persisted=after(CHAIN), now=30).record
    again = decided(CHAIN, orders=orders, persisted=first, now=31).record
    assert len(first.applied) == MAX_ACTIONS // 2
    assert again.applied == first.applied
    rest = orders[MAX_ACTIONS // 2 :]  # the Actions that were carried out have been closed
    second = decided(CHAIN, orders=rest, persisted=again, now=32).record
    assert list(second.applied) == [f"o{n:03}" for n in range(MAX_ACTIONS)]


def test_a_stop_holds_however_many_orders_come_after_it() -> None:
    for kind in ("Cancel", "Terminate"):
        stage = a_stopped_one(kind)
        for number in range(3 * MAX_ACTIONS):
            stage.orders = (nonsense(number),)
            stage.store()
        assert len(stage.persisted.orders) == MAX_ACTIONS
        assert stage.decide().levels.cancel == ("Cancelled" if kind == "Cancel" else "Terminated")
        assert [o.uid for o in stage.persisted.orders[:2]] == ["stop", f"no-{2 * MAX_ACTIONS + 1}"]


def test_the_time_of_a_later_run_is_counted_from_the_order_that_began_it() -> None:
    stage = Stage(active_deadline_seconds=1000)
    stage.store(first=RUNNING)
    began = record_of(an_order("Retry", "begin", made=9000), 2)
    stage.persisted = replace(stage.persisted, run=2, orders=(began,))
    stage.now = 9001
    for number in range(2 * MAX_ACTIONS):
        stage.orders = (nonsense(number),)
        stage.store()
    assert stage.decide().levels.cancel == ""


def test_orders_that_wait_for_the_end_keep_no_other_from_being_taken_in() -> None:
    stage = a_stopped_one("Cancel")
    stage.orders = tuple(
        an_order("Retry", f"r{n:03}", made=7, phase="first") for n in range(MAX_ACTIONS)
    )
    stage.ask(an_order("Terminate", "at-once", made=8)).store()
    assert stage.decide().levels.cancel == "Terminated"
