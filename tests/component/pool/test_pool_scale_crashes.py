"""Kill the operator at every write while the number of workers changes: the end is the same.

Each story runs once for every write that it makes. No worker that has a task is ever ended, so no
task is begun twice, whoever decided about the number in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from builders.campaign import KillAfter, KillBefore, Tale, end_state
from builders.engine import World
from builders.specs import Body, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, once
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import AGENTS
from spectra_operator.kube.resources import PODS

pytestmark = pytest.mark.timeout(300)


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


async def begun(story: Story, world: World) -> None:
    """Apply the workflow, with what its items take."""
    for index, seconds in enumerate(story.seconds):
        world.workers.plan("each", Deed(seconds=seconds), index=index)
    task = a_task("each", count=len(story.seconds))
    await world.apply(a_workflow([a_step("build", [task])]))


async def ended(story: Story, world: World) -> Any:
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


def is_over(story: Story, world: World) -> bool:
    many = int(story.ready.split("/")[1])
    done = shown(world).get("ready") == story.ready and len(workers(world)) == many
    return world.is_finished() and done


def told(story: Story) -> Tale:
    """Return what happens in a story."""
    return Tale(story.agent, partial(begun, story), partial(ended, story), partial(is_over, story))


@STORIES
async def test_a_death_before_any_write_is_committed_changes_nothing_about_the_end(
    story: Story,
) -> None:
    await told(story).dies(KillBefore, story.least)


@STORIES
async def test_a_death_after_any_write_was_committed_changes_nothing_about_the_end(
    story: Story,
) -> None:
    await told(story).dies(KillAfter, story.least)
