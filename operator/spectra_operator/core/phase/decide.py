"""Decides about one phase: what its tasks are, what may start, what must stop or be let go.

    snapshot --fold evidence--> records --orders--> records --settle--> states --> decision

Deciding again after a decision was carried out yields nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ...api.phase import PhaseState
from ..attempts.evidence import Attempt
from ..change_status import with_changes
from ..orders import Order, pending, room_for
from ..snapshot import SUSPENDED, Levels, PhaseSnapshot
from . import children, settle
from .attention import Look, attention, look, missing
from .checkpoints import within_budget
from .conclude import conclude
from .departures import left_over, releasable, to_stop
from .fold import fold
from .glance import Attention, Missing
from .judging import Context
from .messages import shortened
from .news import news
from .openings import first_record
from .progress import with_progress
from .readiness import Ready, overdue, ready_tasks
from .records import PhaseRecord, TaskRecord
from .resets import apply_orders
from .settle import DEADLINE


@dataclass(frozen=True, slots=True)
class PhaseDecision:
    """What to do for a phase. `wake_at` is when time alone may change the decision.

    `spawn` names planner tasks whose plan is to be made a Phase. `again` asks for another pass at
    once: this one was getting long. `attention` is for the next decision; None: it looks at all.
    """

    record: PhaseRecord
    ready: tuple[Ready, ...] = ()
    stop: tuple[Attempt, ...] = ()
    release: tuple[Attempt, ...] = ()
    missing: tuple[Missing, ...] = ()
    spawn: tuple[str, ...] = ()
    wake_at: datetime | None = None
    again: bool = False
    attention: Attention | None = None


def decide_phase(snapshot: PhaseSnapshot) -> PhaseDecision:
    """Return what to do for a phase, from this snapshot alone."""
    record = _opening(snapshot)
    orders = pending(snapshot.orders, record.applied)
    orders = orders[: room_for(snapshot.orders, record.applied)]
    looked = look(snapshot, record, ordered=bool(orders))
    release = releasable(snapshot, looked.attempts)
    if (snapshot.persisted.ended or record.ended) and not orders:
        return PhaseDecision(record, stop=left_over(snapshot, record), release=release)
    record = with_changes(record, snapshot.shape, snapshot.now)
    levels = effective_levels(snapshot, record)
    record = replace(record, tasks=_fold_all(snapshot, looked, record, levels))
    if orders:
        record = _with_orders(snapshot, record, orders)
        levels = effective_levels(snapshot, record)
        record = replace(record, tasks=_fold_all(snapshot, looked, record, levels))
    late = overdue(snapshot, record)
    tasks = settle.settle(snapshot.shape, record.tasks, levels, late)
    told = with_progress(within_budget(tasks), looked.attempts)
    record = replace(record, tasks=shortened(told))
    record = conclude(snapshot.shape, record, levels, snapshot.now)
    record = _with_suspension(snapshot, record, levels)
    stop = to_stop(snapshot, record, levels, looked, late)
    lost = missing(snapshot, record, looked)
    watch = attention(snapshot, record, looked, stop, lost)
    return PhaseDecision(
        record=record,
        ready=ready_tasks(snapshot, record, levels),
        stop=stop,
        release=release,
        missing=lost,
        spawn=children.to_create(record.tasks, snapshot.children),
        wake_at=wake_at(snapshot, record, watch.limit_at),
        again=settle.unfinished(snapshot.shape, record.tasks),
        attention=watch,
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
        hold=levels.hold or (SUSPENDED if spec.suspend else ""),
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
    snapshot: PhaseSnapshot, looked: Look, record: PhaseRecord, levels: Levels
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

    for attempt in sorted(news(looked.attempts, tasks), key=_by_end):
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


def wake_at(
    snapshot: PhaseSnapshot, record: PhaseRecord, limit_at: datetime | None
) -> datetime | None:
    """Return when time alone may change what is decided; None for never.

    `limit_at` is when the first attempt passes a time limit.
    """
    if record.ended:
        return None
    times = [t for t in (_deadline(snapshot, record.started_at), limit_at) if t]
    for task in record.tasks.values():
        times += [item.not_before for _, item in task.pausing() if item.not_before]
    for name, seconds in snapshot.shape.deadlines.items():
        task = record.tasks[name]
        if task.started_at and not task.ended:
            times.append(task.started_at + timedelta(seconds=seconds))
    return min((t for t in times if t > snapshot.now), default=None)


def _with_suspension(snapshot: PhaseSnapshot, record: PhaseRecord, levels: Levels) -> PhaseRecord:
    suspended = bool(levels.hold) and not record.ended
    if suspended == record.suspended:
        return record
    return replace(record, suspended=suspended, suspended_changed_at=snapshot.now)
