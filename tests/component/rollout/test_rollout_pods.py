"""Rollouts of agents in mode Pod: each attempt has a revision, by the same rules as in a pool."""

from __future__ import annotations

from collections import Counter
from typing import Any

from builders.engine import World, a_running_world
from builders.fake_api.faults import Match, Refuse
from builders.kubelet import fails, image_of, ok
from builders.specs import NAMESPACE, Body, a_phase, a_task, an_agent
from component.rollout.rollout_cases import (
    ANALYSIS,
    BOUND,
    GOOD,
    NEXT,
    change_image,
    peeked,
    rollout,
    the_work,
)
from spectra_operator.kube.resources import CONTROLLER_REVISIONS, PODS

ITEMS = 40
CONDITIONS = {"analysis": ANALYSIS | {"conditions": ["failureRatio <= 0.2"]}}


def pods_agent(**fields: Any) -> Body:
    """Return an agent in mode Pod with four pods at once, and judged if nothing else is said."""
    judged = {"maxUnproven": BOUND, **CONDITIONS}
    agent = an_agent(concurrency=4, **({"rollout": judged} | fields))
    agent["spec"]["template"]["image"] = GOOD
    return agent


def every_third_fails(pod: Body) -> Any:
    """Fail every third item."""
    index = int(pod["metadata"]["labels"]["spectra.dev/index"])
    return ok() if index % 3 else fails()


def images(world: World) -> Counter[str]:
    """Return how many pods were made of each image."""
    return Counter(image_of(pod) for pod in world.kubelet.pods.values())


async def taken_back(world: World) -> None:
    """Roll out a revision that always fails, until it is taken back and all is done."""
    world.kubelet.habits = {NEXT: lambda _: fails()}
    await change_image(world)
    await world.apply(the_work(BOUND))
    await world.until(lambda: peeked(world).get("state") == "RolledBack")
    await world.finished()


async def test_a_bad_revision_gets_its_bound_of_pods_and_is_taken_back() -> None:
    async with a_running_world(pods_agent()) as world:
        world.kubelet.habits = {NEXT: every_third_fails}
        await world.apply(the_work(ITEMS))
        await world.until(lambda: len(world.kubelet.births) > 4)
        await change_image(world)

        assert (await world.finished())["state"] == "Succeeded"

        found = await rollout(world)
        assert (found["state"], found["reason"]) == ("RolledBack", "AnalysisFailed")
        assert 0 < images(world)[NEXT] <= BOUND
        task = (await world.tasks("build"))["each"]
        assert task["items"]["succeeded"] == f"0-{ITEMS - 1}"


async def test_a_good_revision_gets_all_once_it_is_promoted() -> None:
    async with a_running_world(pods_agent()) as world:
        await world.apply(the_work(ITEMS))
        await world.until(lambda: len(world.kubelet.births) > 4)
        await change_image(world)

        await world.finished()

        assert (await rollout(world))["reason"] == "AnalysisPassed"
        assert images(world)[NEXT] > BOUND


async def test_without_an_analysis_a_new_template_is_used_as_soon_as_it_is_stored() -> None:
    async with a_running_world(pods_agent(rollout=None)) as world:
        await change_image(world)
        await world.until(lambda: peeked(world).get("number") == 2)
        await world.apply(the_work(3))

        await world.finished()

        assert images(world) == {NEXT: 3}
        assert (await rollout(world))["reason"] == "NoAnalysis"


async def test_after_a_restart_the_stable_revision_is_read_and_used_again() -> None:
    async with a_running_world(pods_agent()) as world:
        await taken_back(world)
        before = images(world)[NEXT]

        world.operator.kill()
        await world.start()
        await world.apply(a_phase([a_task("later", count=3)]))

        await world.phase_finished()
        assert images(world)[NEXT] == before
        assert {image_of(world.kubelet.pods["later", index, 1]) for index in range(3)} == {GOOD}


async def test_a_stable_revision_that_somebody_deleted_is_not_replaced_by_a_rejected_one() -> None:
    async with a_running_world(pods_agent()) as world:
        await taken_back(world)
        before = images(world)
        stable = (await rollout(world))["stable"]

        world.operator.kill()
        await world.api.delete(CONTROLLER_REVISIONS, f"worker-{stable}", NAMESPACE)
        await world.start()
        await world.apply(a_phase([a_task("later")]))
        await world.during(60)
        assert images(world) == before

        await change_image(world, "example/worker:3")
        await world.phase_finished()
        found = await rollout(world)
        assert (found["reason"], found["stable"] != stable) == ("FirstRevision", True)


async def test_pods_of_an_agent_that_is_deleted_in_mid_rollout_are_let_go() -> None:
    async with a_running_world(pods_agent()) as world:
        await change_image(world)
        await world.until(lambda: peeked(world).get("state") == "Exposed")
        refusal = Refuse(500, "InternalError", "no agents today")
        world.api.fault(Match("update", "agents"), refusal, times=1000)
        await world.apply(the_work(BOUND - 2))
        await world.until(lambda: len(world.kubelet.births) == BOUND - 2)
        await world.during(20)
        assert len(await held(world)) == BOUND - 2

        await world.delete("Agent", "worker")
        await world.during(5)

        assert await held(world) == []


async def held(world: World) -> list[str]:
    """Return the names of the pods that have a finalizer."""
    pods = await world.api.objects(PODS, NAMESPACE)
    return [pod["metadata"]["name"] for pod in pods if pod["metadata"].get("finalizers")]
