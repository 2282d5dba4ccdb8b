"""Follow a namespace by watches: waits end on the event that they wait for, never by a timer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.client import AiohttpClient, Listing
from spectra_operator.kube.errors import Gone, Throttled
from spectra_operator.kube.resources import Body, Resource, name_of, uid_of, version_of

T = TypeVar("T")
OnEvent = Callable[[str, Body, float], None]


class DeadlinePassed(AssertionError):  # noqa: N818 - reads as the sentence pytest prints
    """What was waited for did not come."""


class Follower:
    """The objects of some kinds in one namespace as the API server last told of them.

    Attributes:
        namespace: The namespace.
    """

    def __init__(
        self,
        access: ClusterAccess,
        namespace: str | None,
        resources: Iterable[Resource],
        *,
        redefined: Iterable[Resource] = (),
    ) -> None:
        """Prepare; nothing is followed before `running`.

        Args:
            access: The way to the cluster.
            namespace: The namespace; None for all, or for kinds that have none.
            resources: The kinds.
            redefined: Those whose definition may be replaced meanwhile. The API server then ends
                their watches and forgets what came before; so they are listed anew, and may be
                seen to skip a state.
        """
        self.namespace = namespace
        self._redefined = {r.kind for r in redefined}
        self._client = AiohttpClient(access)
        self._items: dict[str, dict[str, Body]] = {r.kind: {} for r in resources}
        self._seen: dict[str, int] = {}
        self._resources = {r.kind: r for r in resources}
        self._listeners: list[tuple[str, OnEvent]] = []
        self._bell = asyncio.Event()
        self._broken: BaseException | None = None

    def listen(self, kind: str, on_event: OnEvent) -> None:
        """Tell about every event of a kind from now on."""
        self._listeners.append((kind, on_event))

    def get(self, kind: str, name: str) -> Body | None:
        """Return an object as last seen."""
        return self._items[kind].get(name)

    def all(self, kind: str) -> list[Body]:
        """Return all objects of a kind as last seen."""
        return list(self._items[kind].values())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Follower]:
        """Follow until the end of the block; all kinds are listed when it begins."""
        for kind, resource in self._resources.items():
            self._compare(kind, await self._client.list(resource, self.namespace))
        tasks = [asyncio.create_task(self._follow(kind)) for kind in self._resources]
        try:
            yield self
        finally:
            # Connections first: a cancelled watch would leave its own to a handshake that
            # nobody waits for.
            await self._client.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, what: str, probe: Callable[[], T | None], seconds: float = 90.0) -> T:
        """Wait until `probe` returns something true and return it; looked at after every event.

        Raises:
            DeadlinePassed: It did not within `seconds`.
        """
        try:
            async with asyncio.timeout(seconds):
                while not (found := probe()):
                    if self._broken:
                        raise self._broken
                    await self._bell.wait()
        except TimeoutError:
            raise DeadlinePassed(f"within {seconds:.0f} s not seen: {what}") from None
        return found

    async def caught_up(self, kind: str) -> None:
        """Wait until everything that happened to a kind up to now has been seen."""
        listing = await self._client.list(self._resources[kind], self.namespace)
        newest = max((int(i["metadata"]["resourceVersion"]) for i in listing.items), default=0)
        await self.until(f"{kind} up to now", lambda: self._seen[kind] >= newest)

    async def _follow(self, kind: str) -> None:
        """Watch for ever; a gap in what was seen would make every proof void, so it is an end."""
        try:
            while True:
                try:
                    await self._watch(kind)
                except (Gone, Throttled):
                    if kind not in self._redefined:
                        raise
                    self._compare(kind, await self._listed_anew(kind))
        except Exception as error:
            self._broken = error
            self._ring()

    async def _watch(self, kind: str) -> None:
        stream = self._client.watch(
            self._resources[kind], self.namespace, resource_version=str(self._seen[kind])
        )
        async with aclosing(stream) as events:
            async for event in events:
                self._take(event.type, event.object, kind)

    async def _listed_anew(self, kind: str) -> Listing:
        """List when the API server can again: it says when to ask."""
        while True:
            try:
                return await self._client.list(self._resources[kind], self.namespace)
            except Throttled as busy:
                await asyncio.sleep(busy.retry_after)

    def _compare(self, kind: str, listing: Listing) -> None:
        """Tell of what differs from what was seen, as a watch would have."""
        present = {name_of(body): body for body in listing.items}
        for name, old in list(self._items[kind].items()):
            if name not in present or uid_of(present[name]) != uid_of(old):
                self._take("DELETED", old, kind)
        for name, body in present.items():
            known = self._items[kind].get(name)
            if known is None:
                self._take("ADDED", body, kind)
            elif version_of(known) != version_of(body):
                self._take("MODIFIED", body, kind)
        self._seen[kind] = int(listing.resource_version)
        self._ring()

    def _take(self, event: str, body: Body, kind: str) -> None:
        self._seen[kind] = max(self._seen.get(kind, 0), int(body["metadata"]["resourceVersion"]))
        if event != "BOOKMARK":
            if event == "DELETED":
                self._items[kind].pop(name_of(body), None)
            else:
                self._items[kind][name_of(body)] = body
            at = time.monotonic()
            for wanted, on_event in self._listeners:
                if wanted == kind:
                    on_event(event, body, at)
        self._ring()

    def _ring(self) -> None:
        self._bell.set()
        self._bell = asyncio.Event()
