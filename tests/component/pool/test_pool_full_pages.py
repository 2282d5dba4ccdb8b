"""Ends wait on pages for the status of their phase: many of them do not wait for its pace."""

from __future__ import annotations

from dataclasses import dataclass

from builders.engine import World, a_running_world
from builders.fake_api.store import StoreEvent
from builders.specs import a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, once
from spectra_operator.api import constants as c
from spectra_operator.core.pool.page import MAX_CLAIMS, MAX_ENTRIES
from spectra_operator.engine.keys import PHASES
from spectra_operator.engine.status import ENDS_ON_PAGES
from spectra_operator.kube.resources import LEASES, Body

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


async def watch(world: World, count: int) -> Watched:
    """Do a fan-out whose items take next to no time on workers, and return what was written."""
    watched = Watched()
    stop = world.api._store.listen(watched.see)
    world.workers.asking = 1
    for index in range(count):
        world.workers.plan("each", Deed(seconds=0.05), index=index)
    await world.apply(a_workflow([a_step("build", [a_task("each", count=count)])]))
    await world.finished()
    stop()
    return watched


def a_pool() -> Body:
    """Return an agent with two workers of as many slots as there may be."""
    return an_agent(mode="Pool", replicas=2, slots=MAX_CLAIMS)


async def test_many_ends_within_a_second_do_not_fill_the_pages_of_their_workers() -> None:
    async with a_running_world(a_pool()) as world:
        watched = await watch(world, ITEMS)

        assert once(world.workers.began)
        assert watched.ends <= ENDS_ON_PAGES < MAX_ENTRIES - MAX_CLAIMS


async def test_sixty_four_ends_share_one_status() -> None:
    async with a_running_world(a_pool()) as world:
        watched = await watch(world, ITEMS)

        assert watched.statuses <= ITEMS / ENDS_ON_PAGES + BEGIN_AND_END


async def test_few_ends_gather_for_a_second_as_ever() -> None:
    async with a_running_world(a_pool()) as world:
        watched = await watch(world, ENDS_ON_PAGES)

        assert watched.statuses <= BEGIN_AND_END


async def test_ends_of_pods_gather_for_a_second_however_many_they_are() -> None:
    async with a_running_world(an_agent()) as world:
        watched = await watch(world, ITEMS)

        assert len(world.kubelet.births) == ITEMS
        assert watched.statuses <= BEGIN_AND_END
