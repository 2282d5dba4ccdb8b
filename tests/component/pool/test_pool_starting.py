"""Pools whose workers cannot start: what the agent, its Events and the tasks that wait say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builders import pods
from builders.engine import World, a_world
from builders.specs import NAMESPACE, a_step, a_task, a_workflow, an_agent
from spectra_operator.core.pool.startup import CALL_WITHIN_SECONDS
from spectra_operator.engine.keys import AGENTS
from spectra_operator.kube.resources import EVENTS, PODS, Body

IMAGE = "example/nope:1"
NO_IMAGE = f'failed to pull image "{IMAGE}": not found'
Course = tuple[Callable[[Body, float], Body], ...]


def a_pool(**fields: Any) -> Body:
    agent = an_agent(mode="Pool", **fields)
    agent["spec"]["template"]["image"] = IMAGE
    return agent


def missing(pod: Body, when: float) -> Body:
    return pods.pulling(pod, when, "ErrImagePull", NO_IMAGE)


def backing_off(pod: Body, when: float) -> Body:
    return pods.pulling(pod, when, "ImagePullBackOff", f'Back-off pulling image "{IMAGE}"')


def crashed(restarts: int) -> Callable[[Body, float], Body]:
    return lambda pod, when: pods.crashing(pod, when, restarts)


def healthy(world: World) -> Body:
    """Return the condition Healthy of the agent as it stands."""
    status = (world.peek(AGENTS, "worker") or {}).get("status") or {}
    found = (each for each in status.get("conditions") or () if each["type"] == "Healthy")
    return next(found, {"reason": "", "message": ""})


async def warnings(world: World) -> list[Body]:
    """Return the Warning Events of the agent."""
    found = await world.api.objects(EVENTS, NAMESPACE)
    return [e for e in found if e["type"] == "Warning" and e["involvedObject"]["kind"] == "Agent"]


async def begin(world: World, *course: Callable[[Body, float], Body]) -> None:
    """Start with an agent whose workers go that way, and a task for it."""
    world.workers.courses = {IMAGE: course}
    await world.apply(a_pool(), a_workflow([a_step("build", [a_task("a")])]))
    await world.start()


@pytest.mark.parametrize(
    ("course", "reason", "text"),
    [
        ((missing,), "WorkerCannotStart", f"cannot start: ImagePullBackOff: {NO_IMAGE}"),
        (
            (crashed(0), crashed(16)),
            "WorkerCrashing",
            "was restarted 16 times before it called the operator, last after exit code 1 (Error)",
        ),
        ((pods.running,), "WorkerNotCalling", "and has not called the operator"),
    ],
    ids=["no image", "crash loop", "sleep"],
)
async def test_what_keeps_the_workers_from_starting_is_told_by_agent_event_and_task(
    course: Course, reason: str, text: str
) -> None:
    async with a_world() as world:
        await begin(world, *course)

        await world.until(lambda: text in healthy(world)["message"])
        await world.until(lambda: text in world.task_now("a").get("message", ""))

        assert (healthy(world)["reason"], healthy(world)["status"]) == (reason, "False")
        assert healthy(world)["message"].startswith("no worker is ready: worker-")
        assert world.task_now("a")["reason"] == reason
        assert world.task_now("a")["message"].startswith("agent worker: no worker is ready: worker")
        await world.during(120)
        (told,) = await warnings(world)
        assert told["reason"] == reason


async def test_a_missing_image_is_told_in_the_same_words_however_often_it_is_tried() -> None:
    async with a_world() as world:
        await begin(world, *[missing, backing_off] * 8)
        await world.until(lambda: NO_IMAGE in healthy(world)["message"])
        before = await world.agent()

        await world.during(120)

        after = await world.agent()
        assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


@pytest.mark.parametrize(("asked", "told"), [(True, []), (False, ["WorkersFailing"])])
async def test_a_worker_that_ends_has_failed_unless_it_was_asked_to_go(
    asked: bool, told: list[str]
) -> None:
    async with a_world() as world:
        await world.apply(an_agent(mode="Pool", replicas=2))
        await world.start()
        await world.until(lambda: healthy(world)["reason"] == "AsExpected")
        name = next(iter(world.workers.workers))
        held = {"metadata": {"finalizers": ["example.com/held"]}}
        await world.api.patch(PODS, name, held, NAMESPACE)

        if asked:
            await world.api.delete(PODS, name, NAMESPACE)
            await world.settle()
        await world.api.patch_status(PODS, name, {"phase": "Succeeded"}, NAMESPACE)
        await world.during(10)

        assert [e["reason"] for e in await warnings(world)] == told


async def test_a_process_has_time_to_call_before_its_silence_is_told() -> None:
    async with a_world() as world:
        await begin(world, pods.running)

        await world.during(CALL_WITHIN_SECONDS - 5)

        assert healthy(world)["reason"] == "WorkersStarting"
        assert world.task_now("a")["reason"] == "WorkerStarting"
        assert not await warnings(world)


async def test_a_mended_template_ends_the_trouble() -> None:
    async with a_world() as world:
        await begin(world, missing)
        await world.until(lambda: NO_IMAGE in healthy(world)["message"])

        await world.change("Agent", "worker", template={"image": "example/worker:1"})

        assert (await world.finished())["state"] == "Succeeded"
        await world.until(lambda: healthy(world)["status"] == "True")


@pytest.mark.parametrize(
    ("course", "reason"), [(missing, "WorkerCannotStart"), (pods.running, "WorkerNotCalling")]
)
async def test_a_restart_of_the_operator_does_not_tell_it_again(
    course: Callable[[Body, float], Body], reason: str
) -> None:
    async with a_world() as world:
        await begin(world, course)
        await world.until(lambda: healthy(world)["reason"] == reason)
        await world.settle()
        before = healthy(world)

        world.operator.kill()
        await world.start()
        await world.during(CALL_WITHIN_SECONDS / 2)
        assert healthy(world) == before
        await world.during(60)

        assert healthy(world) == before
        (told,) = await warnings(world)
        assert (told["reason"], told.get("count", 1)) == (reason, 1)


async def test_a_standby_that_takes_over_does_not_tell_it_again() -> None:
    async with a_world() as world:
        await begin(world, pods.running)
        await world.until(lambda: healthy(world)["reason"] == "WorkerNotCalling")
        standby = await world.start("two", leads=False)

        world.operators[0].kill()
        await world.until(standby.leads)
        await world.during(60)

        (told,) = await warnings(world)
        assert told.get("count", 1) == 1


async def test_a_process_that_was_started_anew_has_its_time_to_call_again() -> None:
    async with a_world() as world:
        await begin(world, pods.running)
        await world.until(lambda: healthy(world)["reason"] == "WorkerNotCalling")
        (pod,) = [p for p in await world.api.objects(PODS, NAMESPACE) if "worker" in str(p)]
        await world.api.delete(PODS, pod["metadata"]["name"], NAMESPACE)

        await world.until(lambda: healthy(world)["reason"] == "WorkersStarting")
