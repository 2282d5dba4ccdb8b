"""Phases that go while attempts of an unproven revision are theirs: ends count, nothing stays."""

from __future__ import annotations

import pytest

from builders.engine import World, a_running_world
from builders.fake_api.faults import Match, Refuse
from builders.kubelet import fails, hangs
from builders.specs import NAMESPACE, a_phase, a_task
from builders.workers import Deed
from component.rollout.rollout_cases import (
    BOUND,
    GOOD,
    NEXT,
    a_pool,
    begun_with,
    change_image,
    peeked,
    the_work,
    well,
)
from component.rollout.test_rollout_pods import images, pods_agent
from spectra_operator.api.constants import CLAIM_PREFIX, ENDING_PREFIX, LABEL_TASK
from spectra_operator.engine.keys import AGENTS
from spectra_operator.kube.resources import LEASES, PODS

UNREADY = Refuse(500, "InternalError", "not today")
AGENTS_OF = {"Pod": pods_agent, "Pool": a_pool}


def ending_badly(world: World) -> None:
    """Let whatever the revision under way does end badly."""
    world.kubelet.habits = {NEXT: lambda _: fails()}
    world.workers.habits = {GOOD: well, NEXT: lambda _: Deed(succeeded=False)}


def never_ending(world: World) -> None:
    """Let whatever the revision under way does go on until it is stopped."""
    world.kubelet.habits = {NEXT: lambda _: hangs()}
    world.workers.habits = {GOOD: well, NEXT: lambda _: Deed(seconds=None)}


async def exposed(world: World) -> None:
    """Roll another revision out until it is switched to."""
    await world.until(lambda: peeked(world).get("stable"))
    await change_image(world)
    await world.until(lambda: peeked(world).get("state") == "Exposed")


def counted(world: World, what: str) -> int:
    """Return what status counts of the revision under way, or that was."""
    status = (world.peek(AGENTS, "worker") or {}).get("status") or {}
    known = status["rollout"]["stable"]
    found = [each for each in status.get("revisions") or () if each["revision"] != known]
    return sum(each.get(what, 0) for each in found)


def begun(world: World) -> int:
    """Return how many attempts the revision under way has had."""
    return images(world)[NEXT] + begun_with(world, NEXT)


async def held(world: World) -> list[str]:
    """Return the pods of tasks and the claims that are kept, with their ends."""
    pods = await world.api.objects(PODS, NAMESPACE)
    tasks = [pod["metadata"] for pod in pods if LABEL_TASK in pod["metadata"]["labels"]]
    pages = await world.api.objects(LEASES, NAMESPACE)
    claims = [key for page in pages for key in page["metadata"].get("annotations") or ()]
    return [meta["name"] for meta in tasks if meta.get("finalizers")] + [
        claim for claim in claims if claim.startswith((CLAIM_PREFIX, ENDING_PREFIX))
    ]


@pytest.mark.parametrize("mode", AGENTS_OF)
async def test_the_end_of_an_attempt_counts_though_its_phase_is_deleted_before_it_knows(
    mode: str,
) -> None:
    async with a_running_world(AGENTS_OF[mode]()) as world:
        await exposed(world)
        ending_badly(world)
        await world.apply(a_phase([a_task("lone")]))
        await world.until(lambda: begun(world))
        world.api.fault(Match("update", "phases"), UNREADY, times=100_000)
        await world.during(10)
        assert counted(world, "failed") == 0
        assert await held(world)

        await world.delete("Phase", "stage")
        await world.during(30)

        assert counted(world, "failed") == 1
        assert await held(world) == []


@pytest.mark.parametrize("mode", AGENTS_OF)
async def test_an_end_that_waits_for_its_count_is_let_go_when_its_phase_is_deleted(
    mode: str,
) -> None:
    async with a_running_world(AGENTS_OF[mode]()) as world:
        await exposed(world)
        ending_badly(world)
        world.api.fault(Match("update", "agents"), UNREADY, times=100_000)
        await world.apply(a_phase([a_task("lone")]))
        await world.until(lambda: begun(world))
        await world.during(10)
        assert await held(world)

        await world.delete("Phase", "stage")
        await world.during(30)
        assert await held(world) == []

        world.api.clear_faults()
        await world.until(lambda: counted(world, "failed") == 1)


async def test_an_end_counts_whose_phase_was_deleted_while_nobody_was_there() -> None:
    async with a_running_world(pods_agent()) as world:
        await exposed(world)
        ending_badly(world)
        await world.apply(a_phase([a_task("lone")]))
        await world.until(lambda: begun(world))
        world.operator.kill()
        await world.during(5)
        await world.delete("Phase", "stage")
        await world.start()
        await world.during(30)

        assert counted(world, "failed") == 1
        assert await held(world) == []


@pytest.mark.parametrize("mode", AGENTS_OF)
async def test_an_attempt_that_is_stopped_with_its_phase_gives_its_place_back(mode: str) -> None:
    async with a_running_world(AGENTS_OF[mode]()) as world:
        await exposed(world)
        never_ending(world)
        await world.apply(a_phase([a_task("lone", count=BOUND)]))
        await world.until(lambda: begun(world))
        await world.during(10)
        await world.delete("Phase", "stage")
        await world.during(120)
        assert await held(world) == []
        before = begun(world)

        ending_badly(world)
        await world.apply(the_work(20))
        await world.until(lambda: peeked(world)["state"] == "RolledBack")
        await world.finished()

        assert 0 < begun(world) - before <= BOUND
        assert peeked(world)["reason"] == "AnalysisFailed"
        assert await held(world) == []
