"""Checkpoints and progress in mode Pod: from the heartbeat of a pod to the next attempt."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from builders.engine import World, a_world
from builders.fake_api.faults import Call, Fault, Match, Refuse
from builders.kubelet import evicted, fails, hangs, ok
from builders.specs import NAMESPACE, Body, a_retry, a_step, a_task, a_workflow, an_agent
from spectra_operator.api import constants as c
from spectra_operator.engine.desk_calls import (
    Beat,
    Caller,
    NotHolderError,
    Orders,
    Report,
    StrangerError,
)
from spectra_operator.kube.resources import PODS

URL = "http://workers.test:8082"
LEFT = {"page": 2, "seen": ["a", "ü"]}
ROW = '{"row":1}'


@asynccontextmanager
async def a_cluster(*agents: Body) -> AsyncIterator[World]:
    """Open a cluster whose operator serves the worker API, with an agent that may use it."""
    async with a_world() as world:
        await world.apply(*(agents or (an_agent(checkpoints=True),)))
        await world.start(worker_url=URL)
        yield world


def a_flow(**fields: Any) -> Body:
    """Return a workflow of one task, `a`."""
    return a_workflow([a_step("build", [a_task("a", **fields)])])


async def begun(world: World, number: int = 1, index: int = 0) -> Caller:
    """Wait until an attempt of the task runs; return who its pod is."""
    place = ("a", index, number)
    await world.until(lambda: place in world.kubelet.pods)
    await world.during(0.5)
    meta = world.kubelet.pods[place]["metadata"]
    return Caller(NAMESPACE, meta["name"], meta["uid"], "one")


def beat(
    world: World, caller: Caller, *, progress: Any = None, checkpoint: Any = None, epoch: int = 1
) -> Orders:
    """Send a heartbeat of a pod for its own attempt."""
    said = ["" if x is None else json.dumps(x) for x in (progress, checkpoint)]
    orders: Orders = world.operator.engine.desk.beat(caller, [Beat(caller.pod, epoch, *said)])
    return orders


def env_of(world: World, number: int, index: int = 0) -> dict[str, str]:
    """Return the variables of an attempt's container."""
    (container,) = world.kubelet.pods["a", index, number]["spec"]["containers"]
    return {each["name"]: each.get("value", "") for each in container["env"]}


def resumed(world: World, number: int, index: int = 0) -> Any:
    """Return what an attempt was given to go on from."""
    return json.loads(env_of(world, number, index).get("SPECTRA_CHECKPOINT", "null"))


async def noted(world: World, caller: Caller) -> str:
    """Return the checkpoint on a pod."""
    pod = await world.api.get(PODS, caller.pod, NAMESPACE)
    text: str = pod["metadata"]["annotations"].get(c.ANNOTATION_CHECKPOINT, "")
    return text


def writes(world: World) -> list[Call]:
    """Gather the writes of pods' annotations from now on."""
    seen: list[Call] = []
    wanted = Match(verb="patch", plural="pods", subresource="")

    def watch(call: Call) -> bool:
        if wanted(call) and c.ANNOTATION_CHECKPOINT in str(call.body):
            seen.append(call)
        return False

    matching: Any = watch
    world.api.fault(matching, Fault())
    return seen


@pytest.mark.parametrize("fate", [fails(seconds=5), evicted()], ids=["failure", "loss"])
async def test_the_next_attempt_gets_what_the_last_one_left(fate: Any) -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", replace(fate, seconds=5))
        await world.apply(a_flow(retry=a_retry(1, seconds=2)))
        pod = await begun(world)
        assert beat(world, pod, checkpoint=LEFT) == Orders((), drain=False)
        await world.during(2)
        assert json.loads(await noted(world, pod)) == LEFT

        status = await world.finished()

        assert status["state"] == "Succeeded"
        assert resumed(world, 2) == LEFT
        assert "checkpoint" not in (await world.tasks())["a"]


async def test_a_checkpoint_in_the_second_before_the_end_is_in_time() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow(retry=a_retry(1, seconds=2)))
        pod = await begun(world)
        beat(world, pod, checkpoint=LEFT)
        await world.kubelet.end("a", fails())
        await world.finished()
        assert resumed(world, 2) == LEFT


