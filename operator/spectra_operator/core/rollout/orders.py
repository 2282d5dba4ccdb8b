"""What people ask for: promote, abort, undo, retry. Each order is taken in once, by its UID."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ...api.rollout import ROLLOUT_ORDERS, RolloutOrderRecord, RolloutVerb
from ..orders import Order
from .records import RolloutOrder, Turn
from .steps import begin, former, give_up, promote, switch


class _RefusedError(Exception):
    """Why an order is not carried out."""


def rollout_order(order: Order) -> RolloutOrder:
    """Return what an Action about an agent asks of its rollout.

    Raises:
        ValueError: its type is none of Promote, Abort, Undo and Retry.
    """
    return RolloutOrder(
        uid=order.uid,
        name=order.name,
        verb=RolloutVerb(order.type),
        actor=order.actor,
        reason=order.reason,
        at=order.at,
        revision=order.revision,
    )


def take_orders(turn: Turn) -> Turn:
    """Carry out the orders that are new, oldest first, as far as they can be remembered."""
    applied = {each.uid for each in turn.record.applied}
    orders = turn.snapshot.orders
    new = sorted((o for o in orders if o.uid not in applied), key=lambda o: (o.at, o.uid))
    room = max(ROLLOUT_ORDERS - sum(o.uid in applied for o in orders), 0)
    for order in new[:room]:
        turn = _take(turn, order)
    return turn


def _take(turn: Turn, order: RolloutOrder) -> Turn:
    refused = ""
    try:
        if not turn.record.stable:
            raise _RefusedError("the agent has no active revision yet")
        turn = _VERBS[order.verb](turn, order)
    except _RefusedError as error:
        refused = str(error)[:1024]
        turn = turn.tell("OrderRefused", f"{order.verb} by {order.actor}: {refused}")
    return turn.becomes(applied=_applied(turn, _record_of(order, refused)))


def _promote(turn: Turn, order: RolloutOrder) -> Turn:
    snapshot, revision = turn.snapshot, turn.record.preview
    if not revision:
        raise _RefusedError("no rollout is under way; use Retry to try a rejected revision again")
    if revision not in snapshot.stored:
        raise _RefusedError(f"revision {revision} is not stored yet; ask again")
    if not snapshot.has_worker(revision):
        raise _RefusedError(f"revision {revision} has no ready worker; ask again when it has")
    if not turn.record.exposed:
        turn = switch(turn)
    return promote(turn, "PromoteRequested", "as was asked for", order.who_and_why)


def _abort(turn: Turn, order: RolloutOrder) -> Turn:
    if not turn.record.preview:
        raise _RefusedError("no rollout is under way; use Undo to go back to a former revision")
    return give_up(turn, "AbortRequested", "as was asked for", order.who_and_why)


def _undo(turn: Turn, order: RolloutOrder) -> Turn:
    record = turn.record
    if record.preview and order.revision in ("", record.stable):
        return give_up(turn, "UndoRequested", "as was asked for", order.who_and_why)
    target = order.revision or former(record)
    if not target:
        raise _RefusedError("history knows no other revision that was promoted")
    if target == record.stable:
        raise _RefusedError(f"revision {target} is the stable one already")
    if not record.was_promoted(target):
        raise _RefusedError(f"history does not know {target} as promoted; change the template")
    if target == record.preview:
        raise _RefusedError(f"revision {target} is on its way already")
    if record.preview:
        turn = give_up(turn, "UndoRequested", "as was asked for", order.who_and_why)
    wanted = turn.snapshot.wanted
    turn = turn.becomes(rejected="" if wanted == target else wanted)
    return begin(turn, target, order.who_and_why)


def _retry(turn: Turn, order: RolloutOrder) -> Turn:
    record = turn.record
    if record.preview:
        raise _RefusedError(f"revision {record.preview} is under way; abort it before")
    if not record.rejected or record.rejected != turn.snapshot.wanted:
        raise _RefusedError("the spec's revision was neither rolled back nor aborted")
    if record.rejected == record.stable:
        raise _RefusedError(f"revision {record.stable} is the stable one already")
    return begin(turn.becomes(rejected=""), record.rejected, order.who_and_why)


_VERBS: Mapping[RolloutVerb, Callable[[Turn, RolloutOrder], Turn]] = MappingProxyType(
    {
        RolloutVerb.PROMOTE: _promote,
        RolloutVerb.ABORT: _abort,
        RolloutVerb.UNDO: _undo,
        RolloutVerb.RETRY: _retry,
    }
)


def _record_of(order: RolloutOrder, refused: str) -> RolloutOrderRecord:
    return RolloutOrderRecord(
        uid=order.uid,
        name=order.name,
        verb=order.verb,
        actor=order.actor,
        reason=order.reason,
        at=order.at,
        refused=refused,
    )


def _applied(turn: Turn, new: RolloutOrderRecord) -> tuple[RolloutOrderRecord, ...]:
    """Return the remembered orders: one whose Action is still there is never forgotten."""
    there = {order.uid for order in turn.snapshot.orders}
    known = [*turn.record.applied, new]
    excess = len(known) - ROLLOUT_ORDERS
    gone = [each.uid for each in known if each.uid not in there][: max(excess, 0)]
    return tuple(each for each in known if each.uid not in gone)
