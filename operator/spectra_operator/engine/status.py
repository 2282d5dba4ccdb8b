"""When and what to write of a status: coalesced to about one write a second per object.

An end of the object, and what must stand before the next attempt may start, is written at once.
A write that changes nothing is not sent. Only one write per object is under way at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..api.phase import TaskState
from ..core.attempts.evidence import Attempt
from ..core.phase.records import NO_ITEMS, PhaseRecord, TaskRecord
from ..kube.clock import Clock
from ..kube.resources import Body, Resource
from .effects import WriteStatus
from .executor import Executor
from .keys import RESOURCES, Key
from .queue import WorkQueue
from .runs import StatusState

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 1.0
PROGRESS_SECONDS = 5.0
"""Progress alone is written as rarely as this; with anything else it goes at once."""
SOON_SECONDS = 0.2
"""That a phase exists may gather for so long, in which its first tasks begin."""
LONGEST_SECONDS = 5.0
PACE = 100.0
"""What nothing waits for is written again after this many times what its last write took, and
after five seconds at the latest: while the API server has much to do, it is asked for less."""
NEWEST = 0.1
"""What the newest write weighs in how long writes take of late."""
AGENT_COALESCE_SECONDS = 3.0
"""Agents change with every attempt of every workflow; people look at them less often."""


class StatusWriter:
    """Decides about each status when it is written."""

    def __init__(self, clock: Clock, queue: WorkQueue, executor: Executor) -> None:
        self._clock = clock
        self._queue = queue
        self._executor = executor
        self._usual = 0.0

    def pace(self, state: StatusState, least: float = COALESCE_SECONDS) -> float:
        """Return how long what nothing waits for may gather before it is written.

        That is `least` seconds, and more where the object's last write took long, or writes of
        others did of late if it was never written: of thousands of short runs that begin together
        most have ended by then, and need one write less.
        """
        took = state.took or self._usual
        return min(max(least, PACE * least * took), LONGEST_SECONDS)

    def answered(self, state: StatusState) -> None:
        """Take in that a write came to its end."""
        state.took = self._clock.monotonic() - state.began
        self._usual += (state.took - self._usual) * NEWEST

    def is_due(
        self, key: Key, state: StatusState, *, at_once: bool, within: float = COALESCE_SECONDS
    ) -> bool:
        """Whether a status that differs is to be written now; else ask for a later pass."""
        if state.writing:
            logger.debug("%s: its status waits for the write that is under way", key)
            return False
        now = self._clock.monotonic()
        if state.dirty_since is None:
            state.dirty_since = now
        due = state.dirty_since + within
        if at_once or now >= due:
            return True
        self._queue.add_at(key, due)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s: its status gathers for another %.2f s", key, due - now)
        return False

    def write(
        self, body: Body, key: Key, state: StatusState, status: dict[str, Any], record: object
    ) -> bool:
        """Send a status; return False if the API server has it."""
        state.dirty_since = None
        if status == state.stored:
            return False
        state.writing = True
        state.began = self._clock.monotonic()
        replaced = with_status(RESOURCES[key.kind], body, status)
        self._executor.submit(WriteStatus(key, replaced, record))
        return True


def with_status(resource: Resource, body: Body, status: dict[str, Any]) -> Body:
    """Return what replaces the status of an object: without the spec, which such a write keeps."""
    meta = {part: body["metadata"][part] for part in ("name", "namespace", "resourceVersion")}
    named = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
    return named | {"status": status}


def proven(record: PhaseRecord, persisted: PhaseRecord, attempts: Iterable[Attempt]) -> PhaseRecord:
    """Return a record without the attempts whose pod is still being created.

    Status must not call them running: if the operator dies before the create has come to pass,
    its successor would count a pod that never was as lost. A task that somebody has skipped or
    marked meanwhile is not called running by them.
    """
    unproven: dict[str, set[int]] = {}
    for attempt in attempts:
        if attempt.live and not attempt.uid and _is_shown(record, attempt):
            unproven.setdefault(attempt.task, set()).add(attempt.index)
    if not unproven:
        return record
    tasks = dict(record.tasks)
    for name, indexes in unproven.items():
        tasks[name] = _without(tasks[name], persisted.tasks.get(name), indexes)
    return replace(record, tasks=tasks)


def _is_shown(record: PhaseRecord, attempt: Attempt) -> bool:
    task = record.tasks.get(attempt.task)
    item = task.open.get(attempt.index) if task else None
    return item is not None and item.attempt == attempt.number


def must_be_known(before: PhaseRecord, after: PhaseRecord) -> bool:
    """Whether status must know at once.

    That is of an attempt that ended badly, since its successor waits for that, of an order that
    was carried out, or of a change of levels.
    """
    if (after.applied, after.changes) != (before.applied, before.changes):
        return True
    for name, task in after.tasks.items():
        known = before.tasks.get(name)
        if task is known:
            continue
        if _behind(task) > (_behind(known) if known else 0):
            return True
        if known and known.spawned and not task.spawned:
            return True  # the plan has failed, or its outputs are what others wait for
    return False


def _behind(task: TaskRecord) -> int:
    """Return how many attempts a task has left behind, over all resets."""
    return task.prior + task.failures + task.losses


def _without(record: TaskRecord, known: TaskRecord | None, indexes: set[int]) -> TaskRecord:
    """Return a task's record with some items as they were when status was last written."""
    if not record.fan_out:
        known = known or TaskRecord()
        waited = known.state is TaskState.WAITING
        return replace(known, state=TaskState.READY, reason="", message="") if waited else known
    before = known.open if known else NO_ITEMS
    record = record.without_items(indexes)
    for index in indexes & before.keys():
        record = record.with_item(index, before[index])
    return record if record.running_mask else replace(record, state=TaskState.READY)
