"""Watches: who follows which kind, and what is on its way to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import web

from builders.fake_api.failure import ApiFailure
from builders.fake_api.selectors import Predicate
from builders.fake_api.store import Store, StoreEvent, encode
from spectra_operator.kube.resources import Resource


@dataclass(frozen=True, slots=True)
class Interest:
    """What one watch asked for.

    Attributes:
        resource: The kind.
        namespace: None for all.
        selects: Its selectors.
        since: The resourceVersion after which to begin; 0 to begin with what there is.
        bookmarks: Whether it wants bookmarks.
        seconds: After which it is to be closed.
    """

    resource: Resource
    namespace: str | None
    selects: Predicate
    since: int
    bookmarks: bool
    seconds: float

    def line(self, event: StoreEvent) -> bytes | None:
        """Return what the event looks like to this watch; None for nothing at all."""
        if event.resource != self.resource:
            return None
        if self.namespace not in {None, event.body["metadata"].get("namespace")}:
            return None
        matched = event.previous is not None and self.selects(event.previous)
        if event.removed:
            return event.line("DELETED") if matched else None
        if not self.selects(event.body):
            return event.line("DELETED") if matched else None
        return event.line("MODIFIED" if matched else "ADDED")


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a watch: some last bytes, then the connection is cut or ends in order."""

    last_bytes: bytes = b""
    cut: bool = True


class _Watch:
    def __init__(self, interest: Interest) -> None:
        self.interest = interest
        self.outbox: asyncio.Queue[bytes | _End] = asyncio.Queue()


class Watches:
    """All open watches."""

    def __init__(self, store: Store, on_change: Callable[[], None]) -> None:
        """Listen to the store; `on_change` is told when a watch opens or closes."""
        self._store = store
        self._on_change = on_change
        self._open: set[_Watch] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        store.listen(self._on_event)

    def count(self, resource: Resource | None = None) -> int:
        """Return how many watches are open, of one kind or of all."""
        return len(self._of(resource))

    def pause(self) -> None:
        """Keep everything back: watches stay open and silent, caches fall behind."""
        self._flowing.clear()

    def resume(self) -> None:
        """Send what was kept back, and what comes."""
        self._flowing.set()

    def bookmark(self, resource: Resource | None = None) -> None:
        """Tell the watches that want to know which version they have reached."""
        for watch in self._of(resource):
            if watch.interest.bookmarks:
                watch.outbox.put_nowait(self._bookmark_line(watch.interest.resource))

    def end(self, resource: Resource | None = None) -> None:
        """Close watches in order, as after their timeout."""
        self._finish(resource, _End(cut=False))

    def drop(self, resource: Resource | None = None) -> None:
        """Cut the connections of watches."""
        self._finish(resource, _End())

    def drop_in_mid_line(self, resource: Resource | None = None) -> None:
        """Cut the connections in the middle of an event."""
        self._finish(resource, _End(b'{"type":"ADDED","object":{"metadata":{"na'))

    def send_error(self, failure: ApiFailure, resource: Resource | None = None) -> None:
        """Send an error event and close, as a server does when it lost track."""
        line = encode({"type": "ERROR", "object": failure.status_object()}) + b"\n"
        self._finish(resource, _End(line, cut=False))

    async def serve(self, request: web.Request, interest: Interest) -> web.StreamResponse:
        """Answer a watch request for as long as the watch lasts."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        watch = _Watch(interest)
        self._replay(watch)
        async with self._opened(watch):
            await response.prepare(request)
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(interest.seconds):
                    await self._send(request, response, watch)
        return response

    @contextlib.asynccontextmanager
    async def _opened(self, watch: _Watch) -> AsyncIterator[None]:
        self._open.add(watch)
        self._on_change()
        try:
            yield
        finally:
            self._open.discard(watch)
            self._on_change()

    async def _send(
        self, request: web.Request, response: web.StreamResponse, watch: _Watch
    ) -> None:
        while True:
            item = await watch.outbox.get()
            if not isinstance(item, _End):
                await self._flowing.wait()
                await response.write(item)
                continue
            if item.last_bytes:
                await response.write(item.last_bytes)
            if item.cut and request.transport is not None:
                request.transport.close()
            return

    def _replay(self, watch: _Watch) -> None:
        resource = watch.interest.resource
        if watch.interest.since == 0:
            for body in self._store.all(resource):
                self._offer(watch, StoreEvent(resource, body, None, self._store.version))
            return
        try:
            missed = self._store.since(resource, watch.interest.since)
        except ApiFailure as failure:
            line = encode({"type": "ERROR", "object": failure.status_object()}) + b"\n"
            watch.outbox.put_nowait(_End(line, cut=False))
            return
        for event in missed:
            self._offer(watch, event)

    def _on_event(self, event: StoreEvent) -> None:
        for watch in self._open:
            self._offer(watch, event)

    def _offer(self, watch: _Watch, event: StoreEvent) -> None:
        line = watch.interest.line(event)
        if line is not None:
            watch.outbox.put_nowait(line)

    def _finish(self, resource: Resource | None, end: _End) -> None:
        for watch in self._of(resource):
            watch.outbox.put_nowait(end)

    def _of(self, resource: Resource | None) -> list[_Watch]:
        return [
            watch for watch in self._open if resource is None or watch.interest.resource == resource
        ]

    def _bookmark_line(self, resource: Resource) -> bytes:
        reached = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"resourceVersion": str(self._store.version)},
        }
        return encode({"type": "BOOKMARK", "object": reached}) + b"\n"
