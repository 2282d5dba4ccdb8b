"""This replica's own Lease, by which the others know that it is there and what it asks for.

Nobody competes for it, so a renewal is one write, without a look before.
"""

from __future__ import annotations

import asyncio
import logging

from ..api.constants import ANNOTATION_ASKS, LABEL_LEASE
from ..kube.errors import KubeError, NotFound
from ..kube.lease_record import micro_time
from ..kube.resources import LEASES, Body
from ..kube.waits import bounded
from .leases import REPLICA, LeaseRoom

logger = logging.getLogger(__name__)

LEAVE_ATTEMPTS = 3


class Presence:
    """Keeps the Lease while this replica takes part.

    Attributes:
        there: Whether the others have been told.
    """

    def __init__(self, room: LeaseRoom) -> None:
        self.there = False
        self._room = room
        self._client = room.client
        self._asks: int | None = None
        self._left = False
        self._absent_until = 0.0
        self._changed = asyncio.Event()

    def ask(self, shard: int | None) -> None:
        """Let the others know which shard we are ready to take over."""
        if shard != self._asks:
            self._asks = shard
            self._changed.set()

    def rest(self, seconds: float) -> None:
        """Take no part for so long: the others do the work meanwhile."""
        self.there = False
        self._absent_until = self._room.clock.monotonic() + seconds
        self._changed.set()

    async def run(self) -> None:
        """Renew the Lease until cancelled or left."""
        while not self._left:
            self._changed.clear()
            absent = self._absent_until - self._room.clock.monotonic()
            if absent > 0:
                await self._delete(attempts=1)
            elif await self._write():
                self.there = True
            pause = absent if absent > 0 else self._room.times.retry_period
            await bounded(self._room.clock, self._changed.wait(), pause)

    async def leave(self) -> None:
        """Tell the others that we are gone, for good."""
        self._left = True
        self._changed.set()
        if self.there:
            self.there = False
            await self._delete(attempts=LEAVE_ATTEMPTS)

    async def _write(self) -> bool:
        try:
            return await self._patch() or await self._create()
        except KubeError as error:
            logger.warning("lease %s: %s", self._room.replica_lease, error)
            return False

    async def _patch(self) -> bool:
        room = self._room
        try:
            await self._client.patch(LEASES, room.namespace, room.replica_lease, self._body())
        except NotFound:
            return False
        return True

    async def _create(self) -> bool:
        if self._left:
            return False  # a renewal came to a Lease that we have just deleted
        room, body = self._room, self._body()
        meta = body["metadata"] | {"name": room.replica_lease, "namespace": room.namespace}
        kind = {"apiVersion": LEASES.api_version, "kind": LEASES.kind}
        await self._client.create(LEASES, room.namespace, body | kind | {"metadata": meta})
        return True

    def _body(self) -> Body:
        room = self._room
        asks = "" if self._asks is None else str(self._asks)
        told = {**room.annotations, ANNOTATION_ASKS: asks}
        spec = {
            "holderIdentity": room.identity,
            "leaseDurationSeconds": int(room.times.duration),
            "renewTime": micro_time(room.clock.now()),
        }
        return {"metadata": {"annotations": told, "labels": {LABEL_LEASE: REPLICA}}, "spec": spec}

    async def _delete(self, attempts: int) -> None:
        room = self._room
        for _ in range(attempts):
            try:
                await self._client.delete(LEASES, room.namespace, room.replica_lease)
            except NotFound:
                return
            except KubeError as error:
                logger.warning("lease %s: not deleted: %s", room.replica_lease, error)
            else:
                return
