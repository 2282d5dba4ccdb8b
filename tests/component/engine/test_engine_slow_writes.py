"""While the API server is slow it is asked for less, but not for what a run's status rests on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from builders.engine import World, a_running_world
from builders.fake_api.faults import HoldRequest, Match
from builders.kubelet import hangs
from builders.specs import a_step, a_task, a_workflow

STATUSES = Match(plural="workflows", subresource="status")
SLOW = 3.0


@pytest_asyncio.fixture
async def slow_world() -> AsyncIterator[World]:
    """A cluster in which the first write of a workflow took some seconds."""
    async with a_running_world() as world:
        held = HoldRequest()
        world.api.fault(STATUSES, held)
        await world.apply(a_workflow([a_step()], name="slow"))
        await held.reached()
        await world.during(SLOW)
        held.release()
        await world.finished("slow")
        yield world


async def test_that_a_run_has_begun_is_told_at_once(slow_world: World) -> None:
    slow_world.kubelet.plan("work", hangs())
    begun = slow_world.clock.now()
    await slow_world.apply(a_workflow([a_step()]))
    await slow_world.settle()
    status = slow_world.status_now()
    assert status["state"] == "Running"
    assert status["startedAt"] == begun.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_the_end_of_a_run_keeps_when_it_began(slow_world: World) -> None:
    begun = slow_world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    await slow_world.apply(a_workflow([a_step("build", [a_task("a"), a_task("b")])]))
    status = await slow_world.finished()
    assert status["startedAt"] == begun < status["finishedAt"]
