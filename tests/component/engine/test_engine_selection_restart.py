"""Choices after a restart of the operator go by what the agents' statuses count."""

from __future__ import annotations

from itertools import pairwise

import pytest

from builders.engine import World, a_running_world
from builders.kubelet import Fate, fails, ok
from builders.specs import Body, a_choice, a_retry
from component.engine.selection_cases import able, agents_of_pods, by_agent, flow
from spectra_operator.engine.selection_book import KEPT_SECONDS

FATE = by_agent(good=ok(usage={"cost": "0.01"}), bad=fails())


async def played(world: World, name: str, policy: str, fate: Fate = FATE) -> Body:
    """Run eight tasks one after the other in a workflow; return the status of the last one."""
    tasks = [a_choice(f"{name}{n}", retry=a_retry(5)) for n in range(8)]
    for before, task in pairwise(tasks):
        task["dependsOn"] = [before["name"]]
    for task in tasks:
        world.kubelet.plan(task["name"], *[fate] * 6)
    await world.apply(flow(*tasks, selection_policy=policy, name=name))
    await world.finished(name)
    return (await world.tasks(workflow=name))[f"{name}7"]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("Performance", "good: Performance, 15 of 15 succeeded, p50 1 s"),
        ("Cost", "good: Cost, 0.01 a success over 15 attempts"),
    ],
)
async def test_a_restart_changes_no_choice_and_its_reason_counts_what_was_before(
    policy: str, reason: str
) -> None:
    async with a_running_world(able("bad"), able("good")) as world:
        await played(world, "one", policy)
        await world.during(10)
        world.operator.kill()
        await world.start("another")
        last = await played(world, "two", policy)

        assert last["selection"] == reason
        assert await agents_of_pods(world) == {"bad": 3, "good": 16}


async def test_a_second_restart_remembers_too_though_nothing_was_done_in_between() -> None:
    async with a_running_world(able("bad"), able("good")) as world:
        await played(world, "one", "Performance")
        await world.during(10)
        for identity in ("another", "third"):
            world.operator.kill()
            await world.start(identity)
            await world.during(10)
        await played(world, "two", "Performance")

        assert await agents_of_pods(world) == {"bad": 3, "good": 16}


async def test_what_was_seen_an_hour_ago_is_forgotten_over_a_restart_too() -> None:
    async with a_running_world(able("bad"), able("good")) as world:
        await played(world, "one", "Performance")
        world.operator.kill()
        await world.during(KEPT_SECONDS)
        await world.start("another")
        await played(world, "two", "Performance")

        assert await agents_of_pods(world) == {"bad": 6, "good": 16}
