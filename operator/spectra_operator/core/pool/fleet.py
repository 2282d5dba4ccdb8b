"""Brings the workers of an agent to the number and the revision that there should be.

A worker with claims is never deleted: it drains, and goes when its last claim has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .past import Failures
from .startup import Trouble

MAX_CREATED = 16
"""Workers that one pass makes; the next pass follows at once."""
FIRST_PAUSE = 1
LONGEST_PAUSE = 300
"""Seconds before workers are made again after new ones failed; doubled with each round."""
FORGOTTEN = timedelta(seconds=2 * LONGEST_PAUSE)
"""How long after a failure a revision counts as well again."""
MAX_ROUNDS = 16


class WorkerState(StrEnum):
    """What is known of a worker.

    Starting: not heard of yet. Silent: not heard of any more. Quarantined: heard of, and given
    nothing more, since it fails where others do well.
    """

    STARTING = "Starting"
    READY = "Ready"
    SILENT = "Silent"
    FAILED = "Failed"
    DELETING = "Deleting"
    QUARANTINED = "Quarantined"


class Why(StrEnum):
    """Why a revision keeps workers."""

    ACTIVE = "Active"
    STABLE = "Stable"
    PREVIEW = "Preview"
    WARM = "Warm"


@dataclass(frozen=True, slots=True)
class Keep:
    """How many workers a revision keeps: what demand makes wanted, within these bounds."""

    why: Why
    least: int = 0
    most: int | None = None

    def of(self, desired: int) -> int:
        """Return how many workers the revision keeps while so many are desired."""
        wanted = max(desired, self.least)
        return wanted if self.most is None else min(wanted, self.most)


_ALIVE = (WorkerState.STARTING, WorkerState.READY)
_LOST = (WorkerState.SILENT, WorkerState.FAILED, WorkerState.QUARANTINED)


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as scaling sees it.

    Attributes:
        uid: Of its pod; empty while the pod is being created.
        draining: It is given no task any more.
        claims: Tasks that it was given and that have not ended, counted from the moment of giving.
        trouble: What keeps it from starting, if anything is known.
    """

    name: str
    uid: str
    revision: str
    state: WorkerState
    draining: bool
    claims: int
    created_at: datetime
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many workers of a revision there should be; `paused` is when a pause ends that holds."""

    revision: str
    many: int
    paused: datetime | None = None


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What is to be done with the workers.

    Attributes:
        create: How many of the active revision to make.
        beside: How many of other revisions.
        resumes_at: When the first pause ends of a revision that lacks workers.
        paused_until: Until then none of the active revision is made, since new ones failed.
        again: There is more to do at once, when this is done.
    """

    create: int
    drain: tuple[str, ...]
    undrain: tuple[str, ...]
    delete: tuple[tuple[str, str], ...]
    paused_until: datetime | None
    again: bool
    beside: tuple[tuple[str, int], ...] = ()
    resumes_at: datetime | None = None


def serving(workers: Iterable[WorkerView], revision: str) -> list[WorkerView]:
    """Return the workers that are, or will soon be, there for tasks of a revision."""
    return [w for w in workers if _serves(w) and w.revision == revision]


def noted(
    known: tuple[Failures, ...],
    workers: tuple[WorkerView, ...],
    revisions: Iterable[str],
    now: datetime,
) -> tuple[Failures, ...]:
    """Return the failures in a row of each of these revisions, with the newest ones."""
    before = {each.revision: each for each in known}
    found = (_noted(before.get(each, Failures(each)), workers, now) for each in revisions)
    return tuple(each for each in found if each.at is not None)


def _noted(failures: Failures, workers: Iterable[WorkerView], now: datetime) -> Failures:
    """Return the failures in a row, with those of workers that were made after the last ones.

    Workers that were made together and fail together are one round.
    """
    revision = failures.revision
    if failures.at is not None and now - failures.at >= FORGOTTEN:
        failures = Failures(revision)
    if failures.at is not None and failures.at > now:
        failures = replace(failures, at=now)
    since = failures.at
    new = any(
        worker.revision == revision
        and worker.state in _LOST
        and not worker.draining
        and not worker.claims
        and (since is None or since < worker.created_at <= now)
        for worker in workers
    )
    return Failures(revision, min(failures.rounds + 1, MAX_ROUNDS), now) if new else failures


def pause_end(failures: Failures) -> datetime | None:
    """Return when workers may be made again, or nothing if none failed."""
    if failures.at is None:
        return None
    seconds = min(FIRST_PAUSE * 2 ** (min(failures.rounds, MAX_ROUNDS) - 1), LONGEST_PAUSE)
    return failures.at + timedelta(seconds=seconds)


