"""What a decision becomes when attempts were started on it, without deciding about all tasks anew.

A start changes the tasks of its attempts alone: others depend on what has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..attempts.evidence import Attempt
from ..snapshot import PhaseShape, PhaseSnapshot
from .attention import earliest_limit
from .conclude import conclude
from .decide import PhaseDecision, wake_at
from .fold import fold
from .judging import Context
from .openings import first_record
from .readiness import ready_tasks
from .records import PhaseRecord
from .settle import with_running


def begun(
    snapshot: PhaseSnapshot, decision: PhaseDecision, started: Sequence[Attempt]
) -> PhaseDecision:
    """Return what deciding again would give.

    Args:
        snapshot: What the decision was made from.
        decision: One with tasks that were ready.
        started: Live attempts of items that were startable by it; they count as changed since.
    """
    tasks = dict(decision.record.tasks)
    for attempt in started:
        name = attempt.task
        context = Context(snapshot.shape, snapshot.policies[name], snapshot.now)
        tasks[name] = with_running(fold(tasks[name], attempt, context))
    record = replace(decision.record, tasks=tasks)
    record = conclude(snapshot.shape, record, snapshot.levels, snapshot.now)
    watch = decision.attention
    limit_at = earliest_limit(snapshot, record, started, watch.limit_at if watch else None)
    return replace(
        decision,
        record=record,
        ready=ready_tasks(snapshot, record, snapshot.levels),
        wake_at=wake_at(snapshot, record, limit_at),
        attention=watch and replace(watch, record=record, limit_at=limit_at),
    )


def never_begun(
    shape: PhaseShape, known: PhaseRecord | None, task: str, number: int
) -> PhaseRecord | None:
    """Return what is known of a phase without an attempt that never came to be.

    None: only what is proven tells, so the next decision begins from that. A single task's first
    attempt can be taken out without it: what else is known may have no proof any more.
    """
    record = known.tasks.get(task) if known else None
    if known is None or record is None or record.ended:
        return known
    if record.fan_out or number > 1 or record.recorded(0):
        return None
    return replace(known, tasks={**known.tasks, task: first_record(shape, task)})
