"""Which attempts a pass looks at: those that changed since the last one, and those without rest.

Of a wide fan-out nearly all rest: their record says that they run, they do, and nobody wants them
gone; or it says that they have ended, and status is not written yet. A pass costs what has changed
then, not what is under way. It looks at all of them

| when                                                  | because                             |
|-------------------------------------------------------|-------------------------------------|
| it does not go on from the last pass's record         | nothing is known of any             |
| a policy changed, or an order is carried out          | any of them may be concerned        |
| a time limit of one that rests has passed             | that one must be found              |
| an attempt shows that others were before it, unseen   | what was current may not be any more|
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...api.phase import TaskState
from ..attempts.evidence import Attempt
from ..policy import TaskPolicy
from ..snapshot import PhaseSnapshot
from .glance import Attention, Glance, Missing
from .judging import CLOCK_GRAIN
from .records import PhaseRecord, TaskRecord


@dataclass(frozen=True, slots=True)
class Look:
    """The attempts that a pass looks at; `glance` is what it rests on, None for all of them."""

    attempts: Iterable[Attempt]
    glance: Glance | None = None


def look(snapshot: PhaseSnapshot, record: PhaseRecord, *, ordered: bool) -> Look:
    """Return what to look at for a decision that begins with a record."""
    glance = snapshot.glance
    if ordered or glance is None or not _holds(snapshot, glance.attention):
        return Look(snapshot.attempts)
    if any(_leaves_a_gap(record, attempt) for attempt in glance.seen):
        return Look(snapshot.attempts)
    return Look(glance.seen, glance)


def attention(
    snapshot: PhaseSnapshot,
    record: PhaseRecord,
    looked: Look,
    stop: Iterable[Attempt],
    lost: tuple[Missing, ...],
) -> Attention:
    """Return what the next pass must look at, after one that looked at these attempts."""
    others = looked.glance.attention.limit_at if looked.glance else None
    restless = {a.pod for a in stop}
    unwritten = _still_unwritten(snapshot, looked)
    for attempt in looked.attempts:
        if not attempt.live and is_recorded(record, attempt):
            written = is_recorded(snapshot.persisted, attempt)
            (restless if written else unwritten).add(attempt.pod)
        elif not _rests(record, attempt):
            restless.add(attempt.pod)
    return Attention(
        record=record,
        policies=snapshot.policies,
        persisted=snapshot.persisted,
        restless=frozenset(restless),
        unwritten=frozenset(unwritten),
        missing=lost,
        limit_at=earliest_limit(snapshot, record, looked.attempts, others),
    )


def missing(snapshot: PhaseSnapshot, record: PhaseRecord, looked: Look) -> tuple[Missing, ...]:
    """Return the attempts that are called running and that nothing is seen of."""
    if looked.glance is None:
        called = tuple(_called_running(record))
    else:
        gone = (Missing(a.task, a.index, a.number) for a in looked.glance.gone)
        doubtful = dict.fromkeys((*looked.glance.attention.missing, *gone))
        called = tuple(each for each in doubtful if _is_called_running(record, each))
    if not called:
        return ()
    known = {(a.task, a.index, a.number) for a in snapshot.attempts}
    return tuple(each for each in called if (each.task, each.index, each.number) not in known)


def earliest_limit(
    snapshot: PhaseSnapshot,
    record: PhaseRecord,
    attempts: Iterable[Attempt],
    others: datetime | None,
) -> datetime | None:
    """Return when the first attempt passes a time limit; None for never.

    `others` is when the first of those does that are not among these.
    """
    times = [others] if others else []
    for attempt in attempts:
        if attempt.live:
            policy = policy_for(snapshot, attempt, record.tasks.get(attempt.task))
            times += _limits(attempt, policy)
    return min((t for t in times if t > snapshot.now), default=None)


def policy_for(
    snapshot: PhaseSnapshot, attempt: Attempt, record: TaskRecord | None
) -> TaskPolicy | None:
    """Return what holds for an attempt: the policy of the way that its item goes."""
    policy = snapshot.policies.get(attempt.task)
    if policy is None or record is None or not policy.fallbacks:
        return policy
    return policy.of_way(record.way_of(attempt.index))


def _still_unwritten(snapshot: PhaseSnapshot, looked: Look) -> set[str]:
    """Return what waited for status to be written, and was not looked at as it was not."""
    if looked.glance is None:
        return set()
    glance, before = looked.glance, looked.glance.attention
    if before.persisted is not snapshot.persisted:
        return set()
    return set(before.unwritten).difference(a.pod for a in (*glance.seen, *glance.gone))


def is_recorded(record: PhaseRecord, attempt: Attempt) -> bool:
    """Whether a phase's record has the end of an attempt, or waits for it no more."""
    task = record.tasks.get(attempt.task)
    return record.ended or (task is not None and is_left_behind(task, attempt))


def is_left_behind(task: TaskRecord, attempt: Attempt) -> bool:
    """Whether a task's record has the end of an attempt, or waits for it no more."""
    recorded = task.recorded(attempt.index)
    return recorded is None or attempt.number <= recorded


def _holds(snapshot: PhaseSnapshot, known: Attention) -> bool:
    """Whether what rested after the last pass rests still, unless it changed."""
    same = known.record is snapshot.known and known.policies is snapshot.policies
    return same and (known.limit_at is None or snapshot.now < known.limit_at)


def _leaves_a_gap(record: PhaseRecord, attempt: Attempt) -> bool:
    task = record.tasks.get(attempt.task)
    recorded = task.recorded(attempt.index) if task else None
    return recorded is not None and attempt.number > recorded + 1


def _rests(record: PhaseRecord, attempt: Attempt) -> bool:
    """Whether only a change of it, a time limit or an order can make an attempt matter."""
    task = record.tasks.get(attempt.task)
    if task is None or task.ended or not attempt.steady:
        return False
    told_again = not task.fan_out and (attempt.waiting or task.message)  # each fold says it anew
    return not told_again and is_current(task, attempt)


def is_current(task: TaskRecord, attempt: Attempt) -> bool:
    """Whether a task's record says all that a live attempt of an item proves, and waits for it."""
    item = task.open.get(attempt.index)
    return (
        item is not None
        and item.state is TaskState.RUNNING
        and item.attempt == attempt.number == item.recorded + 1
        and (item.reason == attempt.waiting or not task.fan_out)
    )


def _called_running(record: PhaseRecord) -> Iterable[Missing]:
    return (
        Missing(name, index, item.attempt)
        for name, task in record.tasks.items()
        if not task.ended
        for index, item in task.open.items()
        if item.state is TaskState.RUNNING and item.attempt > item.recorded
    )


def _is_called_running(record: PhaseRecord, one: Missing) -> bool:
    task = record.tasks.get(one.task)
    item = task.open.get(one.index) if task and not task.ended else None
    return (
        item is not None
        and item.state is TaskState.RUNNING
        and item.attempt == one.number > item.recorded
    )


def _limits(attempt: Attempt, policy: TaskPolicy | None) -> list[datetime]:
    if policy is None or attempt.deleted_at:
        return []
    if attempt.started_at and policy.timeout is not None:
        return [attempt.started_at + timedelta(seconds=policy.timeout) + CLOCK_GRAIN]
    if attempt.created_at and not attempt.started_at and policy.pending_timeout is not None:
        return [attempt.created_at + timedelta(seconds=policy.pending_timeout) + CLOCK_GRAIN]
    return []
