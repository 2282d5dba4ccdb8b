"""What the phase comes to, once its tasks have their states; and why its ready tasks wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ...api.phase import PhaseState, TaskState
from ..snapshot import Levels, PhaseShape
from .records import PhaseRecord, TaskRecord
from .settle import FAILING, become, failed_for_good, is_benign

PLAN_DROPPED = "PlanDropped"
"""Reason of a cancel of what carries out a plan that its planner no longer waits for."""
GATE_DROPPED = "GateDropped"
"""Reason of a cancel of what tries a revision that is not under way any more."""
CANCELLED_BY = frozenset({"Cancelled", "Terminated", PLAN_DROPPED, GATE_DROPPED})
"""Reasons of a cancel that is nobody's failure; a deadline is one."""
HELD = {"Suspended": "spec.suspend is true"}
"""What a hold means in words."""


def conclude(shape: PhaseShape, record: PhaseRecord, levels: Levels, now: datetime) -> PhaseRecord:
    """Return the phase with its state; the end comes when every task has ended."""
    tasks = record.tasks.values()
    if not all(task.ended for task in tasks):
        return _going_on(record, levels)
    ended = max((t.finished_at for t in tasks if t.finished_at), default=now)
    record = replace(record, finished_at=ended)
    failed = [n for n, t in record.tasks.items() if failed_for_good(shape, n, t)]
    stopped = [t for t in tasks if _was_stopped(t)]
    if levels.cancel and levels.cancel != FAILING and stopped:
        state = PhaseState.CANCELLED if levels.cancel in CANCELLED_BY else PhaseState.FAILED
        text = "stopped before all tasks were done"
        return replace(record, state=state, reason=levels.cancel, message=text)
    if failed:
        first = record.tasks[failed[0]]
        text = f"task {failed[0]} failed: {first.reason}: {first.message}"[:1024]
        return replace(record, state=PhaseState.FAILED, reason="TaskFailed", message=text)
    if stopped:
        text = "another phase failed first" if levels.halt else stopped[0].message
        reason = levels.halt or stopped[0].reason
        return replace(record, state=PhaseState.CANCELLED, reason=reason, message=text)
    return replace(record, state=PhaseState.SUCCEEDED, reason="", message="")


def _was_stopped(task: TaskRecord) -> bool:
    return task.state is TaskState.CANCELLED or (
        task.state is TaskState.SKIPPED and not is_benign(task)
    )


def _going_on(record: PhaseRecord, levels: Levels) -> PhaseRecord:
    begun = any(task.open or task.ended for task in record.tasks.values())
    state = PhaseState.RUNNING if begun else PhaseState.READY
    if levels.hold:
        text = HELD.get(levels.hold, levels.hold)
        return replace(record, state=state, reason=levels.hold, message=text)
    failing = [n for n, t in record.tasks.items() if t.failed and t.reason]
    if failing and any(_was_stopped(t) for t in record.tasks.values()):
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
        if task.state is TaskState.READY and why is None and levels.hold:
            why = (levels.hold, HELD.get(levels.hold, levels.hold))
        if why and task.state in (TaskState.READY, TaskState.BACKOFF):
            tasks[name] = become(task, TaskState.READY, *why)
        elif why and task.state is TaskState.RUNNING:  # some items of a fan-out wait
            tasks[name] = become(task, TaskState.RUNNING, *why)
    return _waiting(replace(record, tasks=tasks))


def _waiting(record: PhaseRecord) -> PhaseRecord:
    """Return the phase with the reason of its first waiting task, if nothing in it runs."""
    if record.ended or record.reason:
        return record
    for name, task in record.tasks.items():
        if task.state is TaskState.READY and task.reason:
            if record.tally().running:
                return record
            text = f"task {name}: {task.message}"[:1024]
            return replace(record, reason=task.reason, message=text)
    return record
