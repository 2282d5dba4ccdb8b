"""A whole cluster in a test: fake API server, kubelet, clock, and operators that can be killed.

    async with a_world() as world:
        await world.start()
        await world.apply(an_agent(), a_workflow([a_step("build", a_chain("a", "b"))]))
        await world.finished()
        assert world.kubelet.tasks() == ["a", "b"]

Nothing waits for real time: when nothing can happen any more without time passing, the clock
moves to the next moment somebody waits for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from builders.clock import FakeClock
from builders.fake_api.server import FakeApi
from builders.kubelet import FakeKubelet
from builders.specs import NAMESPACE, Body, an_agent
from spectra_operator.api import constants as c
from spectra_operator.engine.engine import LISTED, Engine, EngineSettings
from spectra_operator.engine.keys import AGENTS, PHASES, RESOURCES, WORKFLOWS
from spectra_operator.engine.shards import ShardKeeper
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.errors import Gone, KubeError
from spectra_operator.kube.lease import LeaseLock
from spectra_operator.kube.resources import EVENTS, NAMESPACES, PODS, Resource
from spectra_operator.observability.metrics import Metrics

SYSTEM = "spectra-system"
QUIET_TURNS = 60
"""Turns of the event loop in which nothing happened: then nothing will without time passing."""
HELD_TURNS = 1500
"""The same while a request has no answer: one that a test holds back never will."""


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


class Operator:
    """One replica of the operator: engine, Lease, and an intake that behaves as kopf's does."""

    def __init__(self, api: FakeApi, clock: FakeClock, identity: str, shards: int = 1) -> None:
        self.identity = identity
        self._clock = clock
        access = replace(api.access(), token=lambda: identity)
        self.client = CountedClient(access, connections=128)
        self.lease_client = CountedClient(access, request_seconds=5.0)
        self.metrics = Metrics()
        settings = EngineSettings(shards=shards, identity=identity)
        self.engine = Engine(self.client, clock, self.metrics, settings)
        self.keeper = ShardKeeper(self.engine, shards, self._lock)
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

    def leads(self) -> bool:
        """Whether it may write and start new work."""
        return self.engine.may_write(NAMESPACE) and self.parts.admitting(NAMESPACE)

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
        return int(self.metrics.reconciles.labels(kind)._value.get())

    def failed_passes(self) -> int:
        """Return how many passes raised."""
        errors = self.metrics.reconcile_errors
        return sum(int(errors.labels(kind)._value.get()) for kind in RESOURCES)

    def _lock(self, name: str) -> LeaseLock:
        return LeaseLock(
            self.lease_client,
            namespace=SYSTEM,
            name=name,
            identity=self.identity,
            clock=self._clock,
        )

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


