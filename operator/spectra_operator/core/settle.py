"""Turns folded records into states: what waits, what is ready, what never will run, what is over.

| a task with no live attempt, and ...                         | becomes                        |
|--------------------------------------------------------------|--------------------------------|
| all items ended, none failed                                 | Succeeded (Cancelled if stopped)|
| all items ended, one failed                                  | Failed                         |
| everything is being stopped                                  | Cancelled                      |
| nothing new may start (a task failed and the policy is Fail) | Skipped if untried, else ended |
| a predecessor failed, was skipped or cancelled               | Skipped `DependencyFailed`     |
| a predecessor has not ended                                  | Waiting                        |
| its pause after a failure is not over                        | Backoff                        |
| otherwise                                                    | Ready                          |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from ..api.constants import MAX_OUTPUT_BYTES
from ..api.phase import PhaseState, TaskState
from . import indexes
from .records import PhaseRecord, TaskRecord
from .snapshot import Levels, PhaseShape

FAILING = "WorkflowFailing"
DEPENDENCY_FAILED = "DependencyFailed"
_NAMED = 5


def output_budget(record: PhaseRecord) -> int:
    """Bytes of outputs that the phase's status may still take."""
    return MAX_OUTPUT_BYTES - sum(task.output_bytes() for task in record.tasks.values())


def halted(shape: PhaseShape, tasks: Mapping[str, TaskRecord], levels: Levels) -> str:
    """Return why nothing new may start, from outside or within the phase; empty for nothing."""
    return levels.halt or (FAILING if shape.fails_fast and _broken(shape, tasks) else "")


def settle(
    shape: PhaseShape, tasks: Mapping[str, TaskRecord], levels: Levels
) -> dict[str, TaskRecord]:
    """Return every task with its state."""
    levels = replace(levels, halt=halted(shape, tasks, levels))
    settled: dict[str, TaskRecord] = {}
    over = _Over()
    for position, name in enumerate(shape.graph.order):
        record = tasks[name]
        if not record.ended:
            record = _state(shape, name, record, over, levels)
        settled[name] = record
        if record.ended:
            over.ended |= 1 << position
            if _satisfies(shape, name, record):
                over.satisfied |= 1 << position
    return {name: settled[name] for name in tasks}


@dataclass(slots=True)
class _Over:
    """Tasks that have ended, and those of them that let their dependents start.

    Sets of positions in the graph's order: asking of a thousand predecessors whether all have
    ended is one operation.
    """

    ended: int = 0
    satisfied: int = 0


def _broken(shape: PhaseShape, tasks: Mapping[str, TaskRecord]) -> bool:
    """Whether a task failed that the phase does not tolerate."""
    return any(r.failed and not shape.tasks[n].allow_failure for n, r in tasks.items())


def _state(
    shape: PhaseShape,
    name: str,
    record: TaskRecord,
    over: _Over,
    levels: Levels,
) -> TaskRecord:
    if record.running_mask:
        quiet = record.fan_out and not record.failures and not record.losses
        return _become(record, TaskState.RUNNING, *(("", "") if quiet else ()))
    if record.ended_mask.bit_count() == record.total:
        return _finished(record)
    if levels.cancel:
        return _become(record, TaskState.CANCELLED, levels.cancel, "stopped before it could end")
    if levels.halt:
        return _halted(record, levels.halt)
    if record.ended_mask or record.open:
        return _ready_or_backoff(record)
    return _untried(shape, name, record, over)


def _untried(shape: PhaseShape, name: str, record: TaskRecord, over: _Over) -> TaskRecord:
    parents = shape.graph.parent_masks[name]
    bad = parents & over.ended & ~over.satisfied
    if bad:
        text = f"{_names(shape, bad)} did not succeed"
        return _become(record, TaskState.SKIPPED, DEPENDENCY_FAILED, text)
    waits = parents & ~over.ended
    if waits:
        return _become(record, TaskState.WAITING, "", f"for {_names(shape, waits)}")
    return _become(record, TaskState.READY)


def _names(shape: PhaseShape, mask: int) -> str:
    """Name the first few tasks of a set, and how many more there are."""
    first = [shape.graph.order[i] for i in islice(indexes.iterate(mask), _NAMED)]
    more = mask.bit_count() - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _ready_or_backoff(record: TaskRecord) -> TaskRecord:
    backing_off = record.open and not record.untried_mask
    if backing_off:
        return _become(record, TaskState.BACKOFF, record.reason, record.message)
    return _become(record, TaskState.READY)


def _satisfies(shape: PhaseShape, name: str, record: TaskRecord) -> bool:
    if record.state is TaskState.SUCCEEDED:
        return True
    return record.state is TaskState.FAILED and shape.tasks[name].allow_failure


