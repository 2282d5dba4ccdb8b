"""Holds the Leases of shards: a shard runs here exactly while this replica holds its Lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..api.constants import ANNOTATION_ADDRESS
from ..kube.errors import KubeError
from ..kube.lease import LeaseLock
from .engine import Engine

logger = logging.getLogger(__name__)

LEASE_NAME = "spectra-operator-shard-{shard}"
PAUSE_SECONDS = 2.0
"""Between two terms of which the first could not begin: the Lease is ours, the API server ails."""


class ShardKeeper:
    """Competes for the Lease of every shard."""

    def __init__(self, engine: Engine, shards: int, make_lock: Callable[[str], LeaseLock]) -> None:
        self._engine = engine
        self._released = False
        self._locks = {n: make_lock(LEASE_NAME.format(shard=n)) for n in range(shards)}

    def address(self, shard: int) -> str:
        """Return where the holder of a shard serves the worker API; empty if nobody knows."""
        return self._locks[shard].told(ANNOTATION_ADDRESS)

    async def run(self) -> None:
        """Compete until cancelled or released."""
        async with asyncio.TaskGroup() as group:
            for shard, lock in self._locks.items():
                group.create_task(self._keep(shard, lock))

    async def release(self) -> None:
        """Stop writing and give the Leases back, so that another replica goes on at once."""
        self._released = True
        for shard, lock in self._locks.items():
            if lock.held():
                self._engine.give_up(shard)
            await lock.release()

    async def _keep(self, shard: int, lock: LeaseLock) -> None:
        async def acquired() -> None:
            await self._engine.take_over(shard, lock.held)
            self._measure_recovery(lock)
            await asyncio.Event().wait()  # the term lasts until the Lease is lost

        while not self._released:
            try:
                await lock.run(acquired, lambda: self._engine.give_up(shard))
            except KubeError as error:
                logger.warning("shard %d: %s; competing again", shard, error)
                await self._engine.parts.clock.sleep(PAUSE_SECONDS)

    def _measure_recovery(self, lock: LeaseLock) -> None:
        parts, left = self._engine.parts, lock.left_at
        if left is not None and lock.held():
            seconds = (parts.clock.now() - left).total_seconds()
            parts.metrics.recovery_seconds.observe(max(seconds, 0.0))
