"""Orders: what people ask for by Action objects, as decisions see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..api.action import OF_AGENTS, ROLLOUT_ONLY, ActionSpec, ActionType
from ..api.constants import MAX_ACTIONS
from .spec.problems import Problem

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
    """One Action object.

    `at` is when it was made, `outputs` JSON text of an object, or empty. `revision` names where an
    Undo leads; empty for the revision that was promoted before.
    """

    outputs: str = ""
    revision: str = ""


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


def misfits(spec: ActionSpec) -> Iterator[Problem]:
    """Yield what of a request cannot be asked for of the kind of object that it names."""
    if spec.revision is not None and spec.type is not ActionType.UNDO:
        text = f"goes with Undo, and the type is {spec.type}; leave it out"
        yield Problem("ConflictingFields", "spec.revision", text)
    if spec.target.kind != "Agent":
        if spec.type in ROLLOUT_ONLY:
            text = f"{spec.type} is about the rollout of an agent; write target.kind: Agent"
            yield Problem("ConflictingFields", "spec.type", text)
        return
    if spec.type not in OF_AGENTS:
        text = f"an agent takes {', '.join(OF_AGENTS)}, and not {spec.type}"
        yield Problem("ConflictingFields", "spec.type", text)
    for field in ("phase", "task", "outputs"):
        if getattr(spec, field) is not None:
            text = "an agent has no phases and tasks; leave it out"
            yield Problem("ConflictingFields", f"spec.{field}", text)
