"""Kill the operator at every write of a run on warm workers: the end is the same.

Each test runs the story once for every write that it makes. A worker keeps its claims and its
results while nobody answers, and does nothing twice.
"""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import KillAfter, KillBefore, Tale, end_state
from builders.engine import World, a_running_world
from builders.specs import Body, a_retry, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, once

pytestmark = pytest.mark.timeout(300)

ATTEMPTS = {
    ("plan", 0): [1],
    ("shard", 0): [1],
    ("shard", 1): [1, 2],
    ("shard", 2): [1],
    ("merge", 0): [1, 2],
    ("report", 0): [1],
}


def a_pool() -> Body:
    return an_agent(mode="Pool", replicas=2, slots=2)


def a_story() -> Body:
    """Return a workflow with a fan-out, a failure, a loss with a checkpoint, and outputs."""
    build = [
        a_task("plan"),
        a_task("shard", depends_on=["plan"], count=3, retry=a_retry(1, seconds=2)),
        a_task(
            "merge",
            depends_on=["shard"],
            retry=a_retry(losses=1),
            input={"all": "${tasks.shard.outputs}"},
        ),
    ]
    report = a_task("report", input={"sum": "${phases.build.outputs.merge.sum}"})
    return a_workflow([a_step("build", build), a_step("ship", [report], depends_on=["build"])])


def plan(world: World) -> None:
    """Tell the workers how the tasks of the story go."""
    for index in range(3):
        failed = [Deed(succeeded=False)] if index == 1 else []
        world.workers.plan("shard", *failed, Deed(outputs={"n": index}), index=index)
    done = Deed(outputs=lambda given: {"sum": sum(part["n"] for part in given["all"])})
    # Long enough for heartbeats after a death of the operator to say the checkpoint again.
    crash = Deed(seconds=12, crash=True, checkpoint={"parts": 2}, progress={"percent": 60})
    world.workers.plan("merge", crash, done)


def check(world: World) -> None:
    """Check what must hold of every run, whatever befell it."""
    assert once(world.workers.began), world.workers.began
    made = {item: world.workers.attempts(*item) for item in ATTEMPTS}
    assert made == ATTEMPTS, made
    assert world.workers.resumed == {("merge", 0, 2): {"parts": 2}}
    assert not world.workers.refused


async def begin(world: World) -> None:
    """Begin the story."""
    plan(world)
    await world.apply(a_story())


async def end(world: World) -> Any:
    """Let the story come to its end, and return that, checked."""
    await world.finished()
    check(world)
    return await end_state(world)


TALE = Tale(a_pool(), begin, end, World.is_finished)


async def test_a_death_before_any_write_is_committed_changes_nothing_about_the_end() -> None:
    await TALE.dies(KillBefore, 25)


async def test_a_death_after_any_write_was_committed_changes_nothing_about_the_end() -> None:
    await TALE.dies(KillAfter, 25)


async def test_another_replica_goes_on_with_the_claims_of_a_dead_leader() -> None:
    async with a_running_world(a_pool()) as world:
        await world.start("two", leads=False)
        world.workers.plan("plan", Deed(seconds=30))
        await world.apply(a_workflow([a_step("build", [a_task("plan")])]))
        await world.until(lambda: world.workers.began)
        world.operators[0].kill()

        status = await world.finished()

        assert status["state"] == "Succeeded"
        assert world.workers.attempts("plan") == [1]


async def test_the_operators_own_silence_fences_nobody() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("plan", Deed(seconds=200))
        await world.apply(a_workflow([a_step("build", [a_task("plan")])]))
        await world.until(lambda: world.workers.began)
        world.operator.kill()
        await world.during(100)
        await world.start()

        await world.finished()

        assert world.workers.attempts("plan") == [1]


async def test_a_leader_that_stops_in_order_hands_its_workers_on() -> None:
    async with a_running_world(a_pool()) as world:
        await world.start("two", leads=False)
        world.workers.plan("plan", Deed(seconds=10))
        await world.apply(a_workflow([a_step("build", [a_task("plan")])]))
        await world.until(lambda: world.workers.began)
        await world.operators[0].stop()

        await world.finished()

        assert world.workers.attempts("plan") == [1]
