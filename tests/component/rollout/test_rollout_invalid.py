"""A rollout that nothing can be decided by: shown, and all stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.specs import Body, an_action
from component.rollout.rollout_cases import (
    BOUND,
    GOOD,
    NEXT,
    a_pool,
    begun_with,
    change_image,
    check,
    peeked,
    the_work,
    well,
)
from spectra_operator.engine.keys import AGENTS

BROKEN = {"minTasks": 4, "conditions": ["failureRatoi <= 0.2"]}


def progressing(world: World) -> Body:
    """Return the condition RolloutProgressing."""
    status = (world.peek(AGENTS, "worker") or {}).get("status") or {}
    found = [c for c in status.get("conditions") or () if c["type"] == "RolloutProgressing"]
    return found[0] if found else {}


@pytest.mark.parametrize(
    ("rollout", "where"),
    [
        ({"analysis": BROKEN}, "spec.rollout.analysis.conditions[0]"),
        ({"preGate": {"replay": {"last": 5}}}, "preGate.replay: does recorded tasks again"),
        ({"preGate": {"tasks": [{"task": "a", "expect": "1 +"}]}}, "preGate.tasks[0].expect"),
    ],
)
async def test_a_new_agent_works_all_the_same_and_says_what_is_wrong(
    rollout: dict[str, Any], where: str
) -> None:
    async with a_running_world(a_pool(rollout=rollout)) as world:
        world.workers.habits = {GOOD: well}
        await world.apply(the_work(5))
        await world.finished()

        check(world, 5)
        found = progressing(world)
        assert (found["status"], found["reason"]) == ("False", "InvalidRollout")
        assert where in found["message"]


async def test_a_new_template_waits_until_the_rollout_is_mended() -> None:
    async with a_running_world(a_pool(rollout={"analysis": BROKEN})) as world:
        world.workers.habits = {GOOD: well, NEXT: well}
        await change_image(world)
        await world.apply(the_work(12))
        await world.finished()
        assert (begun_with(world, NEXT), peeked(world)["state"]) == (0, "Promoted")

        await world.change("Agent", "worker", rollout={"analysis": None})
        await world.until(lambda: peeked(world).get("reason") == "NoAnalysis")

        assert progressing(world)["reason"] == "NoAnalysis"


async def test_a_rollout_that_breaks_under_way_keeps_its_bound_and_takes_orders() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.habits = {GOOD: well, NEXT: well}
        await change_image(world)
        await world.until(lambda: peeked(world).get("state") == "Exposed")
        await world.change("Agent", "worker", rollout={"analysis": BROKEN})
        await world.until(lambda: progressing(world).get("reason") == "InvalidRollout")
        await world.apply(the_work())
        await world.finished()

        check(world)
        assert (begun_with(world, NEXT), peeked(world)["state"]) == (BOUND, "Exposed")
        await world.apply(an_action("Abort", target="worker", target_kind="Agent"))
        await world.until(lambda: peeked(world).get("state") == "RolledBack")
        assert progressing(world)["reason"] == "InvalidRollout"
