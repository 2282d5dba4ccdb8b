"""Actions that are not done yet, by the object that they are about."""

from __future__ import annotations

from ..api.action import ActionType
from ..api.workflow import PhaseRole
from ..core.orders import Order
from ..core.snapshot import PhaseShape
from .keys import Key


class OrderBook:
    """Orders by the key of their target, oldest first."""

    def __init__(self) -> None:
        self._orders: dict[Key, dict[str, Order]] = {}

    def put(self, target: Key, order: Order) -> None:
        """Take in an order about an object."""
        self._orders.setdefault(target, {})[order.uid] = order

    def drop(self, target: Key, uid: str) -> None:
        """Forget an order: it is done, or its Action is gone."""
        orders = self._orders.get(target, {})
        orders.pop(uid, None)
        if not orders:
            self._orders.pop(target, None)

    def of(self, target: Key) -> tuple[Order, ...]:
        """Return the orders about an object."""
        found = self._orders.get(target)
        return tuple(sorted(found.values(), key=lambda o: (o.at, o.uid))) if found else ()

    def of_phase(self, key: Key, shape: PhaseShape) -> tuple[Order, ...]:
        """Return the orders about a phase: its own, or those of its workflow that concern it."""
        ref = shape.spec.workflow_ref
        if ref is None:
            return self.of(key)
        orders = self.of(Key("Workflow", key.namespace, ref.name))
        if not orders or shape.spec.parent is not None:
            return ()
        return tuple(order for order in orders if concerns(order, shape))


def concerns(order: Order, shape: PhaseShape) -> bool:
    """Whether an order about a workflow changes the tasks of one of its phases."""
    if shape.spec.role is not PhaseRole.MAIN or order.type in (
        ActionType.CANCEL,
        ActionType.TERMINATE,
    ):
        return False
    return not order.phase or order.phase == shape.spec.phase
