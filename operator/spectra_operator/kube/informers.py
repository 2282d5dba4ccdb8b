"""One cache over some namespaces: an informer each, as nobody may follow all of them.

The versions of objects in different namespaces say nothing of each other's watch: so each namespace
has a watch and a cache of its own, and only together do they look like one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import chain

from spectra_operator.kube.clock import Clock
from spectra_operator.kube.informer import Change, Informer, identity
from spectra_operator.kube.interface import KubeClient
from spectra_operator.kube.resources import Body, Resource, namespace_of


class Informers:
    """Keeps the caches of a kind in some namespaces, or in all, and tells about every change.

    Attributes:
        synced: Set once the first lists of all namespaces are in the cache.
    """

    def __init__(  # noqa: PLR0913 - what to follow (4) and what it needs for that (3)
        self,
        client: KubeClient,
        resource: Resource,
        namespaces: tuple[str, ...],
        *,
        clock: Clock,
        on_change: Callable[[Change], None],
        label_selector: str = "",
        transform: Callable[[Body], Body] = identity,
    ) -> None:
        """Prepare empty caches; without namespaces one follows the whole cluster.

        The other arguments are those of an :class:`Informer`.
        """
        self.synced = asyncio.Event()
        self._all = {
            namespace: Informer(
                client,
                resource,
                clock=clock,
                on_change=on_change,
                label_selector=label_selector,
                namespace=namespace,
                transform=transform,
            )
            for namespace in namespaces or (None,)
        }

    def get(self, namespace: str | None, name: str) -> Body | None:
        """Return an object as last seen, or None."""
        informer = self._of(namespace)
        return None if informer is None else informer.get(namespace, name)

    def each(self) -> Iterable[Informer]:
        """Return the informers, one for each namespace or one for all."""
        return self._all.values()

    def items(self) -> Iterable[Body]:
        """Return all objects as last seen: a live view, to be read without awaiting."""
        return chain.from_iterable(informer.items() for informer in self._all.values())

    def __len__(self) -> int:
        return sum(len(informer) for informer in self._all.values())

    def seconds_since_activity(self) -> float:
        """Return the age of the last list, event or bookmark of the most silent watch."""
        return max(informer.seconds_since_activity() for informer in self._all.values())

    def put(self, body: Body) -> None:
        """Lay the answer to our own write over the cache, unless the cache is newer."""
        informer = self._of(namespace_of(body))
        if informer is not None:  # an empty one is false
            informer.put(body)

    async def refresh(self) -> None:
        """List now and bring the caches up to that moment.

        Raises:
            KubeError: A list failed; the caches after it are as before.
        """
        for informer in self._all.values():
            await informer.refresh()
        self.synced.set()

    async def run(self) -> None:
        """Follow the API server until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._note_synced())
            for informer in self._all.values():
                group.create_task(informer.run())

    async def _note_synced(self) -> None:
        for informer in self._all.values():
            await informer.synced.wait()
        self.synced.set()

    def _of(self, namespace: str | None) -> Informer | None:
        return self._all.get(namespace if namespace in self._all else None)
