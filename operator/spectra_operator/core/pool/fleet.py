"""Brings the workers of an agent to the number and the revision that there should be.

A worker with claims is never deleted: it drains, and goes when its last claim has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .past import Failures

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


_ALIVE = (WorkerState.STARTING, WorkerState.READY)
_LOST = (WorkerState.SILENT, WorkerState.FAILED, WorkerState.QUARANTINED)


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as scaling sees it.

    Attributes:
        uid: Of its pod; empty while the pod is being created.
        draining: It is given no task any more.
        claims: Tasks that it was given and that have not ended, counted from the moment of giving.
    """

    name: str
    uid: str
    revision: str
    state: WorkerState
    draining: bool
    claims: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What is to be done with the workers.

    Attributes:
        paused_until: Until then nothing is made, since new workers failed; None: no pause.
        again: There is more to do at once, when this is done.
    """

    create: int
    drain: tuple[str, ...]
    undrain: tuple[str, ...]
    delete: tuple[tuple[str, str], ...]
    paused_until: datetime | None
    again: bool


def serving(workers: Iterable[WorkerView], revision: str) -> list[WorkerView]:
    """Return the workers that are, or will soon be, there for tasks of a revision."""
    return [w for w in workers if _serves(w) and w.revision == revision]


def noted(
    failures: Failures, workers: Iterable[WorkerView], revision: str, now: datetime
) -> Failures:
    """Return the failures in a row, with those of workers that were made after the last ones.

    Workers that were made together and fail together are one round.
    """
    forgotten = failures.at is not None and now - failures.at >= FORGOTTEN
    if failures.revision != revision or forgotten:
        failures = Failures()
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
    workers: tuple[WorkerView, ...], desired: int, revision: str, paused: datetime | None
) -> FleetPlan:
    """Return how the workers come to be `desired` many of a revision.

    Without a revision (none is stored yet) nothing is made and nothing drained. `paused` is when
    a pause ends that holds now.
    """
    ours = serving(workers, revision) if revision else []
    missing = desired - len(ours) if revision else 0
    undrain = _returning(workers, revision, missing)
    needed = max(0, missing - len(undrain))
    create = 0 if paused else min(needed, MAX_CREATED)
    drained = [*_victims(ours, -missing), *_outdated(workers, desired, revision)]
    return FleetPlan(
        create=create,
        drain=tuple(w.name for w in drained),
        undrain=tuple(w.name for w in undrain),
        delete=_ended(workers, undrain),
        paused_until=paused if needed else None,
        again=(needed > create and not paused) or any(_can_go(w) for w in drained),
    )


def growing(plan: FleetPlan) -> FleetPlan:
    """Return the part of a plan that is safe while not all is known: what only adds workers."""
    again = plan.again and plan.create == MAX_CREATED
    return FleetPlan(plan.create, (), plan.undrain, (), plan.paused_until, again)


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


def _outdated(workers: tuple[WorkerView, ...], desired: int, revision: str) -> list[WorkerView]:
    """Return the workers of other revisions that ready ones of the active revision replace."""
    if not revision:
        return []
    others = [w for w in workers if _serves(w) and w.revision != revision]
    ready = [w for w in serving(workers, revision) if w.state is WorkerState.READY]
    kept = max(0, desired - len(ready))
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
