"""One replica of the operator in a test: real client, engine and Leases; it can be killed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import Any

from builders.clock import FakeClock
from builders.fake_api.server import FakeApi
from builders.specs import NAMESPACE
from spectra_operator.engine.engine import LISTED, Engine
from spectra_operator.engine.keys import RESOURCES
from spectra_operator.engine.leases import LeaseRoom
from spectra_operator.engine.measures import count_request
from spectra_operator.engine.settings import EngineSettings
from spectra_operator.engine.sharing import keeper_of
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.errors import Gone, KubeError
from spectra_operator.kube.resources import Resource
from spectra_operator.observability.metrics import Metrics
from spectra_operator.observability.prometheus import PrometheusClient

SYSTEM = "spectra-system"


class CountedClient(AiohttpClient):
    """The real client, which also tells how many of its calls have no answer yet."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.in_flight = 0
        call = self._transport.call

        async def counted(*given: Any, **more: Any) -> Any:
            self.in_flight += 1
            try:
                return await call(*given, **more)
            finally:
                self.in_flight -= 1

        self._transport.call = counted  # type: ignore[method-assign]


class CountedPrometheus(PrometheusClient):
    """The real client, which also tells how many of its calls have no answer yet."""

    def __init__(self) -> None:
        super().__init__()
        self.in_flight = 0

    async def ask(self, address: str, query: str) -> tuple[int, bytes]:
        """Ask, and count."""
        self.in_flight += 1
        try:
            return await super().ask(address, query)
        finally:
            self.in_flight -= 1


class Operator:
    """One replica of the operator: engine, Lease, and an intake that behaves as kopf's does."""

    def __init__(
        self,
        api: FakeApi,
        clock: FakeClock,
        identity: str,
        shards: int = 1,
        spans: Any = None,
        **settings: Any,
    ) -> None:
        self.identity = identity
        self._clock = clock
        access = replace(api.access(), token=lambda: identity)
        self.metrics = Metrics()
        counts = partial(count_request, self.metrics)
        self.client = CountedClient(access, connections=128, on_request=counts)
        self.lease_client = CountedClient(access, request_seconds=5.0)
        self.prometheus = CountedPrometheus()
        given = EngineSettings(
            shards=shards,
            identity=identity,
            prometheus_addresses=frozenset({"*"}),
            **settings,
        )
        self.engine = Engine(self.client, clock, self.metrics, given, self.prometheus, spans)
        address = f"http://{identity}"
        room = LeaseRoom(self.lease_client, SYSTEM, identity, clock, shards=shards, address=address)
        self.keeper = keeper_of(self.engine, room)
        self.engine.terms.holder_address = self.keeper.address
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def parts(self) -> Any:
        """The engine's parts."""
        return self.engine.parts

    @property
    def running(self) -> bool:
        """Whether it was neither killed nor stopped."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    def start(self, *, intake: bool = True, leases: bool = True) -> None:
        """Begin; without an intake or without Leases, somebody else must see to that part."""
        loop = asyncio.get_running_loop()
        work = [self.engine.run()]
        work += [self.keeper.run()] if leases else []
        work += [self._pump(resource) for resource in LISTED] if intake else []
        self._tasks = [loop.create_task(each) for each in work]

    def kill(self) -> None:
        """End everything at once, as SIGKILL does; what was sent may still arrive."""
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> None:
        """End in order, as SIGTERM does: give the Lease back, then end everything."""
        await self.keeper.release()
        self.kill()

    async def close(self) -> None:
        """Kill it and clear away."""
        self.kill()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()
        await self.lease_client.close()
        await self.prometheus.close()

    def leads(self) -> bool:
        """Whether it may write and start new work."""
        return self.engine.terms.may_write(NAMESPACE) and self.parts.admitting(NAMESPACE)

    def failures(self) -> list[BaseException]:
        """Return what ended parts of it that should never end."""
        done = [task for task in self._tasks if task.done() and not task.cancelled()]
        return [error for error in (task.exception() for task in done) if error]

    def memory(self) -> dict[str, int]:
        """Return how much is kept of workflows and phases, by what it is; empty for nothing."""
        parts = self.parts
        kept = {
            "bodies": sum(1 for _ in parts.store.of_kind("Phase"))
            + sum(1 for _ in parts.store.of_kind("Workflow")),
            "attempts": sum(len(parts.attempts.of(key)) for key in parts.attempts.phases()),
            "slots by agent": len(parts.attempts.by_agent),
            "slots by phase": len(parts.attempts.by_phase),
            "slots by workflow": len(parts.attempts.by_workflow),
            "phases": len(parts.phases),
            "workflows": len(parts.workflows),
            "expiring": len(self.engine.history),
            "releasing": len(parts.releasing),
            "triggers": len(parts.triggers),
            "ready": sum(len(parts.scheduler.waiting(n)) for n in (NAMESPACE, "default")),
            "queue": len(parts.queue),
            "effects": len(parts.executor),
            "pods": len(self.engine.pods),
        }
        return {name: count for name, count in kept.items() if count}

    def passes(self, kind: str) -> int:
        """Return how many passes were made over objects of a kind."""
        return int(self.metrics.reconciles[kind,]._value.get())

    def failed_passes(self) -> int:
        """Return how many passes raised."""
        errors = self.metrics.reconcile_errors
        return sum(int(errors[kind,]._value.get()) for kind in RESOURCES)

    async def _pump(self, resource: Resource) -> None:
        """Feed the engine as kopf does: list, watch, resume; a new list reports no deletions."""
        selector, version = LISTED[resource], ""
        while True:
            try:
                if not version:
                    listing = await self.client.list(resource, label_selector=selector)
                    version = listing.resource_version
                    for body in listing.items:
                        self.engine.offer(body)
                version = await self._follow(resource, selector, version)
            except Gone:
                version = ""
            except KubeError as error:
                logging.getLogger(__name__).debug("pump: %s", error)
                await self._clock.sleep(1)

    async def _follow(self, resource: Resource, selector: str, version: str) -> str:
        stream = self.client.watch(
            resource, None, resource_version=version, label_selector=selector
        )
        async for event in stream:
            version = event.object["metadata"]["resourceVersion"]
            if event.type == "DELETED":
                self.engine.drop(event.object)
            elif event.type != "BOOKMARK":
                self.engine.offer(event.object)
        return version
