"""Watches a namespace and writes a timeline; a watch that breaks goes on where it was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from bench.errors import BenchError
from bench.flavour import Item
from bench.timeline import Timeline
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.errors import Gone, KubeError
from spectra_operator.kube.resources import PODS, Body, Resource, name_of

TakeIn = Callable[[str, Body, float], None]
"""Takes an event, its object and the time."""


class Observer:
    """Follows pods and finished workflows; `timeline` may be replaced between runs.

    The API server ends the watch of a client that falls behind: it is opened again from the last
    version, or after a list when that version is gone, so that nothing is left out; what is late
    then is late in the figures.
    """

    def __init__(
        self,
        client: AiohttpClient,
        namespace: str,
        item_of: Callable[[Body], Item | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeline = Timeline()
        self.gaps = 0
        """How often a watch had to begin with a list again."""
        self._client = client
        self._namespace = namespace
        self._item_of = item_of
        self._clock = clock
        self._bell = asyncio.Event()
        self._broken: BaseException | None = None

    @asynccontextmanager
    async def watching(self, workflows: Resource | None, finished: str) -> AsyncIterator[Observer]:
        """Watch until the end of the block.

        Args:
            workflows: The kind of workflows; None watches pods alone.
            finished: Selector of workflows that have ended.
        """
        begun = [self._follow(PODS, "", self._take_pod)]
        if workflows is not None:
            begun.append(self._follow(workflows, finished, self._take_workflow))
        tasks = [asyncio.create_task(one) for one in begun]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, what: str, probe: Callable[[], bool], seconds: float) -> float:
        """Wait until `probe` is true, looked at after every event; return the time.

        Raises:
            BenchError: It was not within `seconds`, or the watch failed for good.
        """
        try:
            async with asyncio.timeout(seconds):
                while not probe():
                    if self._broken:
                        raise BenchError(f"the watch failed: {self._broken!r}") from self._broken
                    await self._bell.wait()
        except TimeoutError:
            seen = f"{len(self.timeline.pods)} pods seen, {self.timeline.ended} ended"
            raise BenchError(f"within {seconds:.0f} s not seen: {what}; {seen}") from None
        return self._clock()

    async def _follow(self, resource: Resource, selector: str, take: TakeIn) -> None:
        try:
            while True:
                try:
                    await self._from_a_list(resource, selector, take)
                except Gone:
                    self.gaps += 1
        except KubeError as error:
            self._broken = error
            self._ring()

    async def _from_a_list(self, resource: Resource, selector: str, take: TakeIn) -> None:
        listing = await self._client.list(resource, self._namespace, label_selector=selector)
        for body in listing.items:
            take("ADDED", body, self._clock())
        self._ring()
        version = listing.resource_version
        while True:
            stream = self._client.watch(
                resource, self._namespace, resource_version=version, label_selector=selector
            )
            async with aclosing(stream) as events:
                async for event in events:
                    version = event.object["metadata"]["resourceVersion"]
                    if event.type != "BOOKMARK":
                        take(event.type, event.object, self._clock())
                        self._ring()

    def _take_pod(self, event: str, body: Body, now: float) -> None:
        item = self._item_of(body)
        if item is not None:
            self.timeline.take(event, body, item, now)

    def _take_workflow(self, event: str, body: Body, now: float) -> None:
        if event != "DELETED":
            self.timeline.workflows.setdefault(name_of(body), now)

    def _ring(self) -> None:
        self._bell.set()
        self._bell = asyncio.Event()
