"""Rollouts of revisions whose workers cannot start: given up long before the deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builders import pods
from builders.engine import World, a_running_world
from component.rollout.rollout_cases import (
    GOOD,
    NEXT,
    a_pool,
    begun_with,
    change_image,
    check,
    peeked,
    rollout,
    the_work,
    well,
)
from spectra_operator.core.pool.startup import HELD_SECONDS
from spectra_operator.kube.resources import Body

Step = Callable[[Body, float], Body]
NO_IMAGE = f'failed to pull image "{NEXT}": not found'


def missing(pod: Body, when: float) -> Body:
    return pods.pulling(pod, when, "ErrImagePull", NO_IMAGE)


def crashed(restarts: int) -> Step:
    return lambda pod, when: pods.crashing(pod, when, restarts)


async def begin(world: World, *course: Step) -> float:
    """Let work flow, begin with a revision whose workers go that way, and return the time."""
    world.workers.habits = {GOOD: well}
    world.workers.courses = {NEXT: course}
    await world.apply(the_work())
    await world.until(lambda: len(world.workers.ended) > 4)
    await change_image(world)
    return world.clock.monotonic()


@pytest.mark.parametrize("fields", [{}, {"analysis": None}], ids=["one first", "all at once"])
@pytest.mark.parametrize(
    ("course", "text"),
    [
        ((missing,), f"cannot start: ImagePullBackOff: {NO_IMAGE}"),
        (
            tuple(map(crashed, range(4))),
            "was restarted 3 times before it called the operator, last after exit code 1 (Error)",
        ),
    ],
    ids=["no image", "crash loop"],
)
async def test_a_revision_whose_workers_cannot_start_is_given_up_and_the_message_says_why(
    course: tuple[Step, ...], text: str, fields: dict[str, Any]
) -> None:
    async with a_running_world(a_pool(rollout=fields)) as world:
        begun = await begin(world, *course)

        await world.until(lambda: peeked(world).get("state") == "Aborted")

        assert HELD_SECONDS / 2 < world.clock.monotonic() - begun < 2 * HELD_SECONDS
        found = await rollout(world)
        assert found["reason"] == "WorkersCrashing"
        assert text in found["message"]
        assert found["stable"] == found["active"] != found["rejected"]
        assert (await world.finished())["state"] == "Succeeded"
        check(world)
        assert begun_with(world, NEXT) == 0


async def test_while_it_waits_the_rollout_says_what_for() -> None:
    async with a_running_world(a_pool()) as world:
        await begin(world, missing)

        await world.until(lambda: NO_IMAGE in peeked(world).get("message", ""))

        assert peeked(world)["state"] == "Preview"
        assert "has no ready worker: 1 start, 0 failed; worker worker-" in peeked(world)["message"]


async def test_a_process_that_never_calls_has_until_the_deadline_and_the_message_says_so() -> None:
    async with a_running_world(a_pool(rollout={"progressDeadlineSeconds": 90})) as world:
        begun = await begin(world, pods.running)

        await world.until(lambda: peeked(world).get("state") == "Aborted")

        assert world.clock.monotonic() - begun >= 90
        found = await rollout(world)
        assert found["reason"] == "ProgressDeadlineExceeded"
        assert "and has not called the operator" in found["message"]


async def test_a_retry_gives_the_revision_its_time_anew() -> None:
    async with a_running_world(a_pool()) as world:
        await begin(world, missing)
        await world.until(lambda: peeked(world).get("state") == "Aborted")
        world.workers.courses = {}
        world.workers.habits[NEXT] = well

        await change_image(world, GOOD)
        await world.settle()
        await change_image(world)

        await world.until(lambda: peeked(world).get("state") == "Exposed")
