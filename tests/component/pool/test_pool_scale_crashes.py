"""Kill the operator at every write while the number of workers changes: the end is the same.

Each story runs once for every write that it makes. No worker that has a task is ever ended, so no
task is begun twice, whoever decided about the number in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from builders.campaign import (
    KillAfter,
    KillBefore,
    Mutations,
    arm,
    end_state,
    killed_at_every_write,
)
from builders.engine import World, a_running_world
from builders.fake_api.faults import Fault
from builders.specs import Body, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, once
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import AGENTS
from spectra_operator.kube.resources import PODS

pytestmark = pytest.mark.timeout(300)

Death = type[KillBefore] | type[KillAfter]


@dataclass(frozen=True)
class Story:
    """A change of the number of workers under load.

    Attributes:
        agent: Of the workers.
        seconds: How long each item of its one task takes.
        ready: What the agent's status shows at the end.
        least: Writes that it makes more of.
    """

    agent: Body
    seconds: tuple[float, ...]
    ready: str
    least: int


def scaled(**fields: Any) -> Body:
    return an_agent(mode="Pool", slots=2, scaling={"maxReplicas": 3} | fields)


UP = Story(scaled(), (4.0,) * 6, "3/3", 10)
"""From zero to three, which stay: the window for going down is five minutes."""
DOWN = Story(
    # Two of four tasks end early: with the other two each worker has one, and one worker drains.
    scaled(
        maxReplicas=2,
        cooldownSeconds=2,
        behavior={"scaleDown": {"stabilizationWindowSeconds": 0}},
    ),
    (2.0, 40.0, 2.0, 40.0),
    "0/0",
    10,
)
STORIES = pytest.mark.parametrize("story", [UP, DOWN], ids=["scales up", "drains to zero"])


def shown(world: World) -> Body:
    found: Body = (world.peek(AGENTS, "worker") or {}).get("status") or {}
    return found


def workers(world: World) -> list[Body]:
    """Return the worker pods that are there."""
    found = world.api._store.all(PODS)
    return [pod for pod in found if c.LABEL_WORKER in (pod["metadata"].get("labels") or {})]


async def begun(world: World, story: Story) -> None:
    """Apply the workflow, with what its items take."""
    for index, seconds in enumerate(story.seconds):
        world.workers.plan("each", Deed(seconds=seconds), index=index)
    task = a_task("each", count=len(story.seconds))
    await world.apply(a_workflow([a_step("build", [task])]))


async def ended(world: World, story: Story) -> Any:
    """Wait until the run and the scaling have come to their ends; return both, checked."""
    await world.finished()
    many = int(story.ready.split("/")[1])
    await world.until(lambda: shown(world).get("ready") == story.ready)
    await world.until(lambda: len(workers(world)) == many)
    await world.settle()
    assert once(world.workers.began), world.workers.began
    assert len(world.workers.began) == len(story.seconds)
    assert not world.workers.refused
    status = shown(world)
    conditions = {each["type"]: each["reason"] for each in status["conditions"]}
    counts = {name: status.get(name) for name in ("replicas", "readyReplicas", "desiredReplicas")}
    return await end_state(world), counts, conditions["ScalingActive"], len(workers(world))


async def undisturbed(story: Story) -> tuple[Any, list[str]]:
    async with a_running_world(story.agent) as world:
        counter = Mutations()
        arm(world, counter, Fault())
        await begun(world, story)
        return await ended(world, story), counter.calls


async def killed_at(nth: int, kind: Death, story: Story, expected: Any) -> None:
    async with a_running_world(story.agent) as world:
        first = world.operator
        arm(world, Mutations(nth), kind(first.kill))
        await begun(world, story)
        await world.until(lambda: not first.running or is_over(world, story))
        if first.running:
            return  # a repeated write was saved this time: there is no n-th
        await world.start()  # the same identity: it need not wait for the Lease to expire
        assert await ended(world, story) == expected


def is_over(world: World, story: Story) -> bool:
    many = int(story.ready.split("/")[1])
    done = shown(world).get("ready") == story.ready and len(workers(world)) == many
    return world.is_finished() and done


def at_a_death(kind: Death, story: Story) -> Callable[[int, Any], Any]:
    return lambda nth, expected: killed_at(nth, kind, story, expected)


@STORIES
async def test_a_death_before_any_write_is_committed_changes_nothing_about_the_end(
    story: Story,
) -> None:
    await killed_at_every_write(
        lambda: undisturbed(story), at_a_death(KillBefore, story), story.least
    )


@STORIES
async def test_a_death_after_any_write_was_committed_changes_nothing_about_the_end(
    story: Story,
) -> None:
    await killed_at_every_write(
        lambda: undisturbed(story), at_a_death(KillAfter, story), story.least
    )
