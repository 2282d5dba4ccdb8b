"""What orders do to the tasks of a phase: do again, skip, mark as done.

| order         | the task                                  | what follows from it                |
|---------------|-------------------------------------------|-------------------------------------|
| Retry         | failed or stopped items wait again        | what was skipped for it waits again |
| Rerun         | all of it waits again, whatever its state | all that depends on it waits again  |
| Skip          | Skipped `SkippedByAction`                 | what was skipped for it waits again |
| MarkSucceeded | Succeeded, with the outputs given         | what was skipped for it waits again |

What was skipped or stopped because the workflow was failing waits again too, also in the other
phases of the workflow; if it still is failing, they end as before. Items that succeeded stay with a
Retry, unless a task that theirs depends on is done again too. Attempt numbers go on: what was
before a reset is counted in `prior`. An order that asks for what an earlier one did is carried out
by doing nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...api.action import ActionType
from ...api.constants import MAX_ACTIONS, MAX_OUTPUT_BYTES
from ...api.phase import PhaseState, TaskState
from .. import indexes
from ..orders import Order
from ..snapshot import PhaseShape
from .handoff import broken_output
from .records import PHASE_ENDED, PhaseRecord, TaskRecord
from .settle import FAILING, is_benign, output_budget
from .skips import SKIPPED_BY_ACTION

_PHASE_TYPES = frozenset(
    {ActionType.RETRY, ActionType.RERUN, ActionType.SKIP, ActionType.MARK_SUCCEEDED}
)
_MARKED = "marked as succeeded by"
_STOPPED = (TaskState.SKIPPED, TaskState.CANCELLED)


def apply_orders(shape: PhaseShape, record: PhaseRecord, orders: Iterable[Order]) -> PhaseRecord:
    """Return the record with orders carried out, or noted as refused."""
    for order in orders:
        elsewhere = bool(shape.spec.phase and order.phase) and order.phase != shape.spec.phase
        why = "" if elsewhere else refusal(shape, record, order)
        if elsewhere:
            record = replace(record, tasks=_freed(record.tasks))
        elif not why and not holds_already(record, order):
            record = replace(record, tasks=_tasks_after(shape, record, order))
        applied = {**record.applied, order.uid: why}
        record = replace(record, applied=dict(list(applied.items())[-MAX_ACTIONS:]))
    if record.state in PHASE_ENDED and not all(t.ended for t in record.tasks.values()):
        record = replace(record, state=PhaseState.RUNNING, reason="", message="", finished_at=None)
    return record


def refusal(shape: PhaseShape, record: PhaseRecord, order: Order) -> str:
    """Return why an order cannot be carried out on a phase, or nothing."""
    if order.type not in _PHASE_TYPES:
        return f"{order.type} is about a workflow, not about a phase"
    if record.state is PhaseState.REJECTED:
        return "the phase was rejected; its spec cannot work"
    if not order.task:
        named = order.type is not ActionType.RETRY
        return f"name the task that {order.type} is about" if named else ""
    if order.task not in record.tasks:
        return f"there is no task {order.task} in this phase"
    return "" if holds_already(record, order) else _task_refusal(shape, record, order)


def holds_already(record: PhaseRecord, order: Order) -> bool:
    """Whether what an order asks for was done by an earlier one, so that nothing is left to do."""
    task = record.tasks.get(order.task)
    if task is None:
        return False
    match order.type:
        case ActionType.SKIP:
            return task.state is TaskState.SKIPPED and task.reason == SKIPPED_BY_ACTION
        case ActionType.MARK_SUCCEEDED:
            return was_marked(task) and _same_outputs(task, order)
        case ActionType.RETRY:
            return bool(task.prior) and not task.ended and not _has_failed(task)
    return False


def was_marked(task: TaskRecord) -> bool:
    """Whether a task succeeded since somebody said so; then its outputs are theirs."""
    return task.state is TaskState.SUCCEEDED and task.message.startswith(_MARKED)


def _same_outputs(task: TaskRecord, order: Order) -> bool:
    """Whether a task that was marked has the outputs that an order gives it."""
    if task.fan_out:
        return not order.outputs
    given, known = (json.loads(text or "{}") for text in (order.outputs, task.outputs.get(0)))
    return bool(given == known)


def _task_refusal(shape: PhaseShape, record: PhaseRecord, order: Order) -> str:
    task = record.tasks[order.task]
    if order.type is ActionType.MARK_SUCCEEDED:
        return _cannot_be_marked(shape, record, order)
    if order.type is ActionType.SKIP and task.state is TaskState.SUCCEEDED:
        return f"task {order.task} has succeeded; there is nothing to skip"
    if order.type is ActionType.RETRY and not _has_failed(task):
        return f"task {order.task} is {task.state}; Retry is for what failed or was stopped"
    return ""


def _cannot_be_marked(shape: PhaseShape, record: PhaseRecord, order: Order) -> str:
    task = record.tasks[order.task]
    if task.state is TaskState.SUCCEEDED:
        return f"task {order.task} has succeeded already"
    if task.fan_out and order.outputs:
        return f"task {order.task} has items; outputs cannot be given for them"
    if task.fan_out:
        return ""
    if len(order.outputs) > output_budget(record):
        return f"the outputs of this phase would exceed {MAX_OUTPUT_BYTES} bytes"
    return broken_output(order.outputs, shape.tasks[order.task].outputs)


def _tasks_after(shape: PhaseShape, record: PhaseRecord, order: Order) -> dict[str, TaskRecord]:
    tasks = _freed(record.tasks)
    named = [order.task] if order.task else list(tasks)
    match order.type:
        case ActionType.RETRY:
            again = {name for name in named if _has_failed(tasks[name])}
            for name in again:
                anew = again & shape.graph.ancestors(name)
                tasks[name] = reset(tasks[name]) if anew else retried(tasks[name])
        case ActionType.RERUN:
            for name in [order.task, *shape.graph.descendants(order.task)]:
                tasks[name] = reset(tasks[name])
            return tasks
        case ActionType.SKIP:
            tasks[order.task] = _skipped(tasks[order.task], order)
        case ActionType.MARK_SUCCEEDED:
            tasks[order.task] = _marked(tasks[order.task], order)
    for name in named if not order.task else shape.graph.descendants(order.task):
        if _was_skipped_for_another(tasks[name]):
            tasks[name] = reset(tasks[name])
    return tasks


def _freed(tasks: Mapping[str, TaskRecord]) -> dict[str, TaskRecord]:
    """Return the tasks, those that the failing workflow kept from running as if it were well."""
    return {
        name: retried(task) if task.reason == FAILING and task.state in _STOPPED else task
        for name, task in tasks.items()
    }


def reset(record: TaskRecord) -> TaskRecord:
    """Return a task that begins anew; what it used stays counted.

    Checkpoints are forgotten: who asks for all of it again does not want to go on from them.
    """
    return TaskRecord(
        state=TaskState.WAITING,
        total=record.total,
        fan_out=record.fan_out,
        attempt=record.attempt,
        prior=record.attempt,
        usage=record.usage,
    )


def retried(record: TaskRecord) -> TaskRecord:
    """Return a task whose items that did not succeed begin anew; those that run go on."""
    if record.open and not record.ended:
        return replace(record, failed=0, cancelled=0, prior=record.attempt, reason="", message="")
    if not record.succeeded:
        return reset(record)
    return replace(
        reset(record),
        state=TaskState.READY,
        succeeded=record.succeeded,
        outputs=record.outputs,
        started_at=None,
    )


def _has_failed(task: TaskRecord) -> bool:
    stopped = task.state in (TaskState.FAILED, TaskState.CANCELLED)
    return stopped or bool(task.failed and not task.ended)


def _was_skipped_for_another(task: TaskRecord) -> bool:
    """Whether a task never ran because another failed, or because all before it were skipped."""
    return task.state is TaskState.SKIPPED and (
        not is_benign(task) or task.reason == "DependencySkipped"
    )


def _skipped(record: TaskRecord, order: Order) -> TaskRecord:
    return replace(
        record,
        state=TaskState.SKIPPED,
        failed=0,
        cancelled=0,
        open={},
        spawned=None,
        reason=SKIPPED_BY_ACTION,
        message=order.who_and_why[:1024],
        finished_at=order.at,
    )


def _marked(record: TaskRecord, order: Order) -> TaskRecord:
    total = max(record.total, 1)
    outputs = {0: order.outputs} if order.outputs else {}
    return replace(
        record,
        state=TaskState.SUCCEEDED,
        total=total,
        succeeded=indexes.full(total),
        failed=0,
        cancelled=0,
        open={},
        spawned=None,
        outputs=record.outputs if record.fan_out else outputs,
        reason="",
        message=f"{_MARKED} {order.who_and_why}"[:1024],
        finished_at=order.at,
    )
