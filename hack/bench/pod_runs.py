"""Runs a scenario whose tasks are pods: once, with one engine, on a control plane of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.crowd import at_once, gather_crowd, until_taken_in
from bench.engines import Engine, Running
from bench.errors import BenchError
from bench.flavour import Flavour
from bench.graphs import Graph, single
from bench.meter import Meter
from bench.observer import Observer
from bench.plane import NAMESPACE, Plane, a_plane
from bench.process import while_alive
from bench.raw_limit import RawLimit
from bench.results import EngineCost, PodRun, RawRun, spread
from bench.scenarios import PodScenario
from bench.timeline import Timeline, hops, most_at_once
from cluster.kwok import Lasting
from spectra_operator.kube.access import load_access
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import PODS, Body, name_of

PATIENCE = 1200.0
MOST_RAW_PODS = 2000
"""Beyond it the raw limit changes little, and takes long to measure twice."""
FIRST = "first"


Beside = Callable[[int], AbstractContextManager[None]]
"""What goes on beside the measured part of a run: it is given the id of the engine's process."""


def nothing(_pid: int) -> AbstractContextManager[None]:
    """Let a run be alone."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is the same for all runs of a benchmark.

    Attributes:
        cluster: The name of the control planes.
        lasting: How long pods run.
        settle: Seconds of quiet after a run, before memory is read.
        folder: Where logs go.
        beside: What goes on beside the measured part.
    """

    cluster: str
    lasting: Lasting
    settle: float
    folder: Path
    beside: Beside = nothing


def run_pods(scenario: PodScenario, engine: Engine, run: int, conditions: Conditions) -> PodRun:
    """Do a scenario once, and the raw limit before and after.

    Raises:
        BenchError: A workflow did not end well or in time, or something could not be started.
    """
    own = Lasting(1000 * scenario.seconds, 1000 * scenario.seconds)
    lasting = own if scenario.seconds else conditions.lasting
    with a_plane(conditions.cluster, engine.manifests, lasting) as plane:
        # The loop that leaves most of the cores to what is measured.
        return uvloop.run(_on_plane(plane, scenario, engine, run, conditions))


def run_start(scenario: PodScenario, engine: Engine, conditions: Conditions) -> None:
    """Start an engine beside a scenario's crowd, until it has done the workflow that was there.

    What is beside a run is beside the whole start here.

    Raises:
        BenchError: It did not get so far in time, or something could not be started.
    """
    with a_plane(conditions.cluster, engine.manifests, conditions.lasting) as plane:
        uvloop.run(_started(plane, scenario, engine, conditions))


async def _started(
    plane: Plane, scenario: PodScenario, engine: Engine, conditions: Conditions
) -> None:
    log = conditions.folder / f"{scenario.name}-{engine.name}.log"
    async with _on_stage(plane, scenario, engine, log, conditions) as (stage, running):
        with conditions.beside(running.pid):
            await while_alive(stage.start(running), running.ended)


@asynccontextmanager
async def _on_stage(
    plane: Plane, scenario: PodScenario, engine: Engine, log: Path, conditions: Conditions
) -> AsyncIterator[tuple[_Stage, Running]]:
    """Have an engine started beside what a scenario asks for, and a first workflow."""
    async with AiohttpClient(load_access(str(plane.access_file))) as client:
        for resource, body in engine.flavour.needs():
            await client.create(resource, NAMESPACE, body)
        if scenario.crowd is not None:
            await gather_crowd(client, NAMESPACE, scenario.crowd)
            first = engine.running(plane, log.with_suffix(".first.log"))  # a start is a restart
            with first as running:
                taken = until_taken_in(client, NAMESPACE, scenario.crowd)
                await while_alive(taken, running.ended)
        stage = _Stage(plane, client, engine.flavour, conditions)
        await stage.apply([FIRST], single())
        with engine.running(plane, log) as running:
            yield stage, running


async def _on_plane(
    plane: Plane, scenario: PodScenario, engine: Engine, run: int, conditions: Conditions
) -> PodRun:
    log = conditions.folder / f"{scenario.name}-{engine.name}-{run}.log"
    async with _on_stage(plane, scenario, engine, log, conditions) as (stage, running):
        figures = stage.figures(scenario, running)
        start, before, done, after = await while_alive(figures, running.ended)
    return PodRun(
        scenario=scenario.name,
        engine=engine.name,
        run=run,
        pods=scenario.pods,
        makespan=done.makespan,
        hops=spread(done.hops),
        cold_start=start.cold,
        at_work=start.at_work,
        start_cpu=start.cpu,
        cost=done.cost,
        beside=scenario.crowd.workflows if scenario.crowd else 0,
        at_once=done.at_once,
        raw=(*before, *after),
        gaps=done.gaps,
    )


