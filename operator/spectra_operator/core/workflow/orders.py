"""What orders do to a workflow: which are taken in, which refused, who has to carry them out.

| order                       | not ended                     | ended                       |
|-----------------------------|-------------------------------|-----------------------------|
| Cancel                      | stops the phases of the spec  | refused, unless it was      |
|                             |                               | stopped                     |
| Terminate                   | stops all, also finally tasks | the same                    |
| Retry, Skip, MarkSucceeded  | handed to the phase(s)        | a new run, then the same    |
| Rerun                       | the same; phases that follow  | a new run, then the same    |
|                             | get new objects               |                             |

What holds already is taken in and changes nothing: a second Cancel, the same Skip once more.

What is about tasks waits while the workflow is being cancelled, rolls back or finalizes, and is
taken in after its end. It reaches a phase only once it stands in the workflow's stored status, and
is settled once it stands in the stored status of every phase concerned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ...api.action import ActionType
from ...api.constants import MAX_ACTIONS
from ...api.phase import PhaseState
from ...api.workflow import StepState, WorkflowState
from ..orders import Order, OrderRecord, pending, record_of, room_for
from ..snapshot import WorkflowShape, WorkflowSnapshot
from ..suggestions import listed
from .records import PhaseView, StepRecord, WorkflowRecord

STOPS = frozenset({ActionType.CANCEL, ActionType.TERMINATE})
HOLDING = frozenset({ActionType.SKIP})
"""Orders about a task that hold until another order: asked for again, they change nothing."""
NEEDS_TASK = frozenset({ActionType.RERUN, ActionType.SKIP, ActionType.MARK_SUCCEEDED})
ROLLBACK = "rollback"


def stopped_by(record: WorkflowRecord) -> OrderRecord | None:
    """Return the order that stops the present run, Terminate before Cancel."""
    found = [o for o in record.orders if o.type in STOPS and o.run == record.run and not o.refused]
    return next((o for o in found if o.type is ActionType.TERMINATE), next(iter(found), None))


def former(record: WorkflowRecord, order: Order) -> OrderRecord | None:
    """Return the order by which what is asked for holds already; None if there is none."""
    done = [o for o in _before(record, order) if not o.refused]
    if order.type in STOPS:
        enough = STOPS if order.type is ActionType.CANCEL else {ActionType.TERMINATE}
        return next((o for o in done if o.type in enough and o.run == record.run), None)
    last = done[-1] if done else None
    if order.type not in HOLDING or last is None:
        return None  # a Retry or a Rerun can be wanted as often as one likes
    wanted, was = ((o.type, o.phase, o.task) for o in (order, last))
    return last if wanted == was else None


def _before(record: WorkflowRecord, order: Order) -> tuple[OrderRecord, ...]:
    """Return the orders that were taken in before one, or all if it was not yet."""
    uids = [known.uid for known in record.orders]
    return record.orders[: uids.index(order.uid)] if order.uid in uids else record.orders


def take_in(snapshot: WorkflowSnapshot) -> WorkflowRecord:
    """Return the persisted record with new orders taken in or refused."""
    record = snapshot.persisted
    if not snapshot.orders:
        return record
    known = {order.uid: "" for order in record.orders}
    room = room_for(snapshot.orders, known)
    for order in pending(snapshot.orders, known):
        why = refusal(snapshot.shape, record, order)
        if why is None or not room:
            continue  # those that wait for the end keep no other from being taken in
        room -= 1
        record = replace(record, orders=(*record.orders, record_of(order, record.run, why)))
        record = record if why else _carried_out(snapshot, record, order)
    record = replace(record, orders=_with_refusals(snapshot, record))
    return replace(record, orders=_remembered(record))


def _remembered(record: WorkflowRecord) -> tuple[OrderRecord, ...]:
    """Return the orders that status has room for: the newest, and those that the run goes by.

    What stops the run, or began it, holds as long as the run.
    """
    over = len(record.orders) - MAX_ACTIONS
    if over <= 0:
        return record.orders
    began = next((o for o in record.orders if o.run == record.run), None)
    kept = (stopped_by(record), began if record.run > 1 else None)
    spare = [order for order in record.orders if order not in kept]
    return tuple(order for order in record.orders if order not in spare[:over])


def refusal(shape: WorkflowShape, record: WorkflowRecord, order: Order) -> str | None:
    """Return why an order cannot be carried out; nothing if it can, None if not yet."""
    why = hopeless(record, order)
    if why or order.type in STOPS:
        return why
    if not record.ended and (record.outcome or stopped_by(record)):
        return None
    return _wrong_step(shape, record, order)


def hopeless(record: WorkflowRecord, order: Order) -> str:
    """Return why an order can never be carried out, by the workflow's status alone."""
    if record.state is WorkflowState.REJECTED:
        return "the workflow was rejected: its spec cannot work; apply a better one"
    if order.type in STOPS:
        return _cannot_stop(record, order)
    return _cannot_be(record, order)


def _cannot_be(record: WorkflowRecord, order: Order) -> str:
    """Return why an order about tasks can never be carried out, whatever its phase."""
    if not record.started_at:
        return "the workflow has not started; there is nothing to do again"
    if order.type in NEEDS_TASK and not order.task:
        return f"task: {order.type} needs the task that it is about"
    if order.task and not order.phase:
        return f"phase: name the phase of task {order.task!r}"
    if ROLLBACK in record.steps and record.ended:
        return "the workflow was rolled back: what it did was undone; submit it anew"
    if not order.phase and not _has_failed(record) and not _is_retried(record):
        return "nothing has failed; there is nothing to do again"
    return ""


