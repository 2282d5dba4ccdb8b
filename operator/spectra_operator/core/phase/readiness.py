"""Which tasks of a phase may start now, were it not for the limits of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...api.phase import TaskState
from .. import indexes
from ..policy import agent_of, required
from ..snapshot import Levels, PhaseSnapshot
from . import settle
from .records import Item, PhaseRecord, TaskRecord

MAX_OPEN_ITEMS = 2_000
"""Items of one phase that may be under way at once: running, or pausing after a failure.

Each of these may take more than a hundred bytes of status, and a little of every pass.
"""


@dataclass(frozen=True, slots=True)
class Ready:
    """A task of which `startable` items may start now if the limits allow; lowest index first.

    `way` is 0 for the task's own agent and i for its i-th fallback: items that go different ways
    wait for different agents. `agent` is empty where one is to be chosen that has all of
    `requires`; `mounts` tells that it must mount a workspace.
    """

    task: str
    agent: str
    startable: int
    path: float
    since: datetime
    way: int = 0
    requires: tuple[str, ...] = ()
    mounts: bool = False


def ready_tasks(snapshot: PhaseSnapshot, record: PhaseRecord, levels: Levels) -> tuple[Ready, ...]:
    """Return what may start, in the order of the spec."""
    if levels.hold or levels.cancel or record.ended:
        return ()
    if settle.halted(snapshot.shape, record.tasks, levels):
        return ()
    if record.applied.keys() != snapshot.persisted.applied.keys():
        return ()  # a successor must know of an order before anything follows from it
    late = overdue(snapshot, record)
    window = window_of(record.tasks)
    found: list[Ready] = []
    for name, task in record.tasks.items():
        open_to_more = not task.ended and task.state is not TaskState.WAITING
        if open_to_more and name not in late and not settle.gave_up(snapshot.shape, name, task):
            found += _ready(snapshot, record, name, window)
    return tuple(found)


def overdue(snapshot: PhaseSnapshot, record: PhaseRecord) -> frozenset[str]:
    """Return the tasks whose activeDeadlineSeconds have passed."""
    return frozenset(
        name
        for name, seconds in snapshot.shape.deadlines.items()
        if (started := record.tasks[name].started_at)
        and snapshot.now >= started + timedelta(seconds=seconds)
    )


def _ready(snapshot: PhaseSnapshot, record: PhaseRecord, name: str, window: int) -> list[Ready]:
    spec, task = snapshot.shape.tasks[name], record.tasks[name]
    since = task.started_at or record.started_at or snapshot.now
    path = snapshot.shape.paths.get(name, 1.0)
    room = _room(snapshot, name, task)
    found = []
    for way in range(len(spec.fallback) + 1):
        startable = min(startable_mask(snapshot, name, task, way, window).bit_count(), room)
        if startable:
            room -= startable
            agent, wanted = agent_of(spec, way), required(spec, way)
            mounts = spec.workspace is not None
            found.append(Ready(name, agent, startable, path, since, way, wanted, mounts))
    return found


def _room(snapshot: PhaseSnapshot, name: str, task: TaskRecord) -> int:
    """Return how many more items the task's own parallelism allows to start."""
    limit = snapshot.shape.tasks[name].parallelism
    return task.total if limit is None else max(limit - task.running_mask.bit_count(), 0)


def window_of(tasks: Mapping[str, TaskRecord]) -> int:
    """Return how many untried items of a phase may be begun now, over all of its tasks."""
    return max(MAX_OPEN_ITEMS - sum(len(task.open) for task in tasks.values()), 0)


def startable_mask(
    snapshot: PhaseSnapshot,
    name: str,
    task: TaskRecord,
    way: int = 0,
    window: int = MAX_OPEN_ITEMS,
) -> int:
    """Return the items that may start on a way: untried ones, and those whose pause is over.

    Of the untried ones the first `window` may. A failed item starts again only after its failure
    stands in persisted status, and a reset one only after its former attempts are gone.
    """
    mask = indexes.lowest(task.untried_mask, window) if way == 0 else 0
    if task.prior:
        mask &= ~_still_live(snapshot, name)
    if not task.open:
        return mask
    persisted = snapshot.persisted.tasks.get(name) or TaskRecord()
    for index, item in task.pausing():
        if item.way == way and _pause_over(item, snapshot.now):
            known = persisted.open.get(index)
            if known is None or persisted.spawned:
                continue  # what came of a plan must stand in status, as any failure must
            if known.recorded >= item.recorded:
                mask |= 1 << index
    return mask


def _still_live(snapshot: PhaseSnapshot, name: str) -> int:
    mask = 0
    for attempt in snapshot.attempts:
        if attempt.task == name and attempt.live:
            mask |= 1 << attempt.index
    return mask


def _pause_over(item: Item, now: datetime) -> bool:
    return item.not_before is None or now >= item.not_before
