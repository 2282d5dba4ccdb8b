"""An API server in the test's own process, spoken to over HTTP on loopback.

The real client, and kopf, pass through it as through the real one. It knows the rules all
kinds share, as far as our code leans on them: versions and conflicts, `/status` apart from the
rest, generations, finalizers, owner references, namespaces that end, pages, watches with
selectors and bookmarks, 410. It checks no schema, no rights, and runs no controllers but the
garbage collector and the namespace controller, which act at once instead of eventually.

A pod with a `spec.nodeName` that has not ended is deleted as on a node: it stays, marked, until
a second delete with `grace_seconds=0`, which is the kubelet's part.

    async with FakeApi() as api:
        api.register(WORKFLOWS)
        async with AiohttpClient(api.access()) as client:
            await client.create(WORKFLOWS, "default", workflow)
            await api.wait_for(PODS, lambda pod: pod["status"]["phase"] == "Pending")
            api.fault(Match(verb="create", plural="pods"), CommitThenCut())
            api.drop_watches()
            assert api.count(verb="create", plural="pods") == 1
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from builders.fake_api.failure import ApiFailure
from builders.fake_api.faults import Fault, Faults, LogEntry, Match, Which
from builders.fake_api.frontend import Frontend
from builders.fake_api.garbage import GarbageCollector
from builders.fake_api.kinds import Kind, Kinds
from builders.fake_api.rules import Rules
from builders.fake_api.store import Store
from builders.fake_api.watches import Watches
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.resources import NAMESPACES, Body, Resource

MAX_BODY_BYTES = 3 * 1024 * 1024  # as the real one
PATIENCE = 10.0
"""Seconds after which waiting for something is a failed test; never a pause."""


def system_now() -> datetime:
    """Return the machine's wall-clock time."""
    return datetime.now(UTC)


