"""Turns folded records into states: what waits, what is ready, what never will run, what is over.

| a task with no live attempt, and ...                         | becomes                        |
|--------------------------------------------------------------|--------------------------------|
| all items ended, no more failed than maxFailed allows        | Succeeded (Cancelled if stopped)|
| all items ended, more failed                                 | Failed                         |
| everything is being stopped                                  | Cancelled                      |
| its activeDeadlineSeconds have passed                        | Failed `DeadlineExceeded`      |
| nothing new may start (a task failed and the policy is Fail) | Skipped if untried, else ended |
| more items failed than its maxFailed allows                  | Failed, the rest never runs    |
| a predecessor failed, or was skipped because one failed      | Skipped `DependencyFailed`     |
| a predecessor has not ended                                  | Waiting                        |
| all predecessors were skipped by a condition or a person     | Skipped `DependencySkipped`    |
| its `when` is false                                          | Skipped `ConditionFalse`       |
| its pause after a failure is not over                        | Backoff                        |
| otherwise                                                    | Ready                          |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice

from ...api.constants import MAX_OUTPUT_BYTES
from ...api.phase import TaskState
from .. import indexes
from ..policy import most_failed
from ..snapshot import Levels, PhaseShape
from .openings import open_task
from .records import PhaseRecord, TaskRecord
from .skips import BENIGN, DEPENDENCY_SKIPPED

FAILING = "WorkflowFailing"
DEPENDENCY_FAILED = "DependencyFailed"
DEADLINE = "DeadlineExceeded"
MOST_OPENED = 16
"""Tasks whose expressions one pass evaluates: each may be dear, and others wait meanwhile."""
TO_BE_OPENED = "for its condition and items to be looked at"
_NAMED = 5


def output_budget(record: PhaseRecord) -> int:
    """Bytes of outputs that the phase's status may still take."""
    return MAX_OUTPUT_BYTES - sum(task.output_bytes() for task in record.tasks.values())


def halted(shape: PhaseShape, tasks: Mapping[str, TaskRecord], levels: Levels) -> str:
    """Return why nothing new may start, from outside or within the phase; empty for nothing."""
    return levels.halt or (FAILING if shape.fails_fast and _broken(shape, tasks) else "")


def settle(
    shape: PhaseShape,
    tasks: Mapping[str, TaskRecord],
    levels: Levels,
    overdue: frozenset[str] = frozenset(),
) -> dict[str, TaskRecord]:
    """Return every task with its state; `overdue` names those whose own deadline has passed."""
    levels = replace(levels, halt=halted(shape, tasks, levels))
    settled: dict[str, TaskRecord] = {}
    over = _Over()
    for position, name in enumerate(shape.graph.order):
        record = tasks[name]
        if not record.ended:
            late = name in overdue
            record = _state(shape, name, record, levels, late) or _untried(
                shape, name, record, over, settled
            )
        settled[name] = record
        if record.ended:
            over.ended |= 1 << position
            if _satisfies(shape, name, record):
                over.satisfied |= 1 << position
            elif is_benign(record):
                over.passed_by |= 1 << position
    return {name: settled[name] for name in tasks}


def unfinished(shape: PhaseShape, tasks: Mapping[str, TaskRecord]) -> bool:
    """Whether tasks are left whose expressions the next pass must evaluate."""
    return any(
        tasks[name].state is TaskState.WAITING and tasks[name].message == TO_BE_OPENED
        for name in shape.conditional
    )


def is_benign(record: TaskRecord) -> bool:
    """Whether a task was skipped for a reason that fails nothing."""
    return record.state is TaskState.SKIPPED and record.reason in BENIGN


def failed_for_good(shape: PhaseShape, name: str, record: TaskRecord) -> bool:
    """Whether a task has failed, and the phase by it."""
    return record.state is TaskState.FAILED and not shape.tasks[name].allow_failure


@dataclass(slots=True)
class _Over:
    """Tasks that have ended; those that let their dependents start; those skipped in order.

    Sets of positions in the graph's order: asking of a thousand predecessors whether all have
    ended is one operation.
    """

    ended: int = 0
    satisfied: int = 0
    passed_by: int = 0
    opened: int = 0


def _broken(shape: PhaseShape, tasks: Mapping[str, TaskRecord]) -> bool:
    """Whether a task failed that the phase does not tolerate."""
    return any(
        not is_benign(r) and not shape.tasks[n].allow_failure and _too_many(shape, n, r)
        for n, r in tasks.items()
        if r.failed
    )


def _too_many(shape: PhaseShape, name: str, record: TaskRecord) -> bool:
    """Whether more items of a task have failed than it tolerates."""
    return record.failed.bit_count() > most_failed(shape.tasks[name], record.total)


def gave_up(shape: PhaseShape, name: str, record: TaskRecord) -> bool:
    """Whether a task with maxFailed has failed, whatever is left of its items."""
    if not record.failed or shape.tasks[name].max_failed is None:
        return False
    return _too_many(shape, name, record)


