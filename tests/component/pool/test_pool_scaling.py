"""Scaling on a fake cluster: from zero and back, `/scale`, what is told, what a restart keeps."""

from __future__ import annotations

from typing import Any

from builders.engine import World, a_running_world
from builders.specs import NAMESPACE, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, once
from spectra_operator.api import constants as c
from spectra_operator.core.pool.scale_story import SCALED_DOWN, SCALED_UP
from spectra_operator.engine.keys import AGENTS
from spectra_operator.engine.worker_book import SILENT_SECONDS
from spectra_operator.kube.resources import EVENTS, PODS, Body

QUICK = {"scaleDown": {"stabilizationWindowSeconds": 0}}


def a_scaled_pool(**fields: Any) -> Body:
    """Return an agent whose workers come from zero and go five seconds after the last task."""
    scaling = {"maxReplicas": 3, "cooldownSeconds": 5, "behavior": QUICK} | fields
    return an_agent(mode="Pool", slots=2, scaling=scaling)


def a_flow(count: int) -> Body:
    return a_workflow([a_step("build", [a_task("each", count=count)])])


def shown(world: World) -> Body:
    """Return the status of the agent as it stands."""
    found: Body = (world.peek(AGENTS, "worker") or {}).get("status") or {}
    return found


def workers(world: World) -> list[str]:
    """Return the names of the worker pods that are there."""
    found = world.api._store.all(PODS)
    return [
        pod["metadata"]["name"]
        for pod in found
        if c.LABEL_WORKER in (pod["metadata"].get("labels") or {})
    ]


def condition(world: World, kind: str) -> Body:
    found = shown(world).get("conditions") or ()
    return next((each for each in found if each["type"] == kind), {})


async def scalings(world: World) -> list[tuple[str, str]]:
    """Return reason and message of the Events about the number of workers, in order."""
    told = await world.events("worker")
    return [each for each in told if each[0] in (SCALED_UP, SCALED_DOWN)]


async def test_workers_come_from_zero_with_the_tasks_and_go_and_each_task_is_done_once() -> None:
    async with a_running_world(a_scaled_pool()) as world:
        await world.until(lambda: shown(world).get("ready") == "0/0")
        await world.apply(a_flow(60))

        await world.finished()
        await world.until(lambda: not workers(world))
        await world.until(lambda: shown(world).get("ready") == "0/0")

        assert len(world.workers.began) == 60
        assert once(world.workers.began)
        assert len({name for _, _, _, name in world.workers.began}) == 3


async def test_events_tell_why_the_number_changed_and_a_restart_does_not_repeat_them() -> None:
    async with a_running_world(a_scaled_pool()) as world:
        await world.until(lambda: shown(world).get("ready") == "0/0")
        await world.apply(a_flow(60))
        await world.finished()
        await world.until(lambda: shown(world).get("desiredReplicas") == 0)
        await world.settle()
        told = await scalings(world)
        assert [reason for reason, _ in told] == ["ScaledUp", *["ScaledDown"] * (len(told) - 1)]
        assert told[0][1].startswith("Scaled up from 0 to 3: tasks running: ")
        assert "maxReplicas (3)" in told[0][1]
        assert told[-1][1].endswith(" to 0: tasks running: 0, waiting: 0")

        world.operator.kill()
        await world.start()
        await world.during(30)

        assert await scalings(world) == told


async def test_a_number_that_is_set_through_scale_is_told() -> None:
    async with a_running_world(an_agent(mode="Pool", replicas=1)) as world:
        await world.until(lambda: shown(world).get("ready") == "1/1")

        await world.change("Agent", "worker", replicas=3)
        await world.until(lambda: shown(world).get("ready") == "3/3")

        text = "the number is given by spec.replicas, or is 1 where that is not set"
        assert (await scalings(world))[-1] == ("ScaledUp", f"Scaled up from 1 to 3: {text}")


async def test_replicas_beside_scaling_are_obeyed_and_reported_as_a_conflict_once() -> None:
    async with a_running_world(a_scaled_pool()) as world:
        await world.until(lambda: shown(world).get("ready") == "0/0")

        await world.change("Agent", "worker", replicas=2)
        await world.until(lambda: shown(world).get("ready") == "2/2")

        found = condition(world, "ScalingActive")
        assert (found["status"], found["reason"]) == ("False", "ScalingConflict")
        assert "remove spec.replicas and what sets it, or remove spec.scaling" in found["message"]
        await world.during(60)
        told = [e for e in await world.events("worker") if e[0] == "ScalingConflict"]
        assert told == [("ScalingConflict", found["message"])]
        kinds = {e["reason"]: e["type"] for e in await world.api.objects(EVENTS, NAMESPACE)}
        assert kinds["ScalingConflict"] == "Warning"


async def test_two_that_set_the_number_in_turn_are_reported_once_until_it_stands_still() -> None:
    async with a_running_world(an_agent(mode="Pool", replicas=1)) as world:
        for replicas in (3, 1, 3, 1, 3, 1, 3):
            await world.change("Agent", "worker", replicas=replicas)
            await world.during(8)

        found = condition(world, "ScalingActive")
        assert (found["status"], found["reason"]) == ("False", "ScalingConflict")
        assert "goes to and fro between 1 and 3" in found["message"]
        told = [e for e in await world.events("worker") if e[0] == "ScalingConflict"]
        assert told == [("ScalingConflict", found["message"])]

        await world.until(lambda: condition(world, "ScalingActive")["reason"] == "FixedReplicas")
        assert shown(world)["ready"] == "3/3"


async def test_scaling_goes_on_when_replicas_are_taken_back() -> None:
    async with a_running_world(a_scaled_pool()) as world:
        await world.change("Agent", "worker", replicas=2)
        await world.until(lambda: shown(world).get("ready") == "2/2")

        await world.change("Agent", "worker", replicas=None)

        await world.until(lambda: not workers(world))
        assert condition(world, "ScalingActive")["reason"] == "FollowsTasks"


async def test_a_restart_does_not_forget_that_workers_were_wanted_a_short_while_ago() -> None:
    down = {"scaleDown": {"stabilizationWindowSeconds": 120}}
    async with a_running_world(a_scaled_pool(behavior=down)) as world:
        await world.during(SILENT_SECONDS)  # a new leader lets nothing shrink
        await world.apply(a_flow(12))
        await world.finished()
        ended = world.clock.monotonic()
        await world.during(60)
        world.operator.kill()
        await world.start()

        await world.during(ended + 100 - world.clock.monotonic())
        assert len(workers(world)) == 3
        await world.until(lambda: not workers(world))

        assert 110 <= world.clock.monotonic() - ended <= 160


async def test_workers_go_as_soon_as_a_new_leader_knows_all_of_them_whatever_it_did_before() -> (
    None
):
    async with a_running_world(a_scaled_pool()) as world:
        began = world.clock.monotonic()
        await world.apply(a_flow(12))
        await world.finished()

        await world.until(lambda: not workers(world))

        assert world.clock.monotonic() - began <= SILENT_SECONDS + 10


async def test_a_worker_with_a_task_is_let_end_it_when_the_number_is_set_to_zero() -> None:
    async with a_running_world(an_agent(mode="Pool", replicas=2)) as world:
        for index in range(2):
            world.workers.plan("each", Deed(seconds=40), index=index)
        await world.apply(a_flow(2))
        await world.until(lambda: len(world.workers.began) == 2)

        await world.change("Agent", "worker", replicas=0)

        await world.finished()
        await world.until(lambda: not workers(world))
        assert once(world.workers.began)
        assert not world.workers.refused
