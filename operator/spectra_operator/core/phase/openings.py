"""What happens to a task once its predecessors let it start: its condition, then its items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...api.phase import TaskState
from ..language.expressions import ExpressionError
from ..snapshot import PhaseShape
from ..spec.items import has_items, items_known_before
from .inputs import InputError, TaskScope, task_items
from .records import TaskRecord
from .skips import CONDITION_FALSE


def first_record(shape: PhaseShape, name: str) -> TaskRecord:
    """Return the record of a task that nothing has happened to; its items may be unknown yet."""
    task = shape.tasks[name]
    if not has_items(task):
        return TaskRecord()
    return TaskRecord(total=items_known_before(task) or 0, fan_out=True)


def open_task(
    shape: PhaseShape, name: str, record: TaskRecord, tasks: Mapping[str, TaskRecord]
) -> TaskRecord:
    """Return the task Ready with its items, or Skipped, or Failed if an expression fails.

    `tasks` has at least the tasks that it depends on, settled.
    """
    task = shape.tasks[name]
    if task.when is None and not has_items(task):
        return replace(record, state=TaskState.READY, reason="", message="")
    try:
        if task.when is not None and not TaskScope(shape, tasks, name).condition(task.when):
            text = f"its condition is false: {task.when}"
            return replace(
                record, state=TaskState.SKIPPED, reason=CONDITION_FALSE, message=text[:1024]
            )
    except ExpressionError as error:
        return _failed(record, "ConditionInvalid", f"when {task.when!r}: {error}")
    if task.for_each is None and task.matrix is None:
        return replace(record, state=TaskState.READY, reason="", message="")
    try:
        return _with_items(record, len(task_items(shape, tasks, name) or ()))
    except InputError as error:
        return _failed(record, error.reason, str(error))


def _with_items(record: TaskRecord, total: int) -> TaskRecord:
    if total == 0:
        text = "there are no items"
        return replace(record, total=0, state=TaskState.SUCCEEDED, reason="", message=text)
    return replace(record, total=total, state=TaskState.READY, reason="", message="")


def _failed(record: TaskRecord, reason: str, message: str) -> TaskRecord:
    return replace(
        record,
        state=TaskState.FAILED,
        total=max(record.total, 1),
        failed=1,
        reason=reason,
        message=message[:1024],
    )
