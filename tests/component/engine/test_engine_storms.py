"""Many troubles at once, drawn by a seed: the run comes to the same end.

Every few changes something befalls the cluster: watches are cut, the past is forgotten, writes are
lost before or after their commit, the operator dies and another takes its place.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from builders.campaign import Every, check_history, end_state, plan_fates, the_workflow
from builders.engine import World, a_running_world
from builders.fake_api.faults import CommitThenCut, CommitThenFail, CutBefore, Fault, Match, Refuse

pytestmark = pytest.mark.timeout(120)

SEEDS = range(40)
WRITES = [
    Match("create", "pods"),
    Match("create", "phases"),
    Match("patch", "pods"),
    Match("patch", "phases"),
    Match("patch", "workflows"),
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


async def _weathered(world: World, storm: _Storm) -> None:
    """Let the run end, with a new operator whenever one has died."""
    while not world.is_finished():
        await world.until(lambda: not world.operator.running or world.is_finished(), seconds=2000)
        if not world.operator.running:
            same = storm.deaths % 2 == 0
            await world.start(world.operator.identity if same else f"n{storm.deaths}", leads=False)


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
            storm = _Storm(world, seed)
            plan_fates(world)
            try:
                with Every(world, 4, storm.strike):
                    await world.apply(the_workflow())
                    await _weathered(world, storm)
                world.api.clear_faults()
                if not world.operator.running:
                    await world.start("last", leads=False)
                await world.until(world.operator.leads)
                await world.until(lambda: not world.operator.memory(), seconds=400)
                check_history(world)
                assert await end_state(world) == expected
            except AssertionError as error:
                raise AssertionError(f"seed {seed}: {error}") from error
