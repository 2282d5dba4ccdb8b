"""Decides about one phase: what its tasks are, what may start, what must stop or be let go.

    snapshot --fold evidence--> records --orders--> records --settle--> states --> decision

Deciding again after a decision was carried out yields nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ...api.phase import PhaseState, TaskState
from ..attempts.evidence import Attempt
from ..change_status import with_changes
from ..orders import Order, pending, room_for
from ..policy import TaskPolicy
from ..snapshot import Levels, PhaseSnapshot
from . import children, settle
from .checkpoints import within_budget
from .conclude import conclude
from .fold import fold
from .judging import CLOCK_GRAIN, Context, judge, pending_timed_out, timed_out
from .messages import shortened
from .news import news
from .openings import first_record
from .progress import with_progress
from .readiness import Ready, overdue, ready_tasks
from .records import PhaseRecord, TaskRecord
from .resets import apply_orders
from .settle import DEADLINE


@dataclass(frozen=True, slots=True)
class Missing:
    """An attempt that status calls running though no pod of it is known: to be looked up."""

    task: str
    index: int
    number: int


@dataclass(frozen=True, slots=True)
class PhaseDecision:
    """What to do for a phase. `wake_at` is when time alone may change the decision.

    `spawn` names planner tasks whose plan is to be made a Phase. `again` asks for another pass at
    once: this one was getting long.
    """

    record: PhaseRecord
    ready: tuple[Ready, ...] = ()
    stop: tuple[Attempt, ...] = ()
    release: tuple[Attempt, ...] = ()
    missing: tuple[Missing, ...] = ()
    spawn: tuple[str, ...] = ()
    wake_at: datetime | None = None
    again: bool = False


def decide_phase(snapshot: PhaseSnapshot) -> PhaseDecision:
    """Return what to do for a phase, from this snapshot alone."""
    record = _opening(snapshot)
    release = _releasable(snapshot)
    orders = pending(snapshot.orders, record.applied)
    orders = orders[: room_for(snapshot.orders, record.applied)]
    if (snapshot.persisted.ended or record.ended) and not orders:
        return PhaseDecision(record, stop=_left_over(snapshot, record), release=release)
    record = with_changes(record, snapshot.shape, snapshot.now)
    levels = effective_levels(snapshot, record)
    record = replace(record, tasks=_fold_all(snapshot, record, levels))
    if orders:
        record = _with_orders(snapshot, record, orders)
        levels = effective_levels(snapshot, record)
        record = replace(record, tasks=_fold_all(snapshot, record, levels))
    late = overdue(snapshot, record)
    tasks = settle.settle(snapshot.shape, record.tasks, levels, late)
    told = with_progress(within_budget(tasks), snapshot.attempts)
    record = replace(record, tasks=shortened(told))
    record = conclude(snapshot.shape, record, levels, snapshot.now)
    return PhaseDecision(
        record=_with_suspension(snapshot, record, levels),
        ready=ready_tasks(snapshot, record, levels),
        stop=_to_stop(snapshot, record, levels, late),
        release=release,
        missing=_missing(snapshot, record),
        spawn=children.to_create(record.tasks, snapshot.children),
        wake_at=wake_at(snapshot, record),
        again=settle.unfinished(snapshot.shape, record.tasks),
    )


def _with_orders(
    snapshot: PhaseSnapshot, record: PhaseRecord, orders: tuple[Order, ...]
) -> PhaseRecord:
    """Take orders in; a phase that they bring back has all its time again."""
    after = apply_orders(snapshot.shape, record, orders)
    brought_back = record.ended and not after.ended
    return replace(after, started_at=snapshot.now) if brought_back else after


def effective_levels(snapshot: PhaseSnapshot, record: PhaseRecord) -> Levels:
    """Join what holds from outside with the phase's own suspend, deadline and failure."""
    spec, levels = snapshot.shape.spec, snapshot.levels
    deadline = _deadline(snapshot, record.started_at)
    late = deadline is not None and snapshot.now >= deadline
    halted = settle.halted(snapshot.shape, record.tasks, levels)
    stopped = halted if halted and spec.on_failure_running == "Cancel" else ""
    return replace(
        levels,
        hold=levels.hold or ("Suspended" if spec.suspend else ""),
        cancel=levels.cancel or (DEADLINE if late else "") or stopped,
    )


def _deadline(snapshot: PhaseSnapshot, started_at: datetime | None) -> datetime | None:
    seconds = snapshot.shape.spec.active_deadline_seconds
    if seconds is None or started_at is None:
        return None
    return started_at + timedelta(seconds=seconds)


def _opening(snapshot: PhaseSnapshot) -> PhaseRecord:
    """The record before this pass: the last one, or what is persisted with every task in it."""
    shape, persisted = snapshot.shape, snapshot.persisted
    if snapshot.known is not None:
        return snapshot.known
    if persisted.ended:
        return persisted
    if shape.problems:
        first = shape.problems[0]
        return PhaseRecord(
            generation=shape.generation,
            state=PhaseState.REJECTED,
            reason=first.reason,
            message="; ".join(str(p) for p in shape.problems)[:1024],
            finished_at=snapshot.now,
        )
    tasks = {name: persisted.tasks.get(name) or first_record(shape, name) for name in shape.tasks}
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
    late = overdue(snapshot, record)

    contexts: dict[str, Context] = {}

    def context(task: str) -> Context:
        known = contexts.get(task)
        if known is not None and known.output_bytes_left == left:
            return known
        contexts[task] = Context(
            phase=snapshot.shape,
            policy=snapshot.policies[task],
            now=snapshot.now,
            cancel=levels.cancel,
            overdue=DEADLINE if task in late else "",
            output_bytes_left=left,
        )
        return contexts[task]

    for attempt in sorted(news(snapshot.attempts, tasks), key=_by_end):
        before = tasks[attempt.task]
        after = fold(before, attempt, context(attempt.task))
        if after.outputs is not before.outputs:
            left -= before.output_growth(after.outputs[attempt.index])
        tasks[attempt.task] = after
    return children.follow(tasks, snapshot.children, context)


