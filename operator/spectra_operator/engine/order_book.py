"""Actions that are not done yet, by the object that they are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..core.orders import Order
from ..core.snapshot import PhaseShape
from .keys import Key


class OrderBook:
    """Orders by the key of their target, oldest first."""

    def __init__(self) -> None:
        self._orders: dict[Key, dict[str, Order]] = {}
        self._handed_over: dict[Key, Mapping[str, frozenset[str]]] = {}

    def put(self, target: Key, order: Order) -> None:
        """Take in an order about an object."""
        self._orders.setdefault(target, {})[order.uid] = order

    def drop(self, target: Key, uid: str) -> None:
        """Forget an order: it is done, or its Action is gone."""
        orders = self._orders.get(target, {})
        orders.pop(uid, None)
        if not orders:
            self._orders.pop(target, None)
            self._handed_over.pop(target, None)

    def drop_all(self, concerns: Callable[[str], bool]) -> None:
        """Forget the orders in the namespaces of a shard that was given up."""
        for target in [target for target in self._orders if concerns(target.namespace)]:
            del self._orders[target]
            self._handed_over.pop(target, None)

    def hand_over(self, workflow: Key, orders: Mapping[str, frozenset[str]]) -> bool:
        """Say which orders the phases of a workflow are to carry out, by object and UIDs.

        Return whether that is news.
        """
        if orders == self._handed_over.get(workflow, {}):
            return False
        self._handed_over[workflow] = orders
        return True

    def of(self, target: Key) -> tuple[Order, ...]:
        """Return the orders about an object."""
        found = self._orders.get(target)
        return tuple(sorted(found.values(), key=lambda o: (o.at, o.uid))) if found else ()

    def of_phase(self, key: Key, shape: PhaseShape) -> tuple[Order, ...]:
        """Return the orders about a phase: its own, or those that its workflow handed over."""
        ref = shape.spec.workflow_ref
        if ref is None:
            return self.of(key)
        workflow = Key("Workflow", key.namespace, ref.name)
        mine = self._handed_over.get(workflow, {}).get(key.name)
        if not mine:
            return ()
        return tuple(order for order in self.of(workflow) if order.uid in mine)
