"""What an order that was carried out is answered: what happens now, true when it is written."""

from __future__ import annotations

from ...api.action import ActionType
from ..orders import Order
from .orders import STOPS, former
from .records import WorkflowRecord

_DONE = {
    ActionType.RETRY: "what failed is done again",
    ActionType.RERUN: "the task and what follows from it are done again",
    ActionType.SKIP: "the task counts as skipped",
    ActionType.MARK_SUCCEEDED: "the task counts as succeeded",
}
_ALREADY = {
    ActionType.CANCEL: "was cancelled already",
    ActionType.TERMINATE: "was terminated already",
    ActionType.SKIP: "the task was skipped already",
}


def answer(record: WorkflowRecord, order: Order, finally_tasks: int = 0) -> str:
    """Return what an order has done to a workflow, or to a phase that stands alone.

    Args:
        record: The workflow as it is stored; an empty one for a phase.
        order: What was asked for.
        finally_tasks: How many finally tasks the workflow has.
    """
    earlier = former(record, order)
    if earlier:
        return f"{_ALREADY[earlier.type]} by {earlier.who_and_why}"
    if order.type not in STOPS:
        return _DONE[order.type]
    word = "cancelled" if order.type is ActionType.CANCEL else "terminated"
    if not record.started_at:
        return f"{word} before it started"
    if record.ended:
        return word
    if order.type is ActionType.TERMINATE:
        return "terminated: everything is being stopped"
    follows = "; finally tasks follow" if finally_tasks else ""
    return f"cancelled: what runs is being stopped{follows}"
