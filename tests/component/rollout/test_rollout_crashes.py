"""The operator dies before and after each write of a rollout: the end is the same each time."""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import KillAfter, KillBefore, Mutations, arm, killed_at_every_write
from builders.engine import World, a_running_world
from builders.fake_api.faults import Fault
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
ENDS = {well: "Promoted", fails_some: "RolledBack"}


async def begin(world: World, habit: Habit) -> None:
    """Let work flow through the first revision, and change the template."""
    world.workers.habits = {GOOD: well, NEXT: habit}
    await world.apply(the_work(ITEMS))
    await world.until(lambda: len(world.workers.ended) > 4)
    await change_image(world)


async def end(world: World, habit: Habit) -> Any:
    """Let it come to its end, check what must hold of it, and return the end."""
    await world.until(lambda: peeked(world).get("state") == ENDS[habit], seconds=600)
    assert (await world.finished(seconds=600))["state"] == "Succeeded"
    check(world, ITEMS)
    if habit is fails_some:
        assert begun_with(world, NEXT) <= BOUND, world.workers.began
    found = await rollout(world)
    history = [(each["outcome"], each["reason"]) for each in found["history"]]
    return {key: found.get(key) for key in ("state", "reason", "stable", "active")}, history


async def undisturbed(habit: Habit) -> tuple[Any, list[str]]:
    """Run the story in peace; return its end and the writes that it made after the change."""
    async with a_running_world(a_pool()) as world:
        await begin(world, habit)
        counter = Mutations()
        arm(world, counter, Fault())
        return await end(world, habit), counter.calls


async def killed_at(habit: Habit, nth: int, kind: type[Any], expected: Any) -> None:
    """Run it with a death at the n-th write after the change."""
    async with a_running_world(a_pool()) as world:
        await begin(world, habit)
        first = world.operator
        arm(world, Mutations(nth), kind(first.kill))
        await world.until(lambda: not first.running or world.is_finished())
        if first.running:
            return  # a repeated write was saved this time: there is no n-th
        await world.start()  # the same identity: it need not wait for the Lease to expire
        assert await end(world, habit) == expected


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
@pytest.mark.parametrize("habit", [well, fails_some])
async def test_a_death_at_any_write_of_a_rollout_changes_nothing_about_its_end(
    habit: Habit, kind: type[Any]
) -> None:
    await killed_at_every_write(
        lambda: undisturbed(habit),
        lambda nth, expected: killed_at(habit, nth, kind, expected),
        20,
        lambda nth, call: nth % SAMPLE == 0 or any(turn in call for turn in TURNS),
    )
