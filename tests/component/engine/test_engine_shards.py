"""The engine touches the namespaces of the shards that it holds, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from builders.engine import World, a_world
from builders.kubelet import hangs, ok
from builders.replica import Operator
from builders.specs import a_chain, a_step, a_task, a_workflow, an_agent
from spectra_operator.engine.keys import WORKFLOWS, shard_of

SHARDS = 2
ZERO, ONE = (
    next(name for name in (f"space-{n}" for n in range(99)) if shard_of(name, SHARDS) == shard)
    for shard in range(SHARDS)
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A cluster with a workflow in each of two shards, and an operator that holds none."""
    async with a_world() as world:
        for number, namespace in enumerate((ZERO, ONE)):
            await world.api.create_namespace(namespace)
            step = a_step("build", [a_task(f"task-{number}")])
            await world.apply(an_agent(), a_workflow([step]), namespace=namespace)
        operator = Operator(world.api, world.clock, "one", SHARDS)
        world.operators.append(operator)
        operator.start(leases=False)
        await world.settle()
        yield world


async def test_only_the_shards_that_are_held_are_worked_on(world: World) -> None:
    engine = world.operator.engine
    await engine.take_over(0, lambda: True)
    await world.during(30)
    assert world.kubelet.tasks() == ["task-0"]
    assert "status" not in await world.api.get(WORKFLOWS, "flow", ONE)
    await engine.take_over(1, lambda: True)
    await world.during(30)
    assert world.kubelet.tasks() == ["task-0", "task-1"]


async def test_giving_up_one_shard_leaves_the_other_alone(world: World) -> None:
    engine = world.operator.engine
    world.kubelet.plan("task-0", hangs())
    world.kubelet.plan("task-1", hangs())
    await engine.take_over(0, lambda: True)
    await engine.take_over(1, lambda: True)
    await world.until(lambda: len(world.kubelet.births) == 2)
    engine.give_up(0)
    for task in ("task-0", "task-1"):
        await world.kubelet.end(task, ok())
    await world.during(10)
    zero = await world.api.get(WORKFLOWS, "flow", ZERO)
    one = await world.api.get(WORKFLOWS, "flow", ONE)
    assert one["status"]["state"] == "Succeeded"
    assert zero["status"]["state"] == "Running"
    await engine.take_over(0, lambda: True)
    await world.during(10)
    zero = await world.api.get(WORKFLOWS, "flow", ZERO)
    assert zero["status"]["state"] == "Succeeded"


async def test_the_leases_of_all_shards_are_taken_by_whoever_is_alone() -> None:
    async with a_world() as world:
        operator = Operator(world.api, world.clock, "one", SHARDS)
        world.operators.append(operator)
        operator.start()
        await world.until(
            lambda: operator.engine.terms.may_write(ZERO) and operator.engine.terms.may_write(ONE)
        )
        await world.apply(an_agent(), a_workflow([a_step("build", a_chain("a", "b"))]))
        assert (await world.finished())["state"] == "Succeeded"


async def test_every_hop_from_task_to_task_is_measured() -> None:
    async with a_world() as world:
        await world.apply(an_agent())
        await world.start()
        steps = [a_step("one", a_chain("a", "b", "c")), a_step("two", depends_on=["one"])]
        await world.apply(a_workflow(steps))
        await world.finished()
        assert list(world.operator.metrics.recent_hops) == [0.0, 0.0, 0.0]  # a-b, b-c, one-two
