"""The operator dies before and after each write of a rollout: the end is the same each time."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from builders.campaign import Death, KillAfter, KillBefore, Tale
from builders.engine import World
from builders.workers import Habit
from component.rollout.rollout_cases import (
    BOUND,
    GOOD,
    NEXT,
    a_pool,
    begun_with,
    change_image,
    check,
    fails_some,
    peeked,
    rollout,
    the_work,
    well,
)

ITEMS = 36
SAMPLE = 10
TURNS = ("agents/status", "controllerrevisions", "create")
"""Writes that a rollout turns on; of the many others, pages and statuses of phases, a sample."""
ENDS: dict[Habit, str] = {well: "Promoted", fails_some: "RolledBack"}


async def before(habit: Habit, world: World) -> None:
    """Let work flow through the first revision."""
    world.workers.habits = {GOOD: well, NEXT: habit}
    await world.apply(the_work(ITEMS))
    await world.until(lambda: len(world.workers.ended) > 4)


async def end(habit: Habit, world: World) -> Any:
    """Let it come to its end, check what must hold of it, and return the end."""
    await world.until(lambda: peeked(world).get("state") == ENDS[habit], seconds=600)
    assert (await world.finished(seconds=600))["state"] == "Succeeded"
    check(world, ITEMS)
    if habit is fails_some:
        assert begun_with(world, NEXT) <= BOUND, world.workers.began
    found = await rollout(world)
    history = [(each["outcome"], each["reason"]) for each in found["history"]]
    return {key: found.get(key) for key in ("state", "reason", "stable", "active")}, history


def is_chosen(nth: int, call: str) -> bool:
    """Whether a write is in the sample, or the rollout turns on it."""
    return nth % SAMPLE == 0 or any(turn in call for turn in TURNS)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
@pytest.mark.parametrize("habit", [well, fails_some])
async def test_a_death_at_any_write_of_a_rollout_changes_nothing_about_its_end(
    habit: Habit, kind: Death
) -> None:
    tale = Tale(
        a_pool(),
        change_image,
        partial(end, habit),
        World.is_finished,
        before=partial(before, habit),
        chosen=is_chosen,
    )
    await tale.dies(kind, 20)