async def test_a_pod_that_somebody_deletes_by_force_leaves_its_checkpoint() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow())
        pod = await begun(world)
        beat(world, pod, checkpoint=LEFT)
        await world.during(2)
        await world.api.patch(PODS, pod.pod, {"metadata": {"finalizers": None}}, NAMESPACE)
        await world.api.delete(PODS, pod.pod, NAMESPACE, grace_seconds=0)
        await world.finished()
        assert resumed(world, 2) == LEFT


async def test_an_attempt_that_leaves_nothing_passes_on_what_it_got() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", fails(seconds=5), fails())
        await world.apply(a_flow(retry=a_retry(2, seconds=1)))
        beat(world, await begun(world), checkpoint=LEFT)
        await world.finished()
        assert [resumed(world, number) for number in (1, 2, 3)] == [None, LEFT, LEFT]


async def test_every_item_goes_on_from_its_own_checkpoint() -> None:
    async with a_cluster() as world:
        for index in range(3):
            world.kubelet.plan("a", fails(seconds=5), index=index)
        await world.apply(a_flow(count=3, retry=a_retry(1)))
        for index in range(3):
            beat(world, await begun(world, index=index), checkpoint=[index])
        await world.finished()
        assert [resumed(world, 2, index) for index in range(3)] == [[0], [1], [2]]


async def test_a_checkpoint_survives_the_operators_death_before_the_attempt_ends() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow(retry=a_retry(1, seconds=2)))
        pod = await begun(world)
        beat(world, pod, checkpoint=LEFT)
        await world.during(2)
        world.operator.kill()
        await world.kubelet.end("a", fails())
        await world.start("two", worker_url=URL)
        await world.finished()
        assert resumed(world, 2) == LEFT


async def test_who_takes_over_believes_the_pod_and_not_what_was_true_before() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow(retry=a_retry(1, seconds=2)))
        await world.start("two", leads=False, worker_url=URL)
        first, second = world.operators
        pod = await begun(world)
        for row in (1, 2):
            first.engine.desk.beat(pod, [Beat(pod.pod, 1, "", json.dumps([row]))])
            await world.during(2)
        await first.stop()
        await world.until(second.leads)
        await world.kubelet.end("a", fails())
        await world.finished()
        assert resumed(world, 2) == [2]


async def test_a_checkpoint_stands_in_status_while_the_task_waits_for_its_retry() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", fails(seconds=5))
        await world.apply(a_flow(retry=a_retry(1, seconds=60)))
        beat(world, await begun(world), checkpoint=LEFT)
        await world.until(lambda: world.task_now("a").get("state") == "Backoff")
        await world.during(5)
        assert json.loads(world.task_now("a")["checkpoint"]["value"]) == LEFT


async def test_many_checkpoints_are_few_writes_and_the_last_one_is_kept() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow())
        pod, seen = await begun(world), writes(world)
        for page in range(50):
            beat(world, pod, checkpoint={"page": page})
            await world.during(0.1)
        await world.during(2)
        assert 4 <= len(seen) <= 6
        assert json.loads(await noted(world, pod)) == {"page": 49}
        beat(world, pod, checkpoint={"page": 49})
        await world.during(5)
        assert len(seen) <= 6


async def test_a_write_that_is_refused_is_tried_again() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow())
        pod = await begun(world)
        world.api.fault(Match(verb="patch", plural="pods"), Refuse(403, "Forbidden"))
        beat(world, pod, checkpoint=[1])
        await world.during(30)
        assert json.loads(await noted(world, pod)) == [1]


@pytest.mark.parametrize("large", ["x" * 5000, "ü" * 2100])
async def test_a_checkpoint_that_is_too_large_leaves_the_one_before(large: str) -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow())
        pod = await begun(world)
        beat(world, pod, checkpoint=[1])
        beat(world, pod, checkpoint=large)
        await world.during(3)
        assert json.loads(await noted(world, pod)) == [1]


async def test_a_checkpoint_that_somebody_spoilt_on_the_pod_counts_for_nothing() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", fails(seconds=5))
        await world.apply(a_flow(retry=a_retry(1)))
        pod = await begun(world)
        spoilt = {"metadata": {"annotations": {c.ANNOTATION_CHECKPOINT: "{"}}}
        await world.api.patch(PODS, pod.pod, spoilt, NAMESPACE)
        await world.finished()
        assert resumed(world, 2) is None