def fleet_plan(
    workers: tuple[WorkerView, ...], active: Wanted, others: tuple[Wanted, ...] = ()
) -> FleetPlan:
    """Return how there come to be as many workers of each revision as there should be.

    Those of revisions that are not named go as ready ones of the active revision replace them.
    Without an active revision (none is stored yet) nothing is made and nothing drained.
    """
    if not active.revision:
        return FleetPlan(0, (), (), _ended(workers, []), None, again=False)
    named = {active.revision, *(each.revision for each in others)}
    strangers = [w for w in workers if _serves(w) and w.revision not in named]
    steps = [_step(workers, each) for each in (active, *others)]
    undrain = [worker for step in steps for worker in step.undrain]
    drained = [worker for step in steps for worker in step.drain]
    drained += _outdated(workers, active, strangers)
    pauses = [step.paused for step in steps if step.paused is not None]
    made = [(each.revision, step.create) for each, step in zip(others, steps[1:], strict=True)]
    return FleetPlan(
        create=steps[0].create,
        drain=tuple(w.name for w in drained),
        undrain=tuple(w.name for w in undrain),
        delete=_ended(workers, undrain),
        paused_until=steps[0].paused,
        again=any(step.more for step in steps) or any(_can_go(w) for w in drained),
        beside=tuple((revision, many) for revision, many in made if many),
        resumes_at=min(pauses, default=None),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """What is to be done for one revision; `more` tells of workers that the next pass makes."""

    create: int
    drain: list[WorkerView]
    undrain: list[WorkerView]
    paused: datetime | None
    more: bool


def _step(workers: tuple[WorkerView, ...], wanted: Wanted) -> _Step:
    ours = serving(workers, wanted.revision)
    missing = wanted.many - len(ours)
    undrain = _returning(workers, wanted.revision, missing)
    needed = max(0, missing - len(undrain))
    create = 0 if wanted.paused else min(needed, MAX_CREATED)
    return _Step(
        create=create,
        drain=_victims(ours, -missing),
        undrain=undrain,
        paused=wanted.paused if needed else None,
        more=needed > create and not wanted.paused,
    )


def growing(plan: FleetPlan) -> FleetPlan:
    """Return the part of a plan that is safe while not all is known: what only adds workers."""
    most = max([plan.create, *(many for _, many in plan.beside)])
    again = plan.again and most == MAX_CREATED
    return replace(plan, drain=(), delete=(), again=again)


def _serves(worker: WorkerView) -> bool:
    return worker.state in _ALIVE and not worker.draining


def _can_go(worker: WorkerView) -> bool:
    return worker.claims == 0 and worker.uid != ""


def _victims(workers: list[WorkerView], many: int) -> list[WorkerView]:
    """Return those that are missed least: starting, then idle, then least busy; youngest first."""
    if many <= 0:
        return []
    by_name = sorted(workers, key=lambda w: w.name)
    youngest = sorted(by_name, key=lambda w: w.created_at, reverse=True)
    order = sorted(youngest, key=lambda w: (w.claims, w.state is not WorkerState.STARTING))
    return order[:many]


def _outdated(
    workers: tuple[WorkerView, ...], active: Wanted, others: list[WorkerView]
) -> list[WorkerView]:
    """Return the workers of other revisions that ready ones of the active revision replace."""
    ready = [w for w in serving(workers, active.revision) if w.state is WorkerState.READY]
    kept = max(0, active.many - len(ready))
    return _victims(others, len(others) - kept)


def _returning(workers: tuple[WorkerView, ...], revision: str, missing: int) -> list[WorkerView]:
    """Return draining workers that are wanted again: those at work first, the oldest first."""
    if missing <= 0:
        return []
    draining = [w for w in workers if w.draining and w.state in _ALIVE and w.revision == revision]
    order = sorted(
        draining,
        key=lambda w: (w.state is not WorkerState.READY, -w.claims, w.created_at, w.name),
    )
    return order[:missing]


def _ended(
    workers: tuple[WorkerView, ...], undrained: list[WorkerView]
) -> tuple[tuple[str, str], ...]:
    """Return name and UID of the workers that have nothing more to do."""
    back = {worker.name for worker in undrained}
    return tuple(
        (worker.name, worker.uid)
        for worker in workers
        if _can_go(worker)
        and worker.name not in back
        and (worker.state in _LOST or (worker.draining and worker.state in _ALIVE))
    )
