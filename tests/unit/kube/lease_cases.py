"""A Lease on a server of its own, and who competes for it, on a clock that stands still."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator
from typing import Any, cast

from builders.clock import FakeClock
from spectra_operator.kube.client import KubeClient, WatchEvent
from spectra_operator.kube.errors import AlreadyExists, Conflict, KubeError, NotFound, Unreachable
from spectra_operator.kube.lease import LeaseLock
from spectra_operator.kube.lease_record import Candidacy
from spectra_operator.kube.lease_watch import FollowsLease
from spectra_operator.kube.resources import Body, Resource


class OneLease:
    """A server with room for one Lease, which can be slow or out of reach."""

    def __init__(self, clock: FakeClock) -> None:
        self.lease: Body | None = None
        self.down: KubeError | None = None
        self.lose_answers = False
        self.latency = 0.0
        self.writes = 0
        self._clock = clock
        self._version = 0
        self._watchers: list[asyncio.Queue[WatchEvent]] = []

    async def get(self, resource: Resource, namespace: str, name: str) -> Body:
        await self._travel()
        if self.lease is None:
            raise NotFound("no lease", status=404)
        return copy.deepcopy(self.lease)

    async def create(self, resource: Resource, namespace: str, body: Body) -> Body:
        await self._travel()
        if self.lease is not None:
            raise AlreadyExists("there is one", status=409)
        return self._commit(body, "ADDED")

    async def replace(self, resource: Resource, namespace: str, name: str, body: Body) -> Body:
        await self._travel()
        assert self.lease is not None
        version = self.lease["metadata"]["resourceVersion"]
        if body["metadata"]["resourceVersion"] != version:
            raise Conflict("changed since", status=409)
        return self._commit(body, "MODIFIED")

    def delete(self) -> None:
        """Delete the Lease, as anybody may who has the right to."""
        self._version += 1
        self._tell("DELETED", self._as_of(self.lease or {}))
        self.lease = None

    def write_in(self, holder: str) -> None:
        """Write a holder in, whoever has the Lease."""
        self._commit({**(self.lease or {}), "spec": self.spec | {"holderIdentity": holder}})

    def make(self, holder: str) -> None:
        """Make the Lease anew for somebody."""
        metadata = {"name": "shard-0", "namespace": "ns"}
        self._commit({"metadata": metadata, "spec": {"holderIdentity": holder}}, "ADDED")

    def tell_again(self, holder: str) -> None:
        """Let watches bring what was long ago."""
        past = self._as_of({**(self.lease or {}), "spec": {"holderIdentity": holder}})
        past["metadata"]["resourceVersion"] = "1"
        self._tell("MODIFIED", past)

    async def watch(self, *args: Any, **selectors: str) -> AsyncGenerator[WatchEvent, None]:
        queue: asyncio.Queue[WatchEvent] = asyncio.Queue()
        self._watchers.append(queue)
        yield WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": str(self._version)}})
        while True:
            yield await queue.get()

    async def _travel(self) -> None:
        if self.latency:
            await self._clock.sleep(self.latency)
        if self.down is not None:
            raise self.down

    def _commit(self, body: Body, kind: str = "MODIFIED") -> Body:
        self.writes += 1
        self._version += 1
        self.lease = self._as_of(body)
        self._tell(kind, self.lease)
        if self.lose_answers:
            raise Unreachable("the answer is lost", ambiguous=True)
        return copy.deepcopy(self.lease)

    def _as_of(self, body: Body) -> Body:
        metadata = body["metadata"] | {"resourceVersion": str(self._version)}
        return copy.deepcopy(body) | {"metadata": metadata}

    def _tell(self, kind: str, body: Body) -> None:
        for queue in self._watchers:
            queue.put_nowait(WatchEvent(kind, body))

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease is not None
        spec: dict[str, Any] = self.lease["spec"]
        return spec


def a_lock(
    server: OneLease,
    clock: FakeClock,
    identity: str = "one",
    watch: FollowsLease | None = None,
    **candidacy: Any,
) -> LeaseLock:
    """Return a lock of the server's Lease."""
    ours = Candidacy("ns", "shard-0", identity, **candidacy)
    return LeaseLock(cast("KubeClient", server), clock, ours, watch)


class Contender:
    """A lock that runs, and a diary of what it was told."""

    def __init__(self, server: OneLease, clock: FakeClock, identity: str) -> None:
        self.diary: list[str] = []
        self.lock = a_lock(server, clock, identity)
        self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        """Compete for one term."""
        await self.lock.run(self._acquired, self._lost)

    async def _acquired(self) -> None:
        self.diary.append("acquired")

    def _lost(self) -> None:
        assert not self.lock.held()
        self.diary.append("lost")

    async def stop(self) -> None:
        """End as a process does that is killed."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
