"""Kill the operator at every write that a schedule and its history make: each run starts once."""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import Death, KillAfter, KillBefore, Tale
from builders.engine import World
from builders.schedules import Births, condition, status, times
from builders.specs import a_schedule, an_agent

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
SECONDS = 3.9 * MINUTE
"""Until the operator has died, or all is over."""


def _is_over(world: World) -> bool:
    found = status(world)
    last = found.get("lastScheduleTime", "") == "2026-01-01T00:02:00Z"
    return last and found.get("activeRuns") == 0 and not times(world)


class Told:
    """One telling: the runs that came into being, and what must hold of them."""

    births: Births

    async def begin(self, world: World) -> None:
        self.births = Births(world)
        await world.apply(a_schedule("*/2 * * * *", **FIELDS))

    async def end(self, world: World) -> None:
        await world.until(lambda: _is_over(world), seconds=SECONDS)
        names = self.births.names
        assert len(names) == len(set(names)) == STARTED
        assert (status(world)["missed"], status(world)["backfill"]["started"]) == (0, 1)
        assert condition(world)["status"] == "True"


@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
async def test_a_death_at_any_write_starts_each_run_once(kind: Death) -> None:
    told = Told()
    await Tale(an_agent(), told.begin, told.end, _is_over, seconds=SECONDS).dies(kind, 15)