async def test_progress_shows_while_the_attempt_runs_and_is_written_on_no_pod() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", ok(seconds=30))
        await world.apply(a_flow())
        pod, seen = await begun(world), writes(world)
        beat(world, pod, progress={"percent": 40.5, "message": "half way"})
        await world.until(lambda: "progress" in world.task_now("a"))
        assert world.task_now("a")["progress"] == {"percent": 40, "message": "half way"}
        await world.finished()
        assert "progress" not in (await world.tasks())["a"]
        assert not seen


async def test_progress_stays_when_the_pod_changes_otherwise() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow())
        pod = await begun(world)
        beat(world, pod, progress={"percent": 40}, checkpoint=[1])
        await world.during(10)
        assert world.task_now("a")["progress"] == {"percent": 40}


async def test_an_attempt_that_is_being_stopped_is_told_so_and_may_leave_its_last_word() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow())
        pod = await begun(world)
        await world.api.delete(PODS, pod.pod, NAMESPACE)
        await world.settle()
        assert beat(world, pod, checkpoint=LEFT) == Orders((pod.pod,), drain=True)
        await world.finished()
        assert resumed(world, 2) == LEFT


async def test_a_pod_speaks_for_its_own_attempt_alone() -> None:
    async with a_cluster() as world:
        for index in range(2):
            world.kubelet.plan("a", hangs(), index=index)
        await world.apply(a_flow(count=2))
        pod, other = await begun(world), await begun(world, index=1)
        desk = world.operator.engine.desk
        assert desk.beat(pod, [Beat(other.pod, 1, "", ROW)]).cancel == (other.pod,)
        assert beat(world, pod, checkpoint=[1], epoch=2).cancel == (pod.pod,)
        await world.during(3)
        assert [await noted(world, each) for each in (pod, other)] == ["", ""]


async def test_strangers_are_refused() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow())
        pod = await begun(world)
        for stranger in (
            replace(pod, uid="another"),
            replace(pod, namespace="elsewhere"),
            replace(pod, pod="nobody"),
        ):
            with pytest.raises(StrangerError):
                beat(world, stranger, checkpoint=LEFT)
        await world.during(3)
        assert not await noted(world, pod)


async def test_an_attempt_that_has_ended_is_refused() -> None:
    async with a_cluster() as world:
        await world.apply(a_flow())
        pod = await begun(world)
        held = Match(verb="update", plural="phases", subresource="status")
        world.api.fault(held, Refuse(500), times=5)
        await world.until(lambda: "Succeeded" in str(world.peek(PODS, pod.pod)))
        with pytest.raises(StrangerError):
            beat(world, pod, checkpoint=LEFT)


async def test_a_pod_of_an_attempt_can_neither_claim_nor_report_nor_release() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow())
        pod, desk = await begun(world), world.operator.engine.desk
        report = Report(pod.pod, 1, succeeded=True, reason="", document="", slots=0)
        for call in (
            lambda: desk.claims(pod, 1, frozenset()),
            lambda: desk.report(pod, report),
            lambda: desk.release(pod, pod.pod, 1, ""),
        ):
            with pytest.raises(StrangerError, match="it may send heartbeats"):
                call()
        await world.during(2)
        assert world.task_now("a")["state"] == "Running"


async def test_a_replica_that_does_not_lead_sends_pods_on() -> None:
    async with a_cluster() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_flow())
        await world.start("two", leads=False, worker_url=URL)
        pod = await begun(world)
        with pytest.raises(NotHolderError):
            beat(world, pod, checkpoint=LEFT)


@pytest.mark.parametrize(
    ("asks", "url"), [(False, URL), (True, "")], ids=["agent does not ask", "no worker API"]
)
async def test_a_pod_gets_no_token_that_it_has_no_use_for(asks: bool, url: str) -> None:
    async with a_world() as world:
        await world.apply(an_agent(checkpoints=asks))
        await world.start(worker_url=url)
        await world.apply(a_flow())
        await world.finished()
        assert "serviceAccountToken" not in str(world.kubelet.pods)
        assert not {"SPECTRA_CLAIM", "SPECTRA_WORKER_URL"} & env_of(world, 1).keys()
