"""How many workers an agent in mode Pool should have, and what is to be done for it.

Two steps: the number (a HorizontalPodAutoscaler's part), then the workers (a ReplicaSet's part,
see `fleet`). Time comes in as `now`; `wake_at` says when time alone changes the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ...api.agent import AgentSpec
from ...api.constants import MAX_WORKERS
from ...api.scaling import Scaling
from ..conditions import Condition
from .behavior import (
    expiries,
    least,
    longest_period,
    most,
    periods_end,
    stabilised,
    windows_of,
)
from .fleet import (
    FleetPlan,
    Keep,
    Wanted,
    WorkerState,
    WorkerView,
    fleet_plan,
    growing,
    noted,
    pause_end,
)
from .past import NO_PAST, Failures, Past, Recommendation, ScaleChange, recorded, remembered
from .scale_status import able_to_scale, scaling_active, scaling_limited

__all__ = ["ScalePlan", "ScaleSnapshot", "WorkerState", "WorkerView", "decide_scale"]


@dataclass(frozen=True, slots=True)
class ScaleSnapshot:
    """All that a decision about the workers of an agent may use.

    Attributes:
        revision: The active one; empty if none is stored yet.
        claimable: Items that wait only for a slot of this agent.
        workers: All there are, with those that are being created (state Starting).
        past: What the last decision left.
        fresh: False while not all may be known, as after a take-over: then nothing shrinks.
        refused: What the API server said when it last refused to create a worker, or empty.
        beside: Other revisions that keep workers too, such as one that is being rolled out.
        pulled: The two numbers that others set in turn, if they do; see `tugs`.
    """

    spec: AgentSpec
    revision: str
    claimable: int
    workers: tuple[WorkerView, ...]
    now: datetime
    past: Past = NO_PAST
    fresh: bool = True
    refused: str = ""
    beside: Mapping[str, Keep] = field(default_factory=dict)
    pulled: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ScalePlan:
    """What is to be done. Carried out, the same decision asks for nothing more.

    Attributes:
        desired: How many workers there should be.
        create: How many of the active revision to make now.
        beside: How many of other revisions to make now.
        drain: Names of workers that get no task any more.
        undrain: Names of draining workers that get tasks again.
        delete: Names and UIDs of workers to delete; none has a claim.
        past: What the next decision needs; keep it over a restart.
        wake_at: When to decide again if nothing happens before; None: not needed.
        conditions: AbleToScale, ScalingActive, ScalingLimited.
    """

    desired: int
    create: int
    drain: tuple[str, ...]
    undrain: tuple[str, ...]
    delete: tuple[tuple[str, str], ...]
    past: Past
    wake_at: datetime | None
    conditions: tuple[Condition, ...]
    beside: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Sizing:
    """How a number of workers came about.

    Attributes:
        wanted: What the tasks make wanted.
        stable: What the windows leave of it.
        bounded: What minReplicas and maxReplicas leave of that.
        desired: What the policies leave of that.
        wakes: When time alone may change it.
    """

    wanted: int
    stable: int
    bounded: int
    desired: int
    past: Past
    wakes: tuple[datetime, ...] = ()


def decide_scale(snapshot: ScaleSnapshot) -> ScalePlan:
    """Return what to do about the workers of an agent in mode Pool."""
    sizing = _sizing(snapshot)
    failures = snapshot.past.failures
    if snapshot.fresh and snapshot.revision:
        revisions = (snapshot.revision, *snapshot.beside)
        failures = noted(failures, snapshot.workers, revisions, snapshot.now)
    known = {each.revision: each for each in failures}
    active = _wanted_of(snapshot, known, snapshot.revision, sizing.desired)
    others = tuple(
        _wanted_of(snapshot, known, revision, keep.of(sizing.desired))
        for revision, keep in snapshot.beside.items()
    )
    fleet = fleet_plan(snapshot.workers, active, others)
    if not snapshot.fresh:
        fleet = growing(fleet)
    rounds = known[active.revision].rounds if active.revision in known else 0
    return ScalePlan(
        desired=sizing.desired,
        create=fleet.create,
        drain=fleet.drain,
        undrain=fleet.undrain,
        delete=fleet.delete,
        past=replace(sizing.past, failures=failures),
        wake_at=_wake_at(snapshot.now, sizing, fleet),
        conditions=_conditions(snapshot, sizing, fleet, rounds),
        beside=fleet.beside,
    )


def _wanted_of(
    snapshot: ScaleSnapshot, failures: Mapping[str, Failures], revision: str, many: int
) -> Wanted:
    end = pause_end(failures.get(revision, Failures()))
    return Wanted(revision, many, end if end is not None and end > snapshot.now else None)


def _sizing(snapshot: ScaleSnapshot) -> Sizing:
    scaling, replicas = snapshot.spec.scaling, snapshot.spec.replicas
    if scaling is None or replicas is not None:
        fixed = 1 if replicas is None else replicas
        return Sizing(fixed, fixed, fixed, fixed, Past(target=fixed, wanted=fixed))
    return _scaled(snapshot, scaling)


def _scaled(snapshot: ScaleSnapshot, scaling: Scaling) -> Sizing:
    now, windows = snapshot.now, windows_of(scaling)
    past = _taken_in(snapshot, scaling)
    target, wanted = past.target or 0, past.wanted or 0
    stable = stabilised(past, wanted, target, windows, now)
    bounded = _clamp(stable, scaling)
    limited = bounded
    if bounded > target:
        limited = min(bounded, most(scaling.behavior.scale_up, target, past.changes, now))
    elif bounded < target:
        limited = max(bounded, least(scaling.behavior.scale_down, target, past.changes, now))
    if not snapshot.fresh:
        limited = max(limited, target)
    desired = _clamp(limited, scaling)
    held = desired != _clamp(wanted, scaling)
    wakes = (
        *expiries(past, windows),
        *periods_end(scaling.behavior.scale_up, past.changes, 1),
        *periods_end(scaling.behavior.scale_down, past.changes, -1),
    )
    changes = past.changes
    if desired != target:
        changes = (*changes, ScaleChange(now, desired - target))
        changes = remembered(changes, longest_period(scaling), now)
        wakes = (*wakes, *periods_end(scaling.behavior.scale_up, changes, 1))
        wakes = (*wakes, *periods_end(scaling.behavior.scale_down, changes, -1))
    after = replace(past, target=desired, changes=changes)
    return Sizing(wanted, stable, bounded, desired, after, wakes if held else ())


def _taken_in(snapshot: ScaleSnapshot, scaling: Scaling) -> Past:
    """Return the past with what the tasks make wanted now, without what has ceased to count."""
    past, now = snapshot.past, snapshot.now
    target = _present(snapshot) if past.target is None else past.target
    before = target if past.wanted is None else past.wanted
    wanted = _wanted(snapshot, scaling)
    if not snapshot.fresh:
        wanted = max(wanted, before)
    history = past.history
    if before != wanted:
        history = (*history, Recommendation(now, before))
    return replace(
        past,
        target=target,
        wanted=wanted,
        history=recorded(history, wanted, windows_of(scaling), now),
        changes=remembered(past.changes, longest_period(scaling), now),
    )


def _wanted(snapshot: ScaleSnapshot, scaling: Scaling) -> int:
    tasks = snapshot.claimable + sum(worker.claims for worker in snapshot.workers)
    each = scaling.tasks_per_replica or snapshot.spec.slots
    return min(-(-tasks // each), MAX_WORKERS)


def _present(snapshot: ScaleSnapshot) -> int:
    """Return how many workers there are, for a start without memory: of the larger revision."""
    counts: dict[str, int] = {}
    for worker in snapshot.workers:
        if not worker.draining and worker.state not in (WorkerState.FAILED, WorkerState.DELETING):
            counts[worker.revision] = counts.get(worker.revision, 0) + 1
    return max(counts.values(), default=0)


def _clamp(replicas: int, scaling: Scaling) -> int:
    return min(max(replicas, scaling.min_replicas), scaling.max_replicas)


def _wake_at(now: datetime, sizing: Sizing, fleet: FleetPlan) -> datetime | None:
    if fleet.again:
        return now
    wakes = [at for at in sizing.wakes if at > now]
    if fleet.resumes_at is not None:
        wakes.append(fleet.resumes_at)
    return min(wakes, default=None)


def _conditions(
    snapshot: ScaleSnapshot, sizing: Sizing, fleet: FleetPlan, rounds: int
) -> tuple[Condition, ...]:
    spec = snapshot.spec
    scaled = spec.scaling is not None and spec.replicas is None
    return (
        able_to_scale(
            stored=snapshot.revision != "",
            refused=snapshot.refused,
            paused_until=fleet.paused_until,
            rounds=rounds,
            revision=snapshot.revision,
            held=sizing.stable - sizing.wanted,
        ),
        scaling_active(spec, snapshot.pulled),
        scaling_limited(
            spec.scaling if scaled else None,
            stable=sizing.stable,
            bounded=sizing.bounded,
            desired=sizing.desired,
        ),
    )