def _by_end(attempt: Attempt) -> tuple[bool, float, str, int, int]:
    """Ended attempts in the order of their end, so that every replica folds alike."""
    at = attempt.finished_at.timestamp() if attempt.finished_at else 0.0
    return (attempt.live, at, attempt.task, attempt.index, attempt.number)


def _releasable(snapshot: PhaseSnapshot) -> tuple[Attempt, ...]:
    """Pods whose end stands in persisted status: their finalizer has done its duty."""
    persisted = snapshot.persisted
    found = []
    for attempt in snapshot.attempts:
        if not attempt.held or not attempt.uid or (attempt.live and not attempt.node_lost):
            continue
        record = persisted.tasks.get(attempt.task)
        if attempt.live:  # its node does not answer: it may have been given up
            policy = _policy(snapshot, attempt, record)
            if policy is None or judge(attempt, policy) is None:
                continue
        recorded = record.recorded(attempt.index) if record else 0
        if persisted.ended or recorded is None or attempt.number <= recorded:
            found.append(attempt)
    return tuple(found)


def _policy(
    snapshot: PhaseSnapshot, attempt: Attempt, record: TaskRecord | None
) -> TaskPolicy | None:
    """Return what holds for an attempt: the policy of the way that its item goes."""
    policy = snapshot.policies.get(attempt.task)
    if policy is None or record is None or not policy.fallbacks:
        return policy
    return policy.of_way(record.way_of(attempt.index))


def _to_stop(
    snapshot: PhaseSnapshot, record: PhaseRecord, levels: Levels, late: frozenset[str]
) -> tuple[Attempt, ...]:
    at = snapshot.now - CLOCK_GRAIN
    found = []
    for attempt in snapshot.attempts:
        if not _can_stop(attempt):
            continue
        task = record.tasks.get(attempt.task)
        policy = _policy(snapshot, attempt, task)
        if task is None or policy is None:
            continue
        if (
            levels.cancel
            or attempt.task in late
            or _is_superseded(attempt, task)
            or timed_out(attempt, policy, at)
            or pending_timed_out(attempt, policy, at)
        ):
            found.append(attempt)
    return tuple(found)


def _left_over(snapshot: PhaseSnapshot, record: PhaseRecord) -> tuple[Attempt, ...]:
    """Attempts that live on although the phase has ended without them."""
    return tuple(
        attempt
        for attempt in snapshot.attempts
        if _can_stop(attempt)
        and attempt.task in record.tasks
        and _is_superseded(attempt, record.tasks[attempt.task])
    )


def _can_stop(attempt: Attempt) -> bool:
    return attempt.live and bool(attempt.uid) and not attempt.deleted_at


def _is_superseded(attempt: Attempt, task: TaskRecord) -> bool:
    """Whether nobody waits for the attempt any more: its task was reset, skipped or marked."""
    recorded = task.recorded(attempt.index)
    return recorded is None or attempt.number <= recorded


def _missing(snapshot: PhaseSnapshot, record: PhaseRecord) -> tuple[Missing, ...]:
    known = {(a.task, a.index, a.number) for a in snapshot.attempts}
    return tuple(
        Missing(name, index, item.attempt)
        for name, task in record.tasks.items()
        if not task.ended
        for index, item in task.open.items()
        if item.state is TaskState.RUNNING
        and item.attempt > item.recorded
        and (name, index, item.attempt) not in known
    )


def wake_at(snapshot: PhaseSnapshot, record: PhaseRecord) -> datetime | None:
    """Return when time alone may change what is decided; None for never."""
    if record.ended:
        return None
    times = [t for t in (_deadline(snapshot, record.started_at),) if t]
    for task in record.tasks.values():
        times += [i.not_before for i in task.open.values() if i.not_before]
    for name, seconds in snapshot.shape.deadlines.items():
        task = record.tasks[name]
        if task.started_at and not task.ended:
            times.append(task.started_at + timedelta(seconds=seconds))
    for attempt in snapshot.attempts:
        if attempt.live:
            times += _attempt_times(
                attempt, _policy(snapshot, attempt, record.tasks.get(attempt.task))
            )
    return min((t for t in times if t > snapshot.now), default=None)


def _attempt_times(attempt: Attempt, policy: TaskPolicy | None) -> list[datetime]:
    if policy is None or attempt.deleted_at:
        return []
    if attempt.started_at and policy.timeout is not None:
        return [attempt.started_at + timedelta(seconds=policy.timeout) + CLOCK_GRAIN]
    if attempt.created_at and not attempt.started_at and policy.pending_timeout is not None:
        return [attempt.created_at + timedelta(seconds=policy.pending_timeout) + CLOCK_GRAIN]
    return []


def _with_suspension(snapshot: PhaseSnapshot, record: PhaseRecord, levels: Levels) -> PhaseRecord:
    suspended = bool(levels.hold) and not record.ended
    if suspended == record.suspended:
        return record
    return replace(record, suspended=suspended, suspended_changed_at=snapshot.now)