class FakeApi:
    """The server, and a test's back door to it. Use it as an async context manager.

    What the Python methods do is neither logged nor subject to faults.
    """

    def __init__(self, now: Callable[[], datetime] = system_now) -> None:
        """Prepare a server with the built-in kinds and the namespace `default`.

        Args:
            now: Gives the time for timestamps; `FakeClock().now` for a still one.
        """
        self._store = Store()
        self._kinds = Kinds()
        self._rules = Rules(self._store, now)
        self._changed = asyncio.Event()
        self._faults = Faults()
        self._watches = Watches(self._store, self._wake)
        GarbageCollector(self._store, self._rules, self._kinds)
        self._frontend = Frontend(
            self._store, self._kinds, self._rules, self._watches, self._faults
        )
        self._frontend.on_logged = self._wake
        self._store.listen(lambda _: self._wake())
        self._runner: web.AppRunner | None = None
        self.url = ""
        self._add_namespace("default")

    async def __aenter__(self) -> FakeApi:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._frontend.handle)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._watches.resume()
        self._watches.end()
        if self._runner is not None:
            await self._runner.cleanup()

    def access(self) -> ClusterAccess:
        """Return how a client reaches this server."""
        return ClusterAccess(server=self.url)

    def register(
        self, *resources: Resource, has_status: bool = True, short_names: tuple[str, ...] = ()
    ) -> None:
        """Serve custom kinds."""
        for resource in resources:
            self._kinds.add(Kind(resource, has_status, builtin=False, short_names=short_names))

    # Objects

    async def create(self, resource: Resource, body: Body, namespace: str = "default") -> Body:
        """Create an object, with its status; the namespace of the body goes first."""
        kind = self._kinds.of(resource)
        place = (body.get("metadata") or {}).get("namespace") or namespace
        filled = {"apiVersion": resource.api_version, "kind": resource.kind} | body
        created = self._rules.create(kind, place if resource.namespaced else None, filled)
        if "status" in body and kind.has_status:
            return await self.patch_status(resource, created["metadata"]["name"], body["status"],
                                           namespace=place)  # fmt: skip
        return copy.deepcopy(created)

    async def create_namespace(self, name: str) -> Body:
        """Create a namespace."""
        return copy.deepcopy(self._add_namespace(name))

    async def get(self, resource: Resource, name: str, namespace: str = "default") -> Body:
        """Return an object. Raises ApiFailure 404 if it is not there."""
        kind = self._kinds.of(resource)
        return copy.deepcopy(self._rules.read(kind, _key(resource, name, namespace)))

    async def objects(self, resource: Resource, namespace: str | None = None) -> list[Body]:
        """Return all objects of a kind, in the order of their names."""
        return copy.deepcopy(self._store.all(resource, namespace))

    async def patch(
        self, resource: Resource, name: str, patch: Body, namespace: str = "default"
    ) -> Body:
        """Apply a merge patch to everything but the status."""
        kind, key = self._kinds.of(resource), _key(resource, name, namespace)
        return copy.deepcopy(self._rules.patch(kind, key, patch, ""))

    async def patch_status(
        self, resource: Resource, name: str, status: Body, namespace: str = "default"
    ) -> Body:
        """Apply a merge patch to the status."""
        kind, key = self._kinds.of(resource), _key(resource, name, namespace)
        return copy.deepcopy(self._rules.patch(kind, key, {"status": status}, "status"))

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "default",
        *,
        grace_seconds: int | None = None,
    ) -> None:
        """Delete an object; finalizers hold it back as ever."""
        options: Body = {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
        self._rules.delete(self._kinds.of(resource), _key(resource, name, namespace), options)

    # Waiting

    async def wait_for(
        self, resource: Resource, predicate: Callable[[Body], Any], *, seconds: float = PATIENCE
    ) -> Body:
        """Return the first object that satisfies the predicate, now or as soon as there is one."""
        found: list[Body] = []

        def look() -> bool:
            found[:] = [body for body in self._store.all(resource) if predicate(body)]
            return bool(found)

        await self.wait_until(look, seconds=seconds)
        return copy.deepcopy(found[0])

    async def wait_gone(
        self,
        resource: Resource,
        name: str,
        namespace: str = "default",
        *,
        seconds: float = PATIENCE,
    ) -> None:
        """Wait until an object is not there."""
        key = _key(resource, name, namespace)
        await self.wait_until(lambda: self._store.get(resource, key) is None, seconds=seconds)

    async def wait_watched(self, *resources: Resource, seconds: float = PATIENCE) -> None:
        """Wait until each of the kinds is watched by someone."""
        await self.wait_until(lambda: all(map(self._watches.count, resources)), seconds=seconds)

    async def wait_until(self, condition: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        """Wait for a condition; looked at after each write, request and watch opened or closed.

        Raises:
            TimeoutError: It did not come about.
        """
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    # Trouble

    def fault(self, match: Which, fault: Fault, times: int = 1) -> None:
        """Let a fault (see `faults`) befall the next so many matching requests."""
        self._faults.arm(match, fault, times)

    def clear_faults(self) -> None:
        """Disarm all faults."""
        self._faults.clear()

    def compact(self) -> None:
        """Forget the past: old resourceVersions and continue tokens answer 410."""
        self._store.compact()

    def drop_watches(self, resource: Resource | None = None) -> None:
        """Cut the connections of watches; what was on its way to them is sent before."""
        self._watches.drop(resource)

    def drop_watches_in_mid_line(self, resource: Resource | None = None) -> None:
        """Cut the connections of watches in the middle of an event."""
        self._watches.drop_in_mid_line(resource)

    def end_watches(self, resource: Resource | None = None) -> None:
        """Close watches in order, as the real server does every few minutes."""
        self._watches.end(resource)

    def fail_watches(self, failure: ApiFailure, resource: Resource | None = None) -> None:
        """Send watches an error event, such as `ApiFailure(410, "Expired", "...")`."""
        self._watches.send_error(failure, resource)

    def bookmark(self, resource: Resource | None = None) -> None:
        """Send a bookmark to every watch that wants them."""
        self._watches.bookmark(resource)

    @asynccontextmanager
    async def silent_watches(self) -> AsyncIterator[None]:
        """Keep all events back inside the block: caches fall behind; afterwards they catch up."""
        self._watches.pause()
        try:
            yield
        finally:
            self._watches.resume()

    # Looking back

    @property
    def log(self) -> list[LogEntry]:
        """Every request answered so far, in order."""
        return self._frontend.log

    def clear_log(self) -> None:
        """Begin counting anew."""
        self._frontend.log.clear()

    def count(
        self,
        verb: str | None = None,
        plural: str | None = None,
        *,
        name: str | None = None,
        subresource: str | None = None,
        user_agent: str | None = None,
    ) -> int:
        """Return how many requests were answered; None means any."""
        match = Match(verb, plural, name, subresource, user_agent)
        return sum(match(entry.call) for entry in self.log)

    def watches(self, resource: Resource | None = None) -> int:
        """Return how many watches are open."""
        return self._watches.count(resource)

    @property
    def version(self) -> str:
        """The newest resourceVersion."""
        return str(self._store.version)

    def _add_namespace(self, name: str) -> Body:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        return self._rules.create(self._kinds.of(NAMESPACES), None, body)

    def _wake(self) -> None:
        self._changed.set()


def _key(resource: Resource, name: str, namespace: str) -> tuple[str | None, str]:
    return (namespace if resource.namespaced else None, name)
