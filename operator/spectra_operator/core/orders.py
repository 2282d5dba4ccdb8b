"""Orders: what people ask for by Action objects, as decisions see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..api.action import ActionType
from ..api.constants import MAX_ACTIONS

AT_ONCE = MAX_ACTIONS // 2
"""Orders about one object that may be under way: one that its status forgets while the Action is
still there would be carried out again."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """What was asked for, of what, by whom, why and when."""

    uid: str
    name: str
    type: ActionType
    actor: str
    reason: str
    at: datetime
    phase: str = ""
    task: str = ""

    @property
    def who_and_why(self) -> str:
        """The actor and the reason, as messages give them."""
        return f"{self.actor}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Order(_Ask):
    """One Action object. `outputs` is JSON text of an object, or empty; `at` when it was made."""

    outputs: str = ""


@dataclass(frozen=True, slots=True)
class OrderRecord(_Ask):
    """An order that a workflow has taken in, in its `run`; `refused` says why it is not done."""

    run: int = 1
    refused: str = ""


def record_of(order: Order, run: int, refused: str = "") -> OrderRecord:
    """Return what a workflow keeps of an order."""
    return OrderRecord(
        uid=order.uid,
        name=order.name,
        type=order.type,
        actor=order.actor,
        reason=order.reason,
        at=order.at,
        phase=order.phase,
        task=order.task,
        run=run,
        refused=refused[:1024],
    )


def pending(orders: Iterable[Order], applied: Mapping[str, str]) -> tuple[Order, ...]:
    """Return the orders that a record does not know of yet, oldest first."""
    new = (order for order in orders if order.uid not in applied)
    return tuple(sorted(new, key=lambda order: (order.at, order.uid)))


def room_for(orders: Iterable[Order], applied: Mapping[str, str]) -> int:
    """Return how many more orders a record may take in while these are open."""
    return max(AT_ONCE - sum(order.uid in applied for order in orders), 0)
