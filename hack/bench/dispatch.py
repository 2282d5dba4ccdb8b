"""A pool of warm workers, its pods played over HTTP, and what they see of a load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from bench import bodies
from bench.flavour import Item
from bench.fleet import Fleet, Tape
from bench.loads import Load
from bench.observer import Observer
from bench.process import Cluster, OperatorProcess, Usage
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import AGENTS, WORKFLOWS
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import PODS, Body, name_of, uid_of

PATIENCE = 300.0
WORKERS, SLOTS = 8, 16


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a load.

    Attributes:
        tape: What the workers saw.
        used: What the operator used.
        seconds: From the first workflow applied to the last one ended.
        hops: Ready to claimed, as the operator measured it.
        states: The states in which the workflows ended.
    """

    tape: Tape
    used: Usage
    seconds: float
    hops: list[float]
    states: frozenset[str]


@dataclass(frozen=True)
class Pool:
    """An agent in mode Pool, on a cluster of fake nodes with an operator that serves workers.

    Attributes:
        cluster: The cluster.
        access: The access of the operator.
        operator: The operator.
        url: Where it serves the worker API.
        namespace: Where agent and workflows are.
    """

    cluster: Cluster
    access: ClusterAccess
    operator: OperatorProcess
    url: str
    namespace: str

    @asynccontextmanager
    async def fleet(self) -> AsyncIterator[Fleet]:
        """Make the pool and play its pods until the end of the block."""
        agent = bodies.a_fake_agent(bodies.AGENT, {}, mode="Pool", replicas=WORKERS, slots=SLOTS)
        async with AiohttpClient(self.access) as client:
            await client.create(AGENTS, self.namespace, agent)
            observer = Observer(client, self.namespace, _worker)
            async with observer.watching(None, ""):
                pods = observer.timeline.pods
                await observer.until("all workers", lambda: len(pods) == WORKERS, PATIENCE)
            listing = await client.list(PODS, self.namespace)
        tokens = [await self._token(name_of(pod), uid_of(pod)) for pod in listing.items]
        fleet = Fleet(self.url, tokens, SLOTS)
        playing = asyncio.create_task(fleet.run())
        try:
            yield fleet
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    async def played(self, fleet: Fleet, load: Load, rate: float | None) -> Played:
        """Keep the workflows of a load running until all have ended.

        Args:
            fleet: The workers.
            load: The workflows.
            rate: How many tasks end each second; None for each as soon as it comes.
        """
        tape, before, began = fleet.new_tape(), self.operator.usage(), time.monotonic()
        names = {name_of(flow) for flow in load.workflows}
        async with AiohttpClient(self.access) as client:
            observer = Observer(client, self.namespace, _worker)
            async with observer.watching(WORKFLOWS, c.LABEL_FINISHED), asyncio.TaskGroup() as group:
                ended = observer.timeline.workflows
                group.create_task(fleet.work(tape, load.tasks, rate))
                for number, flow in enumerate(load.workflows):
                    least = number + 1 - load.at_once
                    room = partial(_at_least, least, names, ended)
                    await observer.until("an end", room, PATIENCE)
                    await client.create(WORKFLOWS, self.namespace, flow)
                await observer.until("all ends", lambda: names <= ended.keys(), PATIENCE)
            seconds, used = time.monotonic() - began, self.operator.usage() - before
            hops = self.operator.recent_hops()[-used.hops :] if used.hops else []
            states = await self._states(client, names)
        return Played(tape, used, seconds, hops, states)

    async def _states(self, client: AiohttpClient, names: set[str]) -> frozenset[str]:
        listing = await client.list(WORKFLOWS, self.namespace, label_selector=c.LABEL_FINISHED)
        ours = (flow for flow in listing.items if name_of(flow) in names)
        return frozenset(flow["status"]["state"] for flow in ours)

    async def _token(self, pod: str, uid: str) -> str:
        """Return a token as the kubelet would project it into a pod."""
        bound = {"kind": "Pod", "name": pod, "uid": uid}
        words = [word for key, text in bound.items() for word in (f"--bound-object-{key}", text)]
        audience = f"--audience={c.AUDIENCE}"
        create = ("create", "token", "default", "-n", self.namespace, audience)
        return (await self.cluster.kubectl(*create, *words)).strip()


def _at_least(least: int, names: set[str], ended: Mapping[str, float]) -> bool:
    return len(names & ended.keys()) >= least


def _worker(pod: Body) -> Item | None:
    """Return a worker's pod under its own name."""
    labels = pod["metadata"].get("labels") or {}
    return Item("pool", "workers", name_of(pod)) if c.LABEL_WORKER in labels else None
