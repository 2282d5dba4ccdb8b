"""Kill the operator at every write that a schedule and its history make: each run starts once."""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import KillAfter, KillBefore, Mutations, arm
from builders.engine import World, a_running_world
from builders.fake_api.faults import Fault
from builders.schedules import Births, condition, status, times
from builders.specs import a_schedule

pytestmark = pytest.mark.timeout(300)

MINUTE = 60.0
RANGE = {"from": "2025-12-30T00:00:00Z", "to": "2025-12-30T00:00:00Z"}
FIELDS: dict[str, Any] = {
    "backfill": RANGE,
    "successful_runs_history_limit": 0,
    "concurrency_policy": "Forbid",
}
STARTED = 2
"""The one of the range, and that of 00:02."""


def _is_over(world: World) -> bool:
    found = status(world)
    last = found.get("lastScheduleTime", "") == "2026-01-01T00:02:00Z"
    return last and found.get("activeRuns") == 0 and not times(world)


async def _run(world: World) -> list[str]:
    births = Births(world)
    await world.apply(a_schedule("*/2 * * * *", **FIELDS))
    return births.names


async def _undisturbed() -> list[str]:
    async with a_running_world() as world:
        counter = Mutations()
        arm(world, counter, Fault())
        names = await _run(world)
        await world.until(lambda: _is_over(world), seconds=3.9 * MINUTE)
        assert len(names) == STARTED
        return counter.calls


async def _killed_at(nth: int, kind: type[KillBefore] | type[KillAfter]) -> None:
    async with a_running_world() as world:
        first = world.operator
        arm(world, Mutations(nth), kind(first.kill))
        names = await _run(world)
        await world.until(lambda: not first.running or _is_over(world), seconds=3.9 * MINUTE)
        if first.running:
            return  # a repeated write was saved this time: there is no n-th
        await world.start()
        await world.until(lambda: _is_over(world), seconds=3.9 * MINUTE)
        assert len(names) == len(set(names)) == STARTED
        assert (status(world)["missed"], status(world)["backfill"]["started"]) == (0, 1)
        assert condition(world)["status"] == "True"


@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
async def test_a_death_at_any_write_starts_each_run_once(
    kind: type[KillBefore] | type[KillAfter],
) -> None:
    calls = await _undisturbed()
    assert len(calls) > 15
    for nth in range(1, len(calls) + 1):
        try:
            await _killed_at(nth, kind)
        except AssertionError as error:
            raise AssertionError(f"killed at write {nth}, {calls[nth - 1]}: {error}") from error
