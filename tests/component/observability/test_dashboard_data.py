"""A real Prometheus scrapes two replicas and a run, and every panel's query gives data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from builders.engine import World, a_world
from builders.kubelet import fails, ok
from builders.real_prometheus import a_real_prometheus, numbers
from builders.replica import Operator
from builders.specs import a_chain, a_retry, a_step, a_task, a_workflow, an_agent
from builders.watched import scraping, served
from builders.workers import Deed
from monitoring.dashboards import DASHBOARDS, render
from spectra_operator.dispatch.auth import TokenAuthenticator
from spectra_operator.dispatch.server import WorkerApiServer

ITEMS = 1000
ROUNDS = 40
WINDOWS = {"$__rate_interval": "30s", "$namespace": ".*", "$agent": ".*"}
Ports = Callable[[], int]
Call = Callable[[], Awaitable[None]]


class Scrapes:
    """Counts the scrapes of a replica."""

    def __init__(self, operator: Operator) -> None:
        self._count, self._more = 0, asyncio.Event()
        operator.metrics.read_at_scrape(self._note)

    def _note(self) -> tuple[()]:
        self._count += 1
        self._more.set()
        return ()

    async def more(self, count: int = 1) -> None:
        """Wait for so many more."""
        wanted = self._count + count
        while self._count < wanted:
            self._more.clear()
            await self._more.wait()


@asynccontextmanager
async def a_stranger(operator: Operator, clock: Any, port: int) -> AsyncIterator[Call]:
    """Serve the worker API of a replica, and yield what calls it without a token."""
    tokens = TokenAuthenticator(operator.client, clock)
    server = WorkerApiServer(operator.engine.desk, tokens, operator.metrics, ("127.0.0.1", port))
    await server.start()

    async def call() -> None:
        url = f"http://127.0.0.1:{port}/v1/heartbeat"
        async with session.post(url, json={"claims": []}) as answer:
            assert answer.status == 401

    try:
        async with aiohttp.ClientSession() as session:
            yield call
    finally:
        await server.stop()


async def run(world: World, number: int, items: int) -> None:
    """Run a workflow on both kinds of agents, with a task tried again, and one that fails."""
    name = f"flow{number}"
    world.kubelet.plan(f"again{number}", fails(), ok(usage={"inputTokens": 9, "outputTokens": 3}))
    world.kubelet.plan(f"bad{number}", fails())
    chain = [*a_chain(f"a{number}", f"b{number}"), a_task(f"again{number}", retry=a_retry(2))]
    pooled = a_task("each", agent="pool", count=items)
    phases = [a_step("build", [*chain, pooled])]
    await world.apply(a_workflow(phases, name=name, uid=name))
    bad = [a_step("build", [a_task(f"bad{number}")])]
    await world.apply(a_workflow(bad, name=f"{name}-bad", uid=f"{name}-bad"))
    await world.finished(name)
    await world.finished(f"{name}-bad")


def queries() -> dict[str, str]:
    """Return the query of every target of every panel, with the variables filled in."""
    found = {}
    for dashboard in DASHBOARDS:
        for panel in json.loads(render(dashboard, DASHBOARDS))["panels"]:
            for target in panel.get("targets", ()):
                query = target["expr"]
                for variable, value in WINDOWS.items():
                    query = query.replace(variable, value)
                found[f"{dashboard.title}: {panel['title']} ({target['refId']})"] = query
    return found


async def test_every_panel_has_data_of_a_run_of_a_thousand_tasks_and_a_take_over(
    tmp_path: Path, unused_tcp_port_factory: Ports
) -> None:
    pool = an_agent("pool", uid="pool", mode="Pool", replicas=4, slots=16)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(a_world())
        world.workers.plan("each", Deed(cost="0.25"))
        one, two = await world.start("one"), await world.start("two", leads=False)
        ports = [unused_tcp_port_factory() for _ in (one, two)]
        scrapes = Scrapes(one), Scrapes(two)
        for operator, port in zip((one, two), ports, strict=True):
            await stack.enter_async_context(served(operator, port))
        address = await stack.enter_async_context(
            a_real_prometheus(tmp_path, scraping(tmp_path, ports, "200ms"))
        )
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        await asyncio.gather(*(each.more(2) for each in scrapes))
        await world.apply(an_agent(), pool)
        await run(world, 0, ITEMS)
        await asyncio.gather(*(each.more(2) for each in scrapes))
        await one.stop()
        await world.until(two.leads)

        stranger = a_stranger(two, world.clock, unused_tcp_port_factory())
        call, missing = await stack.enter_async_context(stranger), queries()
        for number in range(1, ROUNDS):
            await run(world, number, 3)
            await call()
            await scrapes[1].more(2)
            for panel in list(missing):
                if await numbers(client, address, missing[panel]):
                    del missing[panel]
            if not missing:
                break
        assert not missing
        counted = f'sum(spectra_tasks_ended_total{{state="Succeeded"}}) > {ITEMS}'
        assert await numbers(client, address, counted)
