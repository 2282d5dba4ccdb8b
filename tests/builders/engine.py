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
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from builders.clock import FakeClock
from builders.fake_api.server import FakeApi
from builders.kubelet import FakeKubelet
from builders.replica import SYSTEM, Operator
from builders.specs import NAMESPACE, Body, an_agent
from builders.workers import FakeWorkers
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import AGENTS, OURS, PHASES, RESOURCES, WORKFLOWS
from spectra_operator.kube.resources import EVENTS, NAMESPACES, PODS, Resource

QUIET_TURNS = 60
"""Turns of the event loop in which nothing happened: then nothing will without time passing."""
HELD_TURNS = 1500
"""The same while a request has no answer: one that a test holds back never will."""


class World:
    """Everything that a component test needs."""

    def __init__(self, api: FakeApi, clock: FakeClock) -> None:
        self.api = api
        self.clock = clock
        self.kubelet = FakeKubelet(api, clock)
        self.operators: list[Operator] = []
        self.workers = FakeWorkers(api, clock, self._leader)

    @property
    def operator(self) -> Operator:
        """The replica that was started last."""
        return self.operators[-1]

    async def start(
        self, identity: str = "one", *, leads: bool = True, **settings: Any
    ) -> Operator:
        """Start a replica with settings, and wait until it leads unless it is to stand by."""
        operator = Operator(self.api, self.clock, identity, **settings)
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

    def _leader(self) -> Operator | None:
        return next((o for o in self.operators if o.running and o.leads()), None)

    def _activity(self) -> tuple[Any, ...]:
        parts = [operator.parts for operator in self.operators]
        effects = sum(len(p.executor) + len(p.inquiries) + len(p.queue) for p in parts)
        return (self.api.version, len(self.api.log), self.api.watches(), effects)

    def _in_flight(self) -> int:
        return sum(
            client.in_flight
            for operator in self.operators
            for client in (operator.client, operator.lease_client, operator.prometheus)
        )

    def _check(self) -> None:
        """Fail at once for what must never happen in any test."""
        for operator in self.operators:
            if operator.failures():
                raise AssertionError(f"{operator.identity} broke: {operator.failures()}")


@asynccontextmanager
async def a_world(clock: FakeClock | None = None) -> AsyncIterator[World]:
    """Open a cluster with the namespace of the specs and no operator yet."""
    clock = clock or FakeClock()
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(FakeApi(now=clock.now))
        api.register(*OURS)
        await api.create_namespace(NAMESPACE)
        await api.create_namespace(SYSTEM)
        world = World(api, clock)
        try:
            yield world
        finally:
            for operator in world.operators:
                await operator.close()
            await world.workers.stop()
            await world.kubelet.stop()


@asynccontextmanager
async def a_running_world(*agents: Body) -> AsyncIterator[World]:
    """Open a cluster with an operator that leads and with agents; `worker` if none is given."""
    async with a_world() as world:
        await world.apply(*(agents or (an_agent(),)))
        await world.start()
        yield world
