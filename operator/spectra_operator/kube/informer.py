"""A cache of one kind of objects that follows the API server.

LIST in pages, then WATCH with bookmarks; a cut watch resumes where it stopped; a moment too
long ago is followed by a fresh list, and what it no longer holds is reported as deleted. The
cache never goes back in time: resourceVersions are compared as numbers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from spectra_operator.kube.backoff import Backoff
from spectra_operator.kube.errors import Gone, KubeError, Throttled
from spectra_operator.kube.resources import (
    Body,
    Resource,
    name_of,
    namespace_of,
    parse_version,
    uid_of,
    version_of,
)

if TYPE_CHECKING:
    from spectra_operator.kube.client import KubeClient, Listing, WatchEvent
    from spectra_operator.kube.clock import Clock

logger = logging.getLogger(__name__)

Key = tuple[str | None, str]
"""Namespace (None for cluster-scoped kinds) and name."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one object in the cache.

    Attributes:
        kind: added, modified or deleted. An object that another one of its name replaced is
            deleted, and the other added.
        new: What is kept of the object now; None when deleted.
        old: What was kept of it before; None when added.
        whole: The object now with all that is not kept; None when deleted.
    """

    kind: Literal["added", "modified", "deleted"]
    new: Body | None
    old: Body | None
    whole: Body | None


def identity(body: Body) -> Body:
    """Return the object as it is."""
    return body


class Informer:
    """Keeps the cache and tells about every change in it.

    `on_change` is called synchronously, after the cache was changed, and must not raise: an
    exception ends `run`, since a cache that lost a change is of no use to anyone.

    Attributes:
        synced: Set once the first list is in the cache.
    """

    def __init__(  # noqa: PLR0913 - what to follow (4) and what it needs for that (3)
        self,
        client: KubeClient,
        resource: Resource,
        *,
        clock: Clock,
        on_change: Callable[[Change], None],
        label_selector: str = "",
        namespace: str | None = None,
        transform: Callable[[Body], Body] = identity,
    ) -> None:
        """Prepare an empty cache.

        Args:
            client: Where to list and watch.
            resource: The kind.
            clock: Times backoff and activity.
            on_change: Told about every change.
            label_selector: Only objects with such labels, chosen by the server.
            namespace: Only this namespace; None for all.
            transform: Makes objects smaller before they are kept; must keep the metadata's
                name, namespace, uid and resourceVersion.
        """
        self.synced = asyncio.Event()
        self._client = client
        self._resource = resource
        self._clock = clock
        self._on_change = on_change
        self._selector = label_selector
        self._namespace = namespace
        self._transform = transform
        self._items: dict[Key, Body] = {}
        self._seen = 0  # every change up to this resourceVersion is in the cache
        self._backoff = Backoff()
        self._active_at = clock.monotonic()
        self._failed_at = self._active_at

    @property
    def plural(self) -> str:
        """The kind that it follows, as URLs have it."""
        return self._resource.plural

    @property
    def namespace(self) -> str | None:
        """The namespace that it follows; None for all."""
        return self._namespace

    def get(self, namespace: str | None, name: str) -> Body | None:
        """Return an object as last seen, or None."""
        return self._items.get((namespace, name))

    def items(self) -> Iterable[Body]:
        """Return all objects as last seen: a live view, to be read without awaiting."""
        return self._items.values()

    def __len__(self) -> int:
        return len(self._items)

    def seconds_since_activity(self) -> float:
        """Return the age of the last list, event or bookmark, for health checks."""
        return self._clock.monotonic() - self._active_at

    def seconds_of_silence(self) -> float:
        """Return the same, but count a refused or broken call as a sign of life, too.

        Whoever hears errors follows still; a restart would not bring the API server back.
        """
        return self._clock.monotonic() - max(self._active_at, self._failed_at)

    def put(self, body: Body) -> None:
        """Lay the answer to our own write over the cache, unless the cache is newer.

        An answer can come after the watch told about a later state, even a deletion; such a
        late one is dropped.
        """
        self._store(body, covered=self._seen)

    async def refresh(self) -> None:
        """List now and bring the cache up to that moment.

        Raises:
            KubeError: The list failed; the cache is as before.
        """
        listing = await self._client.list(
            self._resource, self._namespace, label_selector=self._selector
        )
        self._active_at = self._clock.monotonic()
        self._merge(listing)
        self.synced.set()

    async def run(self) -> None:
        """Follow the API server until cancelled."""
        relist = not self.synced.is_set()
        while True:
            try:
                if relist:
                    await self.refresh()
                    relist = False
                progressed = await self._follow()
            except Gone:
                logger.info("%s: the watch fell too far behind; listing", self._resource.plural)
                relist = True
                await self._clock.sleep(self._backoff.next())
            except KubeError as error:
                await self._wait_after(error)
            else:
                if not progressed:
                    await self._clock.sleep(self._backoff.next())

    async def _follow(self) -> bool:
        """Watch until the stream ends; return whether it brought anything."""
        stream = self._client.watch(
            self._resource,
            self._namespace,
            resource_version=str(self._seen),
            label_selector=self._selector,
        )
        progressed = False
        async with aclosing(stream) as events:
            async for event in events:
                self._active_at = self._clock.monotonic()
                self._apply(event)
                self._backoff.reset()
                progressed = True
        return progressed

    async def _wait_after(self, error: KubeError) -> None:
        delay = self._backoff.next()
        self._failed_at = self._clock.monotonic()
        if isinstance(error, Throttled):
            delay = max(delay, error.retry_after)
        logger.warning("%s: %s; again in %.1f s", self._resource.plural, error, delay)
        await self._clock.sleep(delay)

    def _apply(self, event: WatchEvent) -> None:
        version = version_of(event.object)
        if event.type == "DELETED":
            self._drop(_key(event.object), version)
        elif event.type in {"ADDED", "MODIFIED"}:
            self._store(event.object, covered=self._seen)
        self._seen = max(self._seen, version)

    def _merge(self, listing: Listing) -> None:
        moment = parse_version(listing.resource_version)
        if moment <= self._seen:
            return  # the watch has already told everything this list knows
        present = {_key(item) for item in listing.items}
        for item in listing.items:
            self._store(item, covered=0)
        for key in [key for key in self._items if key not in present]:
            self._drop(key, moment)
        self._seen = max(self._seen, moment)

    def _store(self, body: Body, *, covered: int) -> None:
        """Keep an object unless what is known is newer.

        An object that is absent, and no newer than what the cache has covered, was deleted
        since.
        """
        key = _key(body)
        old = self._items.get(key)
        if version_of(body) <= (covered if old is None else version_of(old)):
            return
        if old is not None and uid_of(old) != uid_of(body):
            self._drop(key, version_of(body))  # another object of that name: two lives, not one
            old = None
        kept = self._transform(body)
        self._items[_key(kept)] = kept
        self._on_change(Change("added" if old is None else "modified", kept, old, body))

    def _drop(self, key: Key, version: int) -> None:
        old = self._items.get(key)
        if old is None or version_of(old) > version:
            return
        del self._items[key]
        self._on_change(Change("deleted", None, old, None))


def _key(body: Body) -> Key:
    return (namespace_of(body), name_of(body))
