"""While the API server is slow it is asked for less: short runs are told of once, at their end."""

from __future__ import annotations

from builders.engine import World, a_running_world
from builders.fake_api.faults import HoldRequest, Match
from builders.kubelet import hangs
from builders.specs import a_step, a_task, a_workflow

STATUSES = Match(plural="workflows", subresource="status")
SLOW = 3.0
A_POD = 1.5
"""Seconds in which a pod ends, and all that follows from it."""


def told(world: World, name: str) -> list[str]:
    """The states that were written of a workflow."""
    calls = [entry.call for entry in world.api.log if STATUSES(entry.call)]
    return [call.body["status"]["state"] for call in calls if call.name == name and call.body]


async def one_write_is_slow(world: World) -> None:
    """Run a workflow whose first write takes some seconds to be answered."""
    held = HoldRequest()
    world.api.fault(STATUSES, held)
    await world.apply(a_workflow([a_step()], name="slow"))
    await held.reached()
    await world.during(SLOW)
    held.release()
    await world.finished("slow")


async def test_a_run_is_told_of_when_it_begins_and_when_it_ends() -> None:
    async with a_running_world() as world:
        await world.apply(a_workflow([a_step()]))
        await world.finished()
        assert told(world, "flow") == ["Running", "Succeeded"]


async def test_a_short_run_is_told_of_at_its_end_alone_after_a_slow_write() -> None:
    async with a_running_world() as world:
        await one_write_is_slow(world)
        await world.apply(a_workflow([a_step()]))
        await world.until(lambda: world.kubelet.tasks() == ["work", "work"])
        await world.during(A_POD)
        assert told(world, "flow") == ["Succeeded"]


async def test_a_run_that_lasts_is_told_of_all_the_same_after_five_seconds_at_most() -> None:
    async with a_running_world() as world:
        await one_write_is_slow(world)
        world.kubelet.plan("work", hangs())
        await world.apply(a_workflow([a_step("build", [a_task("work")])]))
        await world.during(5)
        assert told(world, "flow") == ["Running"]


async def test_a_run_that_is_suspended_meanwhile_says_so_at_once() -> None:
    async with a_running_world() as world:
        await one_write_is_slow(world)
        world.kubelet.plan("work", hangs())
        await world.apply(a_workflow([a_step("build", [a_task("work")])]))
        await world.settle()
        await world.change("Workflow", "flow", suspend=True)
        await world.settle()
        assert told(world, "flow") == ["Suspended"]
