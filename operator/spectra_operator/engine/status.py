"""When and what to write of a status: coalesced to about one write a second per object.

An end of the object, and what must stand before the next attempt may start, is written at once.
A write that changes nothing is not sent. Only one write per object is under way at a time.
"""

from __future__ import annotations

from typing import Any

from ..core.conditions import merge_patch
from ..kube.clock import Clock
from ..kube.resources import Body
from .effects import WriteStatus
from .executor import Executor
from .keys import Key
from .queue import WorkQueue
from .runs import StatusState

COALESCE_SECONDS = 1.0
AGENT_COALESCE_SECONDS = 3.0
"""Agents change with every attempt of every workflow; people look at them less often."""


class StatusWriter:
    """Decides about each status when it is written."""

    def __init__(self, clock: Clock, queue: WorkQueue, executor: Executor) -> None:
        self._clock = clock
        self._queue = queue
        self._executor = executor

    def is_due(
        self, key: Key, state: StatusState, *, at_once: bool, within: float = COALESCE_SECONDS
    ) -> bool:
        """Whether a status that differs is to be written now; else ask for a later pass."""
        if state.writing:
            return False
        now = self._clock.monotonic()
        if state.dirty_since is None:
            state.dirty_since = now
        due = state.dirty_since + within
        if at_once or now >= due:
            return True
        self._queue.add_at(key, due)
        return False

    def write(
        self, body: Body, key: Key, state: StatusState, status: dict[str, Any], record: object
    ) -> bool:
        """Send what changed; return False if nothing did."""
        patch = merge_patch(state.stored, status)
        state.dirty_since = None
        if not patch:
            return False
        state.writing = True
        version = body["metadata"]["resourceVersion"]
        full = {"metadata": {"resourceVersion": version}, "status": patch}
        self._executor.submit(WriteStatus(key, full, record))
        return True