class World:
    """Everything that a component test needs."""

    def __init__(self, api: FakeApi, clock: FakeClock) -> None:
        self.api = api
        self.clock = clock
        self.kubelet = FakeKubelet(api, clock)
        self.operators: list[Operator] = []

    @property
    def operator(self) -> Operator:
        """The replica that was started last."""
        return self.operators[-1]

    async def start(self, identity: str = "one", *, leads: bool = True) -> Operator:
        """Start a replica, and wait until it leads unless it is to stand by."""
        operator = Operator(self.api, self.clock, identity)
        self.operators.append(operator)
        operator.start()
        if leads:
            await self.until(operator.leads)
        else:
            await self.settle()
        return operator

    async def apply(self, *bodies: Body, namespace: str = NAMESPACE) -> None:
        """Create objects as a user would."""
        for body in bodies:
            placed = body | {"metadata": body["metadata"] | {"namespace": namespace}}
            await self.api.create(RESOURCES[body["kind"]], placed)

    async def change(self, kind: str, name: str, **spec: Any) -> None:
        """Change fields of an object's spec, given as they stand in YAML."""
        await self.api.patch(RESOURCES[kind], name, {"spec": spec}, NAMESPACE)

    async def delete(self, kind: str, name: str) -> None:
        """Delete an object as a user would."""
        await self.api.delete(RESOURCES[kind], name, NAMESPACE)

    # Waiting

    async def settle(self) -> None:
        """Wait until nothing can happen any more without time passing."""
        quiet, seen = 0, self._activity()
        while quiet < (HELD_TURNS if self._in_flight() else QUIET_TURNS):
            await asyncio.sleep(0)
            now = self._activity()
            quiet = quiet + 1 if now == seen else 0
            seen = now

    async def until(self, condition: Callable[[], Any], *, seconds: float = 120) -> None:
        """Let time pass until a condition holds, at most so many seconds of the test's clock."""
        end = self.clock.monotonic() + seconds
        while True:
            await self.settle()
            self._check()
            if condition():
                return
            due = self.clock.next_deadline()
            if due is None or due > end:
                raise AssertionError(f"still not so after {seconds} s: {await self.describe()}")
            self.clock.advance(due - self.clock.monotonic())

    async def during(self, seconds: float) -> None:
        """Let so many seconds pass."""
        end = self.clock.monotonic() + seconds
        while True:
            await self.settle()
            self._check()
            due = self.clock.next_deadline()
            if due is None or due > end:
                break
            self.clock.advance(due - self.clock.monotonic())
        self.clock.advance(end - self.clock.monotonic())
        await self.settle()

    async def finished(self, name: str = "flow", *, seconds: float = 300) -> Body:
        """Let time pass until a workflow has ended and is out of memory; return its status."""
        await self.until(lambda: self.is_finished(name), seconds=seconds)
        return await self.status(name)

    async def phase_finished(self, name: str = "stage", *, seconds: float = 300) -> Body:
        """Let time pass until a phase that stands alone has ended; return its status."""
        await self.until(lambda: self._is_finished(PHASES, name), seconds=seconds)
        found: Body = (await self.api.get(PHASES, name, NAMESPACE))["status"]
        return found

    # Looking

    async def status(self, name: str = "flow") -> Body:
        """Return the status of a workflow; empty before the first write."""
        found: Body = (await self.api.get(WORKFLOWS, name, NAMESPACE)).get("status") or {}
        return found

    async def phases(self, workflow: str = "flow") -> dict[str, Body]:
        """Return the statuses of a workflow's Phase objects by the name of the phase."""
        found = await self.api.objects(PHASES, NAMESPACE)
        return {
            body["spec"]["phase"]: body.get("status") or {}
            for body in found
            if body["metadata"]["labels"][c.LABEL_WORKFLOW] == workflow
        }

    async def tasks(self, phase: str = "build", workflow: str = "flow") -> dict[str, Body]:
        """Return the tasks of a phase's status."""
        found: dict[str, Body] = (await self.phases(workflow))[phase].get("tasks") or {}
        return found

    async def agent(self, name: str = "worker") -> Body:
        """Return an Agent object."""
        return await self.api.get(AGENTS, name, NAMESPACE)

    def has_namespace(self) -> bool:
        """Whether the namespace of the specs still exists."""
        return self.api._store.get(NAMESPACES, (None, NAMESPACE)) is not None

    def peek(self, resource: Resource, name: str) -> Body | None:
        """Return an object, not to be changed; for conditions."""
        return self.api._store.get(resource, (NAMESPACE, name))

    def status_now(self, name: str = "flow") -> Body:
        """Return a workflow's status, for conditions."""
        found: Body = (self.peek(WORKFLOWS, name) or {}).get("status") or {}
        return found

    def task_now(self, task: str) -> Body:
        """Return the status of the only task of that name, for conditions."""
        for body in self.api._store.all(PHASES):
            tasks = (body.get("status") or {}).get("tasks") or {}
            if task in tasks:
                found: Body = tasks[task]
                return found
        return {}

    def held_pods(self) -> list[str]:
        """Return the pods that still have our finalizer."""
        found = self.api._store.all(PODS)
        return [
            pod["metadata"]["name"]
            for pod in found
            if c.RESULT_FINALIZER in (pod["metadata"].get("finalizers") or ())
        ]

    async def events(self, name: str) -> list[tuple[str, str]]:
        """Return reason and message of the Events about an object, in the order of creation."""
        found = await self.api.objects(EVENTS, NAMESPACE)
        found.sort(key=lambda event: int(event["metadata"]["uid"][-12:]))
        return [(e["reason"], e["message"]) for e in found if e["involvedObject"]["name"] == name]

    async def describe(self) -> str:
        """Return how things stand, for a test that failed."""
        lines = [f"t={self.clock.monotonic():.2f}"]
        for resource in (WORKFLOWS, PHASES):
            for body in await self.api.objects(resource):
                lines.append(f"{resource.kind} {body['metadata']['name']}: {body.get('status')}")
        for pod in await self.api.objects(PODS):
            meta = pod["metadata"]
            lines.append(f"Pod {meta['name']}: {pod['status'].get('phase')} {meta}")
        lines += [f"{o.identity}: leads {o.leads()} keeps {o.memory()}" for o in self.operators]
        return "\n".join(lines)

    def is_finished(self, name: str = "flow") -> bool:
        """Whether a workflow has ended, is labelled so, and no pod is held any more."""
        return self._is_finished(WORKFLOWS, name)

    def _is_finished(self, resource: Resource, name: str) -> bool:
        body = self.peek(resource, name)
        labelled = body and c.LABEL_FINISHED in (body["metadata"].get("labels") or {})
        return bool(labelled) and not self.held_pods()

    def _activity(self) -> tuple[Any, ...]:
        effects = sum(len(o.parts.executor) + len(o.parts.queue) for o in self.operators)
        return (self.api.version, len(self.api.log), self.api.watches(), effects)

    def _in_flight(self) -> int:
        return sum(o.client.in_flight + o.lease_client.in_flight for o in self.operators)

    def _check(self) -> None:
        """Fail at once for what must never happen in any test."""
        for operator in self.operators:
            if operator.failures():
                raise AssertionError(f"{operator.identity} broke: {operator.failures()}")


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    """Open a cluster with the namespace of the specs and no operator yet."""
    clock = FakeClock()
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(FakeApi(now=clock.now))
        api.register(AGENTS, PHASES, WORKFLOWS)
        await api.create_namespace(NAMESPACE)
        await api.create_namespace(SYSTEM)
        world = World(api, clock)
        try:
            yield world
        finally:
            for operator in world.operators:
                await operator.close()
            await world.kubelet.stop()


@asynccontextmanager
async def a_running_world(*agents: Body) -> AsyncIterator[World]:
    """Open a cluster with an operator that leads and with agents; `worker` if none is given."""
    async with a_world() as world:
        await world.apply(*(agents or (an_agent(),)))
        await world.start()
        yield world
