"""What an order about a rollout that was carried out is answered; true when it is written."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...api.rollout import RolloutEnd, RolloutOutcome, RolloutVerb
from .records import RolloutOrder, RolloutRecord

_LEFT = (RolloutOutcome.ROLLED_BACK, RolloutOutcome.ABORTED)
_ENDS: Mapping[RolloutVerb, tuple[RolloutOutcome, ...]] = MappingProxyType(
    {
        RolloutVerb.PROMOTE: (RolloutOutcome.PROMOTED,),
        RolloutVerb.ABORT: _LEFT,
        RolloutVerb.UNDO: (RolloutOutcome.PROMOTED, *_LEFT),
        RolloutVerb.RETRY: (RolloutOutcome.PROMOTED, *_LEFT),
    }
)
_UNDER_WAY = {
    RolloutVerb.UNDO: "comes back as soon as it is ready",
    RolloutVerb.RETRY: "is judged from the start",
}


def rollout_answer(record: RolloutRecord, order: RolloutOrder) -> str:
    """Return what an order has done, by what is under way and by the newest of its ends.

    Args:
        record: The rollout as it is stored, in which the order is applied.
        order: What was asked for.
    """
    who = order.who_and_why
    if record.preview and record.by == who and order.verb in _UNDER_WAY:
        return f"revision {record.preview} {_UNDER_WAY[order.verb]}"
    for end in reversed(record.history):
        if end.by == who and end.outcome in _ENDS[order.verb]:
            return _told(record, end)
    return "it was carried out"


def _told(record: RolloutRecord, end: RolloutEnd) -> str:
    if end.outcome is RolloutOutcome.PROMOTED:
        return f"revision {end.revision} is stable"
    if end.outcome is RolloutOutcome.ABORTED:
        return f"revision {end.revision} was given up before the switch; {record.stable} stays"
    return f"back to revision {record.stable} from {end.revision}"