def _cannot_stop(record: WorkflowRecord, order: Order) -> str:
    if former(record, order):
        return ""
    if record.ended:
        return f"the workflow has ended: {record.state}"
    if order.type is ActionType.CANCEL and record.outcome:
        held = "; spec.suspend is true, it goes on when it is resumed" if record.suspended else ""
        return f"the workflow is {record.state} already; Terminate stops that too{held}"
    return ""


def _wrong_step(shape: WorkflowShape, record: WorkflowRecord, order: Order) -> str:
    if not order.phase:
        return ""
    step, template = record.steps.get(order.phase), shape.phases.get(order.phase)
    if step is None or template is None:
        names = listed(shape.phases)
        return f"phase: there is no phase {order.phase!r}; name one of {names}"
    if not step.object_name:
        return f"phase {order.phase} has not started; none of its tasks has run"
    body = template.fallback if step.fallback and template.fallback else template
    if order.task and order.task not in {task.name for task in body.all_tasks}:
        return f"task: there is no task {order.task!r} in phase {order.phase}"
    return ""


def _is_retried(record: WorkflowRecord) -> bool:
    """Whether the last order was to do again what failed, and that is being done."""
    done = [o for o in record.orders if not o.refused]
    whole = bool(done) and done[-1].type is ActionType.RETRY and not done[-1].phase
    return whole and not record.ended


def _has_failed(record: WorkflowRecord) -> bool:
    if record.state in (WorkflowState.FAILED, WorkflowState.CANCELLED):
        return True
    return any(
        step.state in (StepState.FAILED, StepState.CANCELLED)
        or step.tally.failed
        or step.tally.cancelled
        for step in record.steps.values()
    )


def _carried_out(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, order: Order
) -> WorkflowRecord:
    """Return the record after an order that was just noted as its last."""
    if order.type in STOPS or former(record, order):
        return record
    if record.ended:
        record = _begun_anew(record)
    after: frozenset[str] = frozenset()
    if order.type is ActionType.RERUN:
        after = snapshot.shape.graph.descendants(order.phase)
    lost = frozenset() if order.phase else _lost(snapshot, record)
    steps = {
        name: _cleared(step, anew=name in after or name in lost)
        for name, step in record.steps.items()
    }
    return replace(record, steps=steps)


def _begun_anew(record: WorkflowRecord) -> WorkflowRecord:
    """Return the record of the next run; its last order is the one that began it."""
    run = record.run + 1
    return replace(
        record,
        run=run,
        state=WorkflowState.RUNNING,
        reason="",
        message="",
        outcome=None,
        finished_at=None,
        steps=record.main,
        orders=(*record.orders[:-1], replace(record.orders[-1], run=run)),
    )


def _lost(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> frozenset[str]:
    """Return the phases whose object was deleted while it was needed."""
    seen = snapshot.phases.keys() | snapshot.fallbacks.keys()
    return frozenset(n for n, s in record.main.items() if s.object_name and n not in seen)


def _cleared(step: StepRecord, *, anew: bool) -> StepRecord:
    """Return a step that is decided about again, with a new object if it is done anew."""
    if step.object_name and not anew:
        return step
    return StepRecord(run=step.run + 1 if step.object_name else step.run)


def awaited(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, name: str, view: PhaseView
) -> frozenset[str]:
    """Return the orders that a phase has yet to take in, by their UIDs."""
    if not snapshot.orders:
        return frozenset()
    there = {order.uid for order in snapshot.orders}
    return frozenset(
        order.uid
        for order in record.orders
        if order.uid in there
        and order.uid not in view.applied
        and not order.refused
        and order.type not in STOPS
        and (order.phase == name or view.state is not PhaseState.SUCCEEDED)
    )


def hand_over(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, views: Mapping[str, PhaseView]
) -> dict[str, frozenset[str]]:
    """Return which stored orders each Phase object is to carry out, by the object's name."""
    if not snapshot.orders:
        return {}
    stored = {order.uid for order in snapshot.persisted.orders}
    found = {
        view.object_name: awaited(snapshot, record, name, view) & stored
        for name, view in views.items()
    }
    return {name: uids for name, uids in found.items() if uids}


def settled(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, views: Mapping[str, PhaseView]
) -> dict[str, str]:
    """Return the orders of which all stands in stored statuses, by UID: why refused, or nothing."""
    if not snapshot.orders:
        return {}
    stored = {order.uid: order for order in snapshot.persisted.orders}
    open_ones = {u for n, v in views.items() for u in awaited(snapshot, record, n, v)}
    return {
        order.uid: order.refused
        for order in record.orders
        if stored.get(order.uid) == order and order.uid not in open_ones
    }


def _with_refusals(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> tuple[OrderRecord, ...]:
    """Return the orders with what the phases that they were about said to them."""
    return tuple(_judged(snapshot, order) for order in record.orders)


def _judged(snapshot: WorkflowSnapshot, order: OrderRecord) -> OrderRecord:
    if order.refused or not order.phase:
        return order
    said: Iterator[str] = (
        view.applied.get(order.uid, "")
        for views in (snapshot.fallbacks, snapshot.phases)
        if (view := views.get(order.phase))
    )
    why = next((text for text in said if text), "")
    return replace(order, refused=why[:1024]) if why else order
