"""Makes passes over objects, one after the other, and sees that none keeps the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..kube.clock import Clock
from ..observability.metrics import Metrics
from .keys import Key
from .queue import WorkQueue

logger = logging.getLogger(__name__)

_LONG_PASS = 0.002
_REST_FACTOR = 3.0
"""A pass that took more than so many seconds of processor time is followed by a rest of so many
times that: one large phase takes at most a quarter of the loop, and pays with milliseconds of
latency. Time in which others had the core counts for nothing, or a crowded machine would make
every pass a long one. To ask for processor time costs a call of the kernel, so it is asked for only
of objects whose last pass took that long by the clock."""
_PASSES_PER_TURN = 20
"""Passes in a row before the event loop gets its turn."""
_VERY_LONG_PASS = 0.02
_TURN_SECONDS = 0.005
"""What the loop gets after a pass that was longer than that; expressions may be dear, and a Lease
is lost if nobody gets round to renewing it."""

_REMEMBERED = 200
"""Long passes that are remembered, for whoever asks what was slow of late."""

Reconcile = Callable[[Key], None]


class LongPass(NamedTuple):
    """A pass that took longer than most: over what, how long, and when it ended (monotonic)."""

    key: Key
    seconds: float
    ended_at: float


class Passes:
    """Takes keys from the queue and makes a pass over each."""

    def __init__(
        self,
        clock: Clock,
        queue: WorkQueue,
        metrics: Metrics,
        reconcile: Mapping[str, Reconcile],
        concerns: Callable[[str], bool],
    ) -> None:
        """Prepare; `reconcile` makes a pass by kind, `concerns` says which namespaces are ours."""
        self._clock = clock
        self._queue = queue
        self._metrics = metrics
        self._reconcile = reconcile
        self._concerns = concerns
        self._long: set[Key] = set()
        self.long: deque[LongPass] = deque(maxlen=_REMEMBERED)

    async def run(self) -> None:
        """Make passes until cancelled."""
        passes = 0
        while True:
            key = await self._queue.get()
            seconds = 0.0
            if self._concerns(key.namespace):
                seconds = self.make(key)
            passes += 1
            if passes % _PASSES_PER_TURN == 0 or seconds > _VERY_LONG_PASS:
                await self.turn(seconds)

    async def turn(self, seconds: float) -> None:
        """Give the event loop its turn after a pass: Leases are renewed, answers come in."""
        if seconds > _VERY_LONG_PASS:
            await self._clock.sleep(_TURN_SECONDS)
        else:
            await asyncio.sleep(0)

    def make(self, key: Key) -> float:
        """Make one pass; an object that breaks it degrades itself alone. Return its seconds."""
        measured = key in self._long
        busy = self._clock.busy() if measured else 0.0
        begin = self._clock.monotonic()
        try:
            self._reconcile[key.kind](key)
        except Exception:
            logger.exception("%s: the pass failed", key)
            self._metrics.reconcile_errors[key.kind,].inc()
            self._queue.back_off(key)
        seconds = self._clock.monotonic() - begin
        if seconds > _LONG_PASS:
            self.long.append(LongPass(key, seconds, begin + seconds))
        if measured:
            self._rest(key, self._clock.busy() - busy)
        elif seconds > _LONG_PASS:
            self._long.add(key)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s: a pass of %.1f ms", key, seconds * 1000)
        self._metrics.reconciles[key.kind,].inc()
        self._metrics.reconcile_seconds[key.kind,].observe(seconds)
        return seconds

    def _rest(self, key: Key, used: float) -> None:
        """Let an object rest whose pass was long; of one whose passes are short, ask no more."""
        if used > _LONG_PASS:
            self._queue.rest(key, used * _REST_FACTOR)
        else:
            self._long.discard(key)
