"""A shift of the team: work in waves, two rollouts, and a replica of the operator that dies."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from random import Random
from typing import Any

import aiohttp

from builders.engine import World, a_world
from builders.replica import Operator
from builders.watched import served
from pictures import team
from pictures.real_time import RealTime
from spectra_operator.dispatch.auth import POD_NAME, POD_UID, TokenAuthenticator
from spectra_operator.dispatch.server import WorkerApiServer
from spectra_operator.kube.resources import Body, Resource
from unit.dispatch.token_reviews import a_pods_review, a_token, bearer

SHARDS = 4
PAUSE = 0.2
BEAT_SECONDS = 2.0


class Shift:
    """What happens, by the share of the time that is over.

    Args:
        world: The cluster, in real time.
        ports: Two for metrics, and two for the worker API; of the two replicas.
        seconds: How long it takes.
    """

    def __init__(self, world: World, ports: list[int], seconds: float) -> None:
        self._world = world
        self._ports = ports
        self._seconds = seconds
        self._chance = Random(6)
        self._replicas: dict[int, Operator] = {}
        self._stacks: dict[int, AsyncExitStack] = {}

    async def work(self) -> None:
        """Go through it from the first moment to the last."""
        await self._lead()
        await self._world.apply(*team.agents())
        self._plan()
        moments = {
            0.2: self._release(team.BETTER),
            0.45: self._die,
            0.55: self._return,
            0.7: self._release(team.WORSE),
        }
        began, number, calling = self._world.clock.monotonic(), 0, asyncio.create_task(self._call())
        while (past := (self._world.clock.monotonic() - began) / self._seconds) < 1:
            for moment in [each for each in moments if each <= past]:
                await moments.pop(moment)()
            await self._world.apply(team.a_report(number, self._chance))
            number += 1
            wave = 0.6 + 0.45 * math.sin(past * 3 * math.tau)
            await asyncio.sleep(self._chance.expovariate(1) / wave)
        assert not calling.done()
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)

    async def begin(self, place: int, identity: str) -> None:
        """Start a replica that serves its metrics and the worker API."""
        operator = Operator(self._world.api, self._world.clock, identity, SHARDS)
        self._world.operators.append(operator)
        self._replicas[place] = operator
        operator.start()
        stack = self._stacks[place] = AsyncExitStack()
        await stack.enter_async_context(served(operator, self._ports[place]))
        tokens = TokenAuthenticator(_Reviews(self._world), self._world.clock)
        address = ("127.0.0.1", self._ports[2 + place])
        server = WorkerApiServer(operator.engine.desk, tokens, operator.metrics, address)
        await server.start()
        stack.push_async_callback(server.stop)

    async def end(self) -> None:
        """End the servers of the replicas; what their workers failed at shows now."""
        for stack in self._stacks.values():
            await stack.aclose()
        assert not [error for each in self._world.operators for error in each.failures()]

    async def _lead(self) -> None:
        """Wait until a replica runs the shard of the team."""
        while not self._leading():
            await self._world.clock.sleep(PAUSE)

    def _leading(self) -> list[int]:
        """Return the places of the replicas that do."""
        return [place for place, each in self._replicas.items() if each.leads()]

    def _plan(self) -> None:
        habits = team.Habits(self._chance)
        kubelet, workers = self._world.kubelet, self._world.workers
        kubelet.habits = dict.fromkeys(team.IMAGES.values(), habits.pod)
        workers.habits = {
            team.IMAGES["researcher"]: habits.research,
            team.IMAGES["reviewer"]: habits.review,
            team.BETTER: habits.review,
            team.WORSE: habits.hasty,
        }

    def _release(self, image: str) -> Callable[[], Any]:
        return lambda: self._world.change("Agent", "reviewer", template={"image": image})

    async def _die(self) -> None:
        """Kill the replica that leads the team."""
        place = self._leading()[0]
        self._replicas.pop(place).kill()
        await self._stacks.pop(place).aclose()

    async def _return(self) -> None:
        """Start the one that died once more."""
        place = ({0, 1} - self._replicas.keys()).pop()
        await self.begin(place, f"{('one', 'two')[place]}-again")

    async def _call(self) -> None:
        """Let workers call over HTTP, and now and then a stranger."""
        async with aiohttp.ClientSession() as session:
            while True:
                known = [(worker.name, worker.caller.instance) for worker in self._workers()]
                for name, instance in [*known, *([("stranger", "1")] * self._sometimes())]:
                    headers = {"Authorization": bearer(a_token(name)), "Spectra-Instance": instance}
                    for place in self._leading():
                        url = f"http://127.0.0.1:{self._ports[2 + place]}/v1/heartbeat"
                        with suppress(aiohttp.ClientError):  # a replica that just died
                            async with session.post(url, json={"claims": []}, headers=headers):
                                pass
                await asyncio.sleep(BEAT_SECONDS)

    def _workers(self) -> list[Any]:
        return list(self._world.workers.workers.values())

    def _sometimes(self) -> bool:
        return self._chance.random() < 0.05


class _Reviews:
    """Knows the tokens of the workers that there are."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, resource: Resource, namespace: str | None, body: Body) -> Body:
        """Answer a review."""
        del resource, namespace
        token = body["spec"]["token"]
        for worker in self._world.workers.workers.values():
            if token == a_token(worker.name):
                review = a_pods_review(worker.name, worker.namespace)
                review["user"]["extra"] = {POD_NAME: [worker.name], POD_UID: [worker.uid]}
                return body | {"status": review}
        return body | {"status": {"authenticated": False}}


@asynccontextmanager
async def a_shift(ports: list[int], seconds: float) -> AsyncIterator[Shift]:
    """Open a cluster in real time, with two replicas that lead."""
    async with a_world(RealTime()) as world:
        shift = Shift(world, ports, seconds)
        try:
            for place, identity in enumerate(("one", "two")):
                await shift.begin(place, identity)
            yield shift
        finally:
            await shift.end()
