"""Follows one Lease by a watch, so that what becomes of it is known at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from spectra_operator.kube.errors import KubeError
from spectra_operator.kube.lease_record import holder_of
from spectra_operator.kube.resources import LEASES, Body, version_of

if TYPE_CHECKING:
    from spectra_operator.kube.client import KubeClient
    from spectra_operator.kube.clock import Clock
    from spectra_operator.kube.watching import WatchEvent

logger = logging.getLogger(__name__)


class FollowsLease(Protocol):
    """Tells what becomes of a Lease."""

    async def run(
        self, seen: Callable[[], Body | None], heard: Callable[[WatchEvent], None], /
    ) -> None:
        """Follow the Lease until cancelled."""
        ...


class ToldElsewhere:
    """For a Lease of which a watch of many tells its lock, by `observe` and `forget`."""

    async def run(
        self, _seen: Callable[[], Body | None], _heard: Callable[[WatchEvent], None]
    ) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()


class LeaseWatch:
    """Watches one Lease, for as long as `run` is awaited."""

    def __init__(
        self, client: KubeClient, clock: Clock, namespace: str, name: str, *, pause: float
    ) -> None:
        """`pause` is what passes before each watch is opened, in seconds."""
        self._client = client
        self._clock = clock
        self._namespace = namespace
        self._name = name
        self._pause = pause

    async def run(
        self, seen: Callable[[], Body | None], heard: Callable[[WatchEvent], None]
    ) -> None:
        """Follow the Lease until cancelled.

        Args:
            seen: The Lease as it was read last; what comes after it is told.
            heard: Told of every event but bookmarks.
        """
        while True:
            await self._clock.sleep(self._pause)
            known = seen()
            if known is None:
                continue
            stream = self._client.watch(
                LEASES,
                self._namespace,
                resource_version=known["metadata"]["resourceVersion"],
                field_selector=f"metadata.name={self._name}",
            )
            try:
                async with aclosing(stream) as events:
                    async for event in events:
                        if event.type != "BOOKMARK":
                            heard(event)
            except KubeError as error:
                logger.debug("lease %s: no watch, only attempts: %s", self._name, error)


def is_free(event: WatchEvent) -> bool:
    """Whether nobody holds the Lease any more."""
    return event.type == "DELETED" or not holder_of(event.object)


def loss(event: WatchEvent, seen: Body, identity: str) -> str:
    """Return why a Lease that we hold is not ours any more; empty if it is, or for old news.

    Args:
        event: What became of it.
        seen: The Lease as we read or wrote it last.
        identity: Who we are.
    """
    if version_of(event.object) <= version_of(seen):
        return ""
    if event.type == "DELETED":
        return "it was deleted"
    holder = holder_of(event.object)
    return "" if holder == identity else f"it is held by {holder or 'nobody'}"
