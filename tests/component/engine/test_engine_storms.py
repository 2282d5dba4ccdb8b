"""Many troubles at once, drawn by a seed: the run comes to the same end.

Every few changes something befalls the cluster: watches are cut, the past is forgotten, writes are
lost before or after their commit, the operator dies and another takes its place.
"""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from builders.campaign import check_history, end_state, plan_fates, the_workflow
from builders.engine import World, a_running_world
from builders.fake_api.faults import CommitThenCut, CommitThenFail, CutBefore, Fault, Match, Refuse
from builders.random_runs import RandomRun, history
from builders.replica_calls import Every

SEEDS = range(int(os.environ.get("SPECTRA_STORM_SEEDS", "40")))
"""How many storms; `make test-all` has hundreds."""

pytestmark = pytest.mark.timeout(60 + 2 * len(SEEDS))

WRITES = [
    Match("create", "pods"),
    Match("create", "phases"),
    Match("patch", "pods"),
    Match("patch", "phases"),
    Match("patch", "workflows"),
    Match("update", "phases"),
    Match("update", "workflows"),
    Match("get"),
    Match("list"),
    Match("watch"),
]
FAULTS: list[Callable[[], Fault]] = [
    CommitThenCut,
    CommitThenFail,
    CutBefore,
    lambda: Refuse(500, "InternalError"),
    lambda: Refuse(429, "TooManyRequests", retry_after=1),
]


class _Storm:
    """Draws what happens next."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._random = random.Random(seed)
        self.deaths = 0

    def strike(self) -> None:
        api, draw = self._world.api, self._random.random()
        if draw < 0.15:
            api.drop_watches()
        elif draw < 0.25:
            api.compact()
            api.drop_watches()
        elif draw < 0.35 and self.deaths < 4:
            self.deaths += 1
            self._world.operator.kill()
        else:
            fault = self._random.choice(FAULTS)()
            match: Match = self._random.choice(WRITES)
            if not isinstance(fault, (CommitThenCut, CommitThenFail)) or match.verb != "watch":
                api.fault(match, fault, self._random.randint(1, 3))


async def _weather(world: World, seed: int, begin: Callable[[], Awaitable[None]]) -> None:
    """Begin a run and let it end in a storm, with a new operator whenever one has died."""
    storm = _Storm(world, seed)
    with Every(world, 4, storm.strike):
        await begin()
        while not world.is_finished():
            await world.until(
                lambda: not world.operator.running or world.is_finished(), seconds=2000
            )
            if not world.operator.running:
                same = storm.deaths % 2 == 0  # else it waits until the Lease runs out
                name = world.operator.identity if same else f"n{storm.deaths}"
                await world.start(name, leads=False)
    world.api.clear_faults()
    if not world.operator.running:
        await world.start("last", leads=False)
    await world.until(world.operator.leads)
    await world.until(lambda: not world.operator.memory(), seconds=400)


async def _calm_end() -> Any:
    async with a_running_world() as world:
        plan_fates(world)
        await world.apply(the_workflow())
        await world.finished()
        return await end_state(world)


@pytest.mark.parametrize("seeds", [SEEDS[::2], SEEDS[1::2]], ids=["even seeds", "odd seeds"])
async def test_no_storm_changes_the_end_of_a_run(seeds: range) -> None:
    expected = await _calm_end()
    for seed in seeds:
        async with a_running_world() as world:
            plan_fates(world)
            try:
                await _weather(world, seed, functools.partial(world.apply, the_workflow()))
                check_history(world)
                assert await end_state(world) == expected
            except AssertionError as error:
                raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.parametrize("seed", SEEDS[: len(SEEDS) * 3 // 5])
async def test_no_storm_changes_the_end_of_any_workflow(seed: int) -> None:
    run = RandomRun(seed)
    async with a_running_world() as world:
        await run.begin(world)
        await world.finished()
        expected = await history(world)
    async with a_running_world() as world:
        await _weather(world, seed, lambda: run.begin(world))
        assert await history(world) == expected
