"""Decides about one phase: what its tasks are, what may start, what must stop or be let go.

    snapshot --fold evidence--> records --settle--> states --> decision

Deciding again after a decision was carried out yields nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..api.phase import PhaseState, TaskState
from . import settle
from .evidence import Attempt
from .fold import CLOCK_GRAIN, Context, fold, judge, pending_timed_out, timed_out
from .records import Item, PhaseRecord, TaskRecord
from .snapshot import Levels, PhaseSnapshot

DEADLINE = "DeadlineExceeded"


@dataclass(frozen=True, slots=True)
class Ready:
    """A task of which `startable` items may start now if the limits allow; lowest index first."""

    task: str
    agent: str
    startable: int
    path: float
    since: datetime


@dataclass(frozen=True, slots=True)
class Missing:
    """An attempt that status calls running though no pod of it is known: to be looked up."""

    task: str
    index: int
    number: int


@dataclass(frozen=True, slots=True)
class PhaseDecision:
    """What to do for a phase. `wake_at` is when time alone may change the decision."""

    record: PhaseRecord
    ready: tuple[Ready, ...] = ()
    stop: tuple[Attempt, ...] = ()
    release: tuple[Attempt, ...] = ()
    missing: tuple[Missing, ...] = ()
    wake_at: datetime | None = None


def decide_phase(snapshot: PhaseSnapshot) -> PhaseDecision:
    """Return what to do for a phase, from this snapshot alone."""
    levels = effective_levels(snapshot)
    record = _opening(snapshot)
    release = _releasable(snapshot)
    if snapshot.persisted.ended or record.ended:
        return PhaseDecision(record, release=release)
    record = replace(record, tasks=_fold_all(snapshot, record, levels))
    record = replace(record, tasks=settle.settle(snapshot.shape, record.tasks, levels))
    record = settle.conclude(snapshot.shape, record, levels, snapshot.now)
    live = tuple(a for a in snapshot.attempts if a.live)
    return PhaseDecision(
        record=_with_suspension(snapshot, record, levels),
        ready=_ready(snapshot, record, levels),
        stop=_to_stop(snapshot, live, levels),
        release=release,
        missing=_missing(snapshot, record),
        wake_at=_wake_at(snapshot, record, live),
    )


def effective_levels(snapshot: PhaseSnapshot) -> Levels:
    """Join what holds from outside with the phase's own suspend and deadline."""
    spec, levels = snapshot.shape.spec, snapshot.levels
    deadline = _deadline(snapshot, snapshot.persisted.started_at)
    late = deadline is not None and snapshot.now >= deadline
    return replace(
        levels,
        suspend=levels.suspend or spec.suspend,
        cancel=levels.cancel or (DEADLINE if late else ""),
    )


def _deadline(snapshot: PhaseSnapshot, started_at: datetime | None) -> datetime | None:
    seconds = snapshot.shape.spec.active_deadline_seconds
    if seconds is None or started_at is None:
        return None
    return started_at + timedelta(seconds=seconds)


def _opening(snapshot: PhaseSnapshot) -> PhaseRecord:
    """The record before this pass: the last one, or what is persisted with every task in it."""
    shape, persisted = snapshot.shape, snapshot.persisted
    if persisted.ended:
        return persisted
    if snapshot.known is not None:
        return snapshot.known
    if shape.problems:
        first = shape.problems[0]
        return PhaseRecord(
            generation=shape.generation,
            state=PhaseState.REJECTED,
            reason=first.reason,
            message="; ".join(str(p) for p in shape.problems)[:1024],
            finished_at=snapshot.now,
        )
    tasks = {
        name: persisted.tasks.get(name)
        or TaskRecord(total=task.count or 1, fan_out=task.count is not None)
        for name, task in shape.tasks.items()
    }
    return replace(
        persisted,
        generation=shape.generation,
        started_at=persisted.started_at or snapshot.now,
        tasks=tasks,
    )


def _fold_all(
    snapshot: PhaseSnapshot, record: PhaseRecord, levels: Levels
) -> dict[str, TaskRecord]:
    tasks = dict(record.tasks)
    left = settle.output_budget(record)
    for attempt in sorted(snapshot.attempts, key=_by_end):
        before = tasks.get(attempt.task)
        if before is None:
            continue
        context = Context(
            phase_uid=snapshot.shape.uid,
            policy=snapshot.policies[attempt.task],
            now=snapshot.now,
            cancel=levels.cancel,
            output_bytes_left=left,
        )
        after = fold(before, attempt, context)
        if after.outputs is not before.outputs:
            left -= before.output_growth(after.outputs[attempt.index])
        tasks[attempt.task] = after
    return tasks