@dataclass(frozen=True, slots=True)
class _Start:
    cold: float | None
    at_work: float
    cpu: float


@dataclass(frozen=True, slots=True)
class _Done:
    makespan: float
    hops: list[float]
    cost: EngineCost
    at_once: int
    gaps: int


class _Stage:
    """A control plane on which an engine is at work."""

    def __init__(
        self, plane: Plane, client: AiohttpClient, flavour: Flavour, conditions: Conditions
    ) -> None:
        self._plane = plane
        self._client = client
        self._flavour = flavour
        self._conditions = conditions
        self._pod: Body = {}

    async def apply(self, names: Iterable[str], graph: Graph) -> None:
        """Create a workflow of each name."""
        kind = self._flavour.workflows

        async def create(name: str) -> None:
            await self._client.create(kind, NAMESPACE, self._flavour.workflow(name, graph))

        await at_once(map(create, names))

    async def figures(
        self, scenario: PodScenario, running: Running
    ) -> tuple[_Start, list[RawRun], _Done, list[RawRun]]:
        """Measure the engine's start, and the scenario between two runs of the raw limit."""
        start = await self.start(running)
        before = await self.raw("before", scenario)
        done = await self.measured(scenario, running)
        return start, before, done, await self.raw("after", scenario)

    async def start(self, running: Running) -> _Start:
        """See the engine do the workflow that was there before it."""
        async with self._observing() as observer:
            cold = await asyncio.to_thread(running.cold_start)
            timeline = observer.timeline
            await observer.until("the first pod", lambda: bool(timeline.pods), PATIENCE)
            name, life = next(iter(timeline.pods.items()))
            cpu = running.cpu()
            await observer.until("the first end", lambda: FIRST in timeline.workflows, PATIENCE)
            self._pod = await self._client.get(PODS, NAMESPACE, name)
            return _Start(cold, life.added - running.began, cpu)

    async def raw(self, run: str, scenario: PodScenario) -> list[RawRun]:
        """Measure the raw limit with pods like the engine's first, where that means anything."""
        if scenario.seconds:
            return []
        limit = RawLimit(self._plane, self._client, self._pod, self._conditions.folder)
        return [await limit.measured(run, min(scenario.pods, MOST_RAW_PODS))]

    async def measured(self, scenario: PodScenario, running: Running) -> _Done:
        """Do the scenario, and wait until the engine has come to rest."""
        names = [f"flow-{number:05}" for number in range(scenario.workflows)]
        quarter = scenario.pods // 4
        async with self._observing() as observer:
            with self._conditions.beside(running.pid):
                meter = Meter(self._plane.processes(), running)
                timeline, began = observer.timeline, time.monotonic()
                await self.apply(names, scenario.graph)
                if scenario.seconds:
                    await observer.until(
                        "a quarter", lambda: len(timeline.pods) >= quarter, PATIENCE
                    )
                    meter.see_quarter()
                await observer.until("all ends", lambda: _all_in(names, timeline), PATIENCE)
                ended = max(timeline.workflows[name] for name in names)
                pods = [life for life in timeline.pods.values() if life.item.workflow in set(names)]
                await observer.until("all pods let go", lambda: _released(timeline), PATIENCE)
            await asyncio.sleep(self._conditions.settle)
            cost = meter.cost()
            await self._check(names, len(pods), scenario.pods)
            found = hops(scenario.graph, pods)
            return _Done(ended - began, found, cost, most_at_once(pods), observer.gaps)

    @asynccontextmanager
    async def _observing(self) -> AsyncIterator[Observer]:
        observer = Observer(self._client, NAMESPACE, self._flavour.item_of)
        async with observer.watching(self._flavour.workflows, self._flavour.finished):
            yield observer

    async def _check(self, names: list[str], pods: int, wanted: int) -> None:
        """Raise BenchError if a workflow did not end well, or pods are missing or too many."""
        kind, ended = self._flavour.workflows, self._flavour.finished
        listing = await self._client.list(kind, NAMESPACE, label_selector=ended)
        well = {name_of(flow) for flow in listing.items if self._flavour.succeeded(flow)}
        bad = [name for name in names if name not in well]
        if bad:
            raise BenchError(f"{len(bad)} workflows did not succeed, {bad[0]} among them")
        if pods != wanted:
            raise BenchError(f"{pods} pods were made for {wanted} items")


def _all_in(names: list[str], timeline: Timeline) -> bool:
    # The count first: this is asked after every event.
    return len(timeline.workflows) >= len(names) and all(n in timeline.workflows for n in names)


def _released(timeline: Timeline) -> bool:
    return timeline.released == len(timeline.pods)
