"""Holds the Leases of shards: a shard runs here exactly while this replica holds its Lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from ..api.constants import ANNOTATION_ADDRESS
from ..kube.errors import KubeError
from ..kube.lease import LeaseLock
from ..kube.resources import Body
from ..observability.debug_page import Table
from .engine import Engine
from .leases import LeaseRoom
from .strangers import Strangers

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 2.0
"""Between two terms of which the first could not begin: the Lease is ours, the API server ails."""


class KeepsShards(Protocol):
    """Takes, holds and gives back the Leases of shards."""

    def address(self, shard: int) -> str:
        """Return where the holder of a shard serves the worker API; empty if nobody knows."""
        ...

    async def run(self) -> None:
        """Work until cancelled or released."""
        ...

    async def release(self) -> None:
        """Stop writing and give the Leases back, so that another replica goes on at once."""
        ...

    def tables(self) -> Sequence[Table]:
        """Return what the status page shows of it."""
        ...


class Seat:
    """This replica's part in one shard.

    Attributes:
        lock: That of the shard's Lease.
        runs: Whether the shard was taken over and is run here.
    """

    def __init__(
        self,
        engine: Engine,
        shard: int,
        room: LeaseRoom,
        on_run: Callable[[], None] = lambda: None,
        before_run: Callable[[Body | None], Awaitable[None]] | None = None,
    ) -> None:
        """Prepare.

        Args:
            engine: Runs the shard.
            shard: Which one.
            room: Where its Lease is.
            on_run: Told when the shard has been taken over.
            before_run: Awaited with the Lease as it was before ours, until the shard may be run.
        """
        self._engine = engine
        self._shard = shard
        self._on_run = on_run
        self._before_run = before_run
        self.lock: LeaseLock = room.lock(shard)
        self.runs = False

    @property
    def address(self) -> str:
        """Where the holder of the shard serves the worker API; empty if nobody knows."""
        return self.lock.told(ANNOTATION_ADDRESS)

    async def term(self) -> None:
        """Compete for the Lease, and run the shard until it is lost or given back.

        Raises:
            KubeError: The term could not begin; the Lease was given back.
        """
        await self.lock.run(self._acquired, self._lost)

    async def give_back(self) -> None:
        """Stop writing and give the Lease back; ends the term."""
        if self.lock.held():
            self._lost()
        await self.lock.release()

    def clear(self) -> None:
        """Forget what a take-over did between the end of its term and its own."""
        if self._engine.terms.runs(self._shard):
            self._lost()

    async def _acquired(self) -> None:
        if self._before_run is not None:
            await self._before_run(self.lock.before)
        await self._engine.take_over(self._shard, self.lock.held)
        self.runs = True
        self._on_run()
        self._measure_recovery()
        await asyncio.Event().wait()  # the term lasts until the Lease is lost

    def _lost(self) -> None:
        self.runs = False
        self._engine.give_up(self._shard)

    def _measure_recovery(self) -> None:
        parts, left = self._engine.parts, self.lock.left_at
        if left is not None and self.lock.held():
            seconds = (parts.clock.now() - left).total_seconds()
            parts.metrics.recovery_seconds.observe(max(seconds, 0.0))


class ShardKeeper:
    """Competes for the Lease of every shard: the first replica has all, the others stand by.

    For a single shard. What it takes over from replicas that share is run when they have stopped.
    """

    def __init__(self, engine: Engine, room: LeaseRoom) -> None:
        self._clock = room.clock
        self._released = False
        alone = Strangers(room).gone
        self._seats = {
            shard: Seat(engine, shard, room, before_run=alone) for shard in range(room.shards)
        }

    def address(self, shard: int) -> str:
        """Return where the holder of a shard serves the worker API; empty if nobody knows."""
        return self._seats[shard].address

    def tables(self) -> Sequence[Table]:
        """Return nothing: all there is to it stands in the table of shards."""
        return ()

    async def run(self) -> None:
        """Compete until cancelled or released."""
        async with asyncio.TaskGroup() as group:
            for shard, seat in self._seats.items():
                group.create_task(self._keep(shard, seat))

    async def release(self) -> None:
        """Stop writing and give the Leases back, so that another replica goes on at once."""
        self._released = True
        for seat in self._seats.values():
            await seat.give_back()

    async def _keep(self, shard: int, seat: Seat) -> None:
        while not self._released:
            try:
                await seat.term()
            except KubeError as error:
                logger.warning("shard %d: %s; competing again", shard, error)
                await self._clock.sleep(PAUSE_SECONDS)