def _by_end(attempt: Attempt) -> tuple[bool, float, str, int, int]:
    """Ended attempts in the order of their end, so that every replica folds alike."""
    at = attempt.finished_at.timestamp() if attempt.finished_at else 0.0
    return (attempt.live, at, attempt.task, attempt.index, attempt.number)


def _releasable(snapshot: PhaseSnapshot) -> tuple[Attempt, ...]:
    """Pods whose end stands in persisted status: their finalizer has done its duty."""
    persisted = snapshot.persisted
    found = []
    for attempt in snapshot.attempts:
        if not attempt.held or not attempt.uid:
            continue
        record = persisted.tasks.get(attempt.task)
        recorded = record.recorded(attempt.index) if record else 0
        policy = snapshot.policies.get(attempt.task)
        ended = judge(attempt, policy) if policy else attempt.outcome
        if ended is None:
            continue
        if persisted.ended or recorded is None or attempt.number <= recorded:
            found.append(attempt)
    return tuple(found)


def _ready(snapshot: PhaseSnapshot, record: PhaseRecord, levels: Levels) -> tuple[Ready, ...]:
    if levels.suspend or levels.cancel or record.ended:
        return ()
    if settle.halted(snapshot.shape, record.tasks, levels):
        return ()
    found = []
    for name, task in record.tasks.items():
        if task.ended or task.state is TaskState.WAITING:
            continue
        startable = startable_mask(snapshot, name, task).bit_count()
        if startable:
            since = task.started_at or record.started_at or snapshot.now
            path = snapshot.shape.paths.get(name, 1.0)
            agent = snapshot.shape.tasks[name].agent
            found.append(Ready(name, agent, startable, path, since))
    return tuple(found)


def startable_mask(snapshot: PhaseSnapshot, name: str, task: TaskRecord) -> int:
    """Return the items that may start: untried ones, and failed ones whose pause is over.

    A failed item starts again only after its failure stands in persisted status.
    """
    mask = task.untried_mask
    if not task.open:
        return mask
    persisted = snapshot.persisted.tasks.get(name) or TaskRecord()
    for index, item in task.open.items():
        if item.state is TaskState.BACKOFF and _pause_over(item, snapshot.now):
            known = persisted.open.get(index)
            if known is not None and known.recorded >= item.recorded:
                mask |= 1 << index
    return mask


def _pause_over(item: Item, now: datetime) -> bool:
    return item.not_before is None or now >= item.not_before


def _to_stop(
    snapshot: PhaseSnapshot, live: tuple[Attempt, ...], levels: Levels
) -> tuple[Attempt, ...]:
    at = snapshot.now - CLOCK_GRAIN
    return tuple(
        attempt
        for attempt in live
        if attempt.uid
        and not attempt.deleted_at
        and attempt.task in snapshot.policies
        and (
            levels.cancel
            or timed_out(attempt, snapshot.policies[attempt.task], at)
            or pending_timed_out(attempt, snapshot.policies[attempt.task], at)
        )
    )


def _missing(snapshot: PhaseSnapshot, record: PhaseRecord) -> tuple[Missing, ...]:
    known = {(a.task, a.index, a.number) for a in snapshot.attempts}
    return tuple(
        Missing(name, index, item.attempt)
        for name, task in record.tasks.items()
        if not task.ended
        for index, item in task.open.items()
        if item.state is TaskState.RUNNING and (name, index, item.attempt) not in known
    )


def _wake_at(
    snapshot: PhaseSnapshot, record: PhaseRecord, live: tuple[Attempt, ...]
) -> datetime | None:
    if record.ended:
        return None
    times = [t for t in (_deadline(snapshot, record.started_at),) if t]
    for task in record.tasks.values():
        times += [i.not_before for i in task.open.values() if i.not_before]
    for attempt in live:
        times += _attempt_times(snapshot, attempt)
    return min((t for t in times if t > snapshot.now), default=None)


def _attempt_times(snapshot: PhaseSnapshot, attempt: Attempt) -> list[datetime]:
    policy = snapshot.policies.get(attempt.task)
    if policy is None or attempt.deleted_at:
        return []
    if attempt.started_at and policy.timeout is not None:
        return [attempt.started_at + timedelta(seconds=policy.timeout) + CLOCK_GRAIN]
    if attempt.created_at and not attempt.started_at and policy.pending_timeout is not None:
        return [attempt.created_at + timedelta(seconds=policy.pending_timeout) + CLOCK_GRAIN]
    return []


def _with_suspension(snapshot: PhaseSnapshot, record: PhaseRecord, levels: Levels) -> PhaseRecord:
    suspended = levels.suspend and not record.ended
    if suspended == record.suspended:
        return record
    return replace(record, suspended=suspended, suspended_changed_at=snapshot.now)
