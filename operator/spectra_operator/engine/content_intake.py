"""Follows ConfigMaps and Secrets where the installer allows it; only digests are kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial

from ..core.rollout.revision import digest
from ..kube.backoff import Backoff
from ..kube.client import KubeClient
from ..kube.errors import KubeError
from ..kube.informer import Change, Informer
from ..kube.resources import CONFIG_MAPS, SECRETS, Body, name_of
from .parts import Parts

logger = logging.getLogger(__name__)

_DIGESTS = "digests"
_KEPT = ("name", "namespace", "uid", "resourceVersion")


def only_digests(body: Body) -> Body:
    """Return an object with a digest in place of each value.

    A Secret's values are taken as they are written, in base64: each value has one such form. Keys
    of `binaryData` are none that an environment variable can refer to.
    """
    values = body.get("data") or {}
    return {
        "metadata": {field: body["metadata"][field] for field in _KEPT},
        _DIGESTS: {key: digest(value.encode()) for key, value in values.items()},
    }


class _Place:
    """One namespace: its two caches, and whether they may be behind."""

    def __init__(self, namespace: str, informers: tuple[Informer, ...]) -> None:
        self.namespace = namespace
        self.informers = informers
        self.behind = asyncio.Event()


class ContentIntake:
    """Two caches for each namespace that the installer names, on every replica.

    A namespace that cannot be read holds up new revisions of its own agents, and nothing else.
    """

    def __init__(self, client: KubeClient, parts: Parts, concerns: Callable[[str], bool]) -> None:
        """Prepare; `concerns` tells whether this replica writes in a namespace now."""
        self._parts = parts
        self._book = parts.agents.contents
        self._concerns = concerns
        self._places = [
            _Place(
                namespace,
                tuple(
                    Informer(
                        client,
                        resource,
                        clock=parts.clock,
                        on_change=partial(self._changed, resource.kind, namespace),
                        namespace=namespace,
                        transform=only_digests,
                    )
                    for resource in (CONFIG_MAPS, SECRETS)
                ),
            )
            for namespace in self._book.namespaces
        ]

    def watches(self) -> Iterator[tuple[str, Informer]]:
        """Yield all caches with the kind of their objects."""
        for place in self._places:
            yield from zip(("ConfigMap", "Secret"), place.informers, strict=True)

    async def run(self) -> None:
        """Follow them until cancelled."""
        async with asyncio.TaskGroup() as group:
            for place in self._places:
                group.create_task(self._catch_up(place))
                for informer in place.informers:
                    group.create_task(informer.run())

    async def refresh(self, concerns: Callable[[str], bool]) -> None:
        """Bring the namespaces that a test chooses up to now.

        Whoever led before may have seen a change that the watch has not told yet; by what was
        before it, the former content would be taken for a new revision.
        """
        for place in self._places:
            if concerns(place.namespace):
                await self._bring_up(place)

    async def _bring_up(self, place: _Place) -> bool:
        """List a namespace and return whether that worked."""
        try:
            for informer in place.informers:
                await informer.refresh()
        except KubeError as error:
            logger.warning("content of namespace %s cannot be read: %s", place.namespace, error)
            self._book.mark(place.namespace, current=False)
            place.behind.set()
            return False
        self._book.mark(place.namespace, current=True)
        place.behind.clear()
        return True

    async def _catch_up(self, place: _Place) -> None:
        """Try again to list a namespace while that has failed."""
        backoff = Backoff()
        while True:
            await place.behind.wait()
            if await self._bring_up(place):
                backoff.reset()
                self._wake(place.namespace)
            else:
                await self._parts.clock.sleep(backoff.next())

    def _changed(self, kind: str, namespace: str, change: Change) -> None:
        name = name_of(change.new or change.old or {})
        now, before = _digests(change.new), _digests(change.old)
        if now != before:
            self._book.put(kind, namespace, name, now)
            self._wake(namespace, kind, name)

    def _wake(self, namespace: str, kind: str = "", name: str = "") -> None:
        if not self._concerns(namespace):
            return
        for key in self._parts.agents.referring(namespace, kind, name):
            self._parts.queue.add(key)


def _digests(body: Body | None) -> dict[str, str]:
    return body[_DIGESTS] if body else {}
