"""Which attempts must stop, and which pods may be let go."""

from __future__ import annotations

from collections.abc import Iterable

from ..attempts.evidence import Attempt
from ..snapshot import Levels, PhaseSnapshot
from .attention import Look, is_left_behind, is_recorded, policy_for
from .judging import CLOCK_GRAIN, judge, pending_timed_out, timed_out
from .records import PhaseRecord


def releasable(snapshot: PhaseSnapshot, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Return the pods whose end stands in persisted status: their finalizer has done its duty."""
    return tuple(attempt for attempt in attempts if _is_releasable(snapshot, attempt))


def to_stop(
    snapshot: PhaseSnapshot,
    record: PhaseRecord,
    levels: Levels,
    looked: Look,
    late: frozenset[str],
) -> tuple[Attempt, ...]:
    """Return the attempts that must stop; `late` names the tasks whose deadline has passed."""
    all_of = {name for name in late if not record.tasks[name].ended}
    everything = bool(levels.cancel or all_of)
    return tuple(
        attempt
        for attempt in (snapshot.attempts if everything else looked.attempts)
        if can_stop(attempt) and _must_stop(snapshot, record, levels, attempt, late)
    )


def left_over(snapshot: PhaseSnapshot, record: PhaseRecord) -> tuple[Attempt, ...]:
    """Return the attempts that live on although the phase has ended without them."""
    return tuple(
        attempt
        for attempt in snapshot.attempts
        if can_stop(attempt)
        and attempt.task in record.tasks
        and is_left_behind(record.tasks[attempt.task], attempt)
    )


def can_stop(attempt: Attempt) -> bool:
    """Whether there is something to stop, and nobody has asked for it yet."""
    return attempt.live and bool(attempt.uid) and not attempt.deleted_at


def _is_releasable(snapshot: PhaseSnapshot, attempt: Attempt) -> bool:
    if not attempt.held or not attempt.uid or (attempt.live and not attempt.node_lost):
        return False
    persisted = snapshot.persisted
    if attempt.live:  # its node does not answer: it may have been given up
        policy = policy_for(snapshot, attempt, persisted.tasks.get(attempt.task))
        if policy is None or judge(attempt, policy) is None:
            return False
    return is_recorded(persisted, attempt)


def _must_stop(
    snapshot: PhaseSnapshot,
    record: PhaseRecord,
    levels: Levels,
    attempt: Attempt,
    late: frozenset[str],
) -> bool:
    task = record.tasks.get(attempt.task)
    policy = policy_for(snapshot, attempt, task)
    if task is None or policy is None:
        return False
    at = snapshot.now - CLOCK_GRAIN
    return (
        bool(levels.cancel)
        or attempt.task in late
        or is_left_behind(task, attempt)
        or timed_out(attempt, policy, at)
        or pending_timed_out(attempt, policy, at)
    )
