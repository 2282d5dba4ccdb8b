"""Ends wait on pages for the status of their phase: many of them do not wait for its pace."""

from __future__ import annotations

from dataclasses import dataclass

from builders.engine import World, a_running_world
from builders.fake_api.faults import Match, Refuse
from builders.fake_api.store import StoreEvent
from builders.specs import a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, once
from spectra_operator.api import constants as c
from spectra_operator.core.pool.page import MAX_CLAIMS, MAX_ENTRIES
from spectra_operator.engine.keys import PHASES
from spectra_operator.engine.shown_pages import CROWDED
from spectra_operator.kube.resources import LEASES, Body

STATUS = Match(verb="update", plural="phases", subresource="status")
ITEMS = 400
BEGIN_AND_END = 4
"""Writes of a phase that is there, runs, has ended, and is labelled so."""


@dataclass
class Watched:
    """What was written in a run.

    Attributes:
        ends: The most ends that stood on a page.
        statuses: Writes of the phase.
    """

    ends: int = 0
    statuses: int = 0

    def see(self, event: StoreEvent) -> None:
        """Take in a write."""
        if event.resource == PHASES:
            self.statuses += 1
        if event.resource == LEASES:
            keys = event.body["metadata"].get("annotations", {})
            self.ends = max(self.ends, sum(key.startswith(c.ENDING_PREFIX) for key in keys))


async def watch(world: World, count: int, *, workflows: int = 1) -> Watched:
    """Do fan-outs whose items take next to no time on workers, and return what was written."""
    watched = Watched()
    stop = world.api._store.listen(watched.see)
    world.workers.asking = 1
    for index in range(count):
        world.workers.plan("each", Deed(seconds=0.05), index=index)
    names = [f"flow-{number}" for number in range(workflows)]
    steps = [a_step("build", [a_task("each", count=count)])]
    await world.apply(*(a_workflow(steps, name=name) for name in names))
    for name in names:
        await world.finished(name)
    stop()
    return watched


def a_pool() -> Body:
    """Return an agent with two workers of as many slots as there may be."""
    return an_agent(mode="Pool", replicas=2, slots=MAX_CLAIMS)


async def test_many_ends_within_a_second_do_not_fill_the_pages_of_their_workers() -> None:
    async with a_running_world(a_pool()) as world:
        watched = await watch(world, ITEMS)

        assert once(world.workers.began)
        assert watched.ends <= 2 * CROWDED < MAX_ENTRIES - MAX_CLAIMS


async def test_the_ends_of_several_phases_that_crowd_a_page_together_do_not_fill_it() -> None:
    async with a_running_world(a_pool()) as world:
        watched = await watch(world, ITEMS // 4, workflows=4)

        assert len(world.workers.began) == ITEMS
        assert watched.ends <= 2 * CROWDED


async def test_as_many_ends_as_crowd_a_page_share_a_status() -> None:
    async with a_running_world(a_pool()) as world:
        watched = await watch(world, ITEMS)

        assert watched.statuses <= ITEMS / CROWDED + BEGIN_AND_END


async def test_few_ends_gather_for_a_second_as_ever() -> None:
    async with a_running_world(a_pool()) as world:
        watched = await watch(world, CROWDED)

        assert watched.statuses <= BEGIN_AND_END


async def test_a_status_that_is_refused_is_not_tried_more_often_as_pages_are_crowded() -> None:
    async with a_running_world(a_pool()) as world:
        world.api.fault(STATUS, Refuse(500), times=1000)
        world.workers.asking = 1
        flow = a_workflow([a_step("build", [a_task("each", count=ITEMS)])])
        await world.apply(flow)
        await world.during(20)
        refused = sum(STATUS(entry.call) for entry in world.api.log)
        world.api.clear_faults()

        await world.finished()

        assert once(world.workers.began)
        assert len(world.workers.began) == ITEMS
        assert 3 < refused < 40


async def test_ends_of_pods_gather_for_a_second_however_many_they_are() -> None:
    async with a_running_world(an_agent()) as world:
        watched = await watch(world, ITEMS)

        assert len(world.kubelet.births) == ITEMS
        assert watched.statuses <= BEGIN_AND_END