def _state(
    shape: PhaseShape, name: str, record: TaskRecord, levels: Levels, late: bool
) -> TaskRecord | None:
    """Return the task with its state; None for one that nothing was tried of."""
    if record.running_mask:
        return with_running(record)
    if record.total and record.ended_mask.bit_count() == record.total:
        return _finished(shape, name, record)
    stopped = _stopped(shape, name, record, levels, late)
    if stopped is None and (record.ended_mask or record.open):
        return _ready_or_backoff(record)
    return stopped


def with_running(record: TaskRecord) -> TaskRecord:
    """Return a task of which an item runs with its state."""
    quiet = record.fan_out and not record.failures and not record.losses
    return become(record, TaskState.RUNNING, *(("", "") if quiet else ()))


def _stopped(
    shape: PhaseShape, name: str, record: TaskRecord, levels: Levels, late: bool
) -> TaskRecord | None:
    """Return the task as it ends because no further attempt may start; None if one may."""
    if levels.cancel:
        return become(record, TaskState.CANCELLED, levels.cancel, "stopped before it could end")
    if late:
        return _late(record)
    if levels.halt:
        return _halted(record, levels.halt)
    if gave_up(shape, name, record):
        return _halted(record, "MaxFailedExceeded")
    return None


def _untried(
    shape: PhaseShape,
    name: str,
    record: TaskRecord,
    over: _Over,
    settled: Mapping[str, TaskRecord],
) -> TaskRecord:
    parents = shape.graph.parent_masks[name]
    bad = parents & over.ended & ~over.satisfied & ~over.passed_by
    if bad:
        text = f"{_names(shape, bad)} did not succeed"
        return become(record, TaskState.SKIPPED, DEPENDENCY_FAILED, text)
    waits = parents & ~over.ended
    if waits:
        return become(record, TaskState.WAITING, "", f"for {_names(shape, waits)}")
    if parents and not parents & over.satisfied:
        text = f"{_names(shape, parents)} was skipped"
        return become(record, TaskState.SKIPPED, DEPENDENCY_SKIPPED, text)
    if record.state is TaskState.READY:
        return become(record, TaskState.READY)
    if name in shape.conditional:
        over.opened += 1
        if over.opened > MOST_OPENED:
            return become(record, TaskState.WAITING, "", TO_BE_OPENED)
    return open_task(shape, name, record, settled)


def _names(shape: PhaseShape, mask: int) -> str:
    """Name the first few tasks of a set, and how many more there are."""
    first = [shape.graph.order[i] for i in islice(indexes.iterate(mask), _NAMED)]
    more = mask.bit_count() - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _ready_or_backoff(record: TaskRecord) -> TaskRecord:
    backing_off = record.open and not record.untried_mask
    if backing_off:
        return become(record, TaskState.BACKOFF, record.reason, record.message)
    return become(record, TaskState.READY)


def _satisfies(shape: PhaseShape, name: str, record: TaskRecord) -> bool:
    if record.state is TaskState.SUCCEEDED:
        return True
    return record.state is TaskState.FAILED and shape.tasks[name].allow_failure


def _finished(shape: PhaseShape, name: str, record: TaskRecord) -> TaskRecord:
    if record.failed and _too_many(shape, name, record):
        return become(record, TaskState.FAILED, record.reason, record.message)
    if record.cancelled:
        return become(record, TaskState.CANCELLED, record.reason, record.message)
    if record.failed:
        text = f"{record.failed.bit_count()} of {record.total} items failed, as maxFailed allows"
        return become(record, TaskState.SUCCEEDED, "", text)
    return become(record, TaskState.SUCCEEDED, "", record.message)


def _late(record: TaskRecord) -> TaskRecord:
    """The task's own deadline has passed: what has not ended has failed."""
    mask = indexes.full(record.total) & ~record.ended_mask
    failed = replace(record, failed=record.failed | mask, open={})
    text = record.message or "activeDeadlineSeconds of the task have passed"
    return become(failed, TaskState.FAILED, DEADLINE, text)


def _halted(record: TaskRecord, halt: str) -> TaskRecord:
    """Nothing new may start: what failed stays failed, what never ran is skipped."""
    if record.failed or record.open:
        mask = record.failed
        for index in record.open:
            mask |= 1 << index
        text = record.message or "no further attempt: the workflow is failing"
        failed = replace(record, failed=mask, open={})
        return become(failed, TaskState.FAILED, record.reason or halt, text)
    if record.ended_mask:
        return become(record, TaskState.CANCELLED, halt, "the rest of its items never ran")
    return become(record, TaskState.SKIPPED, halt, "another task failed first")


def become(
    record: TaskRecord, state: TaskState, reason: str | None = None, message: str | None = None
) -> TaskRecord:
    """Return the record in a state, for a reason; a running task keeps its own if none is given."""
    reason = record.reason if reason is None and state is TaskState.RUNNING else reason or ""
    message = record.message if message is None and state is TaskState.RUNNING else message or ""
    if (record.state, record.reason, record.message) == (state, reason, message):
        return record
    return replace(record, state=state, reason=reason, message=message)