def _finished(record: TaskRecord) -> TaskRecord:
    if record.failed:
        return _become(record, TaskState.FAILED, record.reason, record.message)
    if record.cancelled:
        return _become(record, TaskState.CANCELLED, record.reason, record.message)
    return _become(record, TaskState.SUCCEEDED, "", record.message)


def _halted(record: TaskRecord, halt: str) -> TaskRecord:
    """Nothing new may start: what failed stays failed, what never ran is skipped."""
    if record.failed or record.open:
        mask = record.failed
        for index in record.open:
            mask |= 1 << index
        text = record.message or "no further attempt: the workflow is failing"
        failed = replace(record, failed=mask, open={})
        return _become(failed, TaskState.FAILED, record.reason or halt, text)
    if record.ended_mask:
        return _become(record, TaskState.CANCELLED, halt, "the rest of its items never ran")
    return _become(record, TaskState.SKIPPED, halt, "another task failed first")


def _become(
    record: TaskRecord, state: TaskState, reason: str | None = None, message: str | None = None
) -> TaskRecord:
    reason = record.reason if reason is None and state is TaskState.RUNNING else reason or ""
    message = record.message if message is None and state is TaskState.RUNNING else message or ""
    if (record.state, record.reason, record.message) == (state, reason, message):
        return record
    return replace(record, state=state, reason=reason, message=message)


def conclude(shape: PhaseShape, record: PhaseRecord, levels: Levels, now: datetime) -> PhaseRecord:
    """Return the phase with its state; the end comes when every task has ended."""
    tasks = record.tasks.values()
    if not all(task.ended for task in tasks):
        return _going_on(record, levels)
    ended = max((t.finished_at for t in tasks if t.finished_at), default=now)
    record = replace(record, finished_at=ended)
    failed = [
        n
        for n, t in record.tasks.items()
        if t.state is TaskState.FAILED and not shape.tasks[n].allow_failure
    ]
    stopped = [t for t in tasks if t.state in (TaskState.SKIPPED, TaskState.CANCELLED)]
    if levels.cancel and stopped:
        text = "stopped before all tasks were done"
        return replace(record, state=PhaseState.FAILED, reason=levels.cancel, message=text)
    if failed:
        first = record.tasks[failed[0]]
        text = f"task {failed[0]} failed: {first.reason}: {first.message}"[:1024]
        return replace(record, state=PhaseState.FAILED, reason="TaskFailed", message=text)
    if stopped:
        text = "another phase failed first" if levels.halt else stopped[0].message
        reason = levels.halt or stopped[0].reason
        return replace(record, state=PhaseState.CANCELLED, reason=reason, message=text)
    return replace(record, state=PhaseState.SUCCEEDED, reason="", message="")


def _going_on(record: PhaseRecord, levels: Levels) -> PhaseRecord:
    begun = any(task.open or task.ended for task in record.tasks.values())
    state = PhaseState.RUNNING if begun else PhaseState.READY
    if levels.suspend:
        return replace(record, state=state, reason="Suspended", message="spec.suspend is true")
    failing = [n for n, t in record.tasks.items() if t.failed and t.reason]
    if failing and any(t.state is TaskState.SKIPPED for t in record.tasks.values()):
        text = f"task {failing[0]} failed; what runs is finishing"
        return replace(record, state=state, reason=FAILING, message=text)
    return replace(record, state=state, reason="", message="")


def with_blocked(
    record: PhaseRecord, blocked: Mapping[str, tuple[str, str]], levels: Levels
) -> PhaseRecord:
    """Return the phase with the reason why each ready task or item waits, by task."""
    tasks = dict(record.tasks)
    for name, task in record.tasks.items():
        why = blocked.get(name)
        if task.state is TaskState.READY and why is None and levels.suspend:
            why = ("Suspended", "spec.suspend is true")
        if why and task.state in (TaskState.READY, TaskState.BACKOFF):
            tasks[name] = _become(task, TaskState.READY, *why)
        elif why and task.state is TaskState.RUNNING:  # some items of a fan-out wait
            tasks[name] = _become(task, TaskState.RUNNING, *why)
    return _waiting(replace(record, tasks=tasks))


def _waiting(record: PhaseRecord) -> PhaseRecord:
    """Return the phase with the reason of its first waiting task, if nothing in it runs."""
    if record.ended or record.reason or record.tally().running:
        return record
    for name, task in record.tasks.items():
        if task.state is TaskState.READY and task.reason:
            text = f"task {name}: {task.message}"[:1024]
            return replace(record, reason=task.reason, message=text)
    return record
