"""Workspaces: a claim before the first phase, mounted by name, gone after the last pod."""

from __future__ import annotations

from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.fake_api.faults import Match, Refuse
from builders.kubelet import fails, hangs, ok
from builders.specs import Body, a_step, a_task, a_workflow
from spectra_operator.kube.resources import PERSISTENT_VOLUME_CLAIMS, PODS


def a_sharing_flow(**workspace: Any) -> Body:
    """A workflow of which two phases share a volume."""
    tasks = [a_task("a", workspace={})]
    steps = [a_step("one", tasks), a_step("two", [a_task("b", workspace={})], depends_on=["one"])]
    return a_workflow(steps, workspace=workspace or {"size": "1Gi"})


async def claims(world: World) -> list[str]:
    found = await world.api.objects(PERSISTENT_VOLUME_CLAIMS)
    return [body["metadata"]["name"] for body in found]


async def test_the_claim_is_there_before_the_first_pod_and_all_mount_it() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("b", hangs())
        await world.apply(a_sharing_flow())
        await world.until(lambda: world.task_now("b").get("state") == "Running")
        [name] = await claims(world)
        for task in ("a", "b"):
            volumes = world.kubelet.pods[task, 0, 1]["spec"]["volumes"]
            assert {"claimName": name} in [v.get("persistentVolumeClaim") for v in volumes]
        await world.kubelet.end("b", ok())
        await world.finished()
        assert await claims(world) == []


@pytest.mark.parametrize(
    ("retention", "fate", "left"),
    [
        ("Delete", fails(), 0),
        ("DeleteOnSuccess", ok(), 0),
        ("DeleteOnSuccess", fails(), 1),
        ("Retain", ok(), 1),
    ],
)
async def test_what_becomes_of_the_claim_is_a_matter_of_its_policy(
    retention: str, fate: Any, left: int
) -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", fate)
        await world.apply(a_sharing_flow(size="1Gi", retention=retention))
        await world.finished()
        await world.until(lambda: not world.operator.memory())
        assert len(await claims(world)) == left


async def test_the_pods_that_mount_a_claim_go_with_it_after_a_minute() -> None:
    async with a_running_world() as world:
        plain, sharing = a_task("plain"), a_task("sharing", workspace={})
        await world.apply(a_workflow([a_step("one", [plain, sharing])], workspace={"size": "1Gi"}))
        await world.finished()
        await world.during(50)
        assert len(await world.api.objects(PODS)) == 2
        await world.during(20)
        [left] = await world.api.objects(PODS)
        assert left["metadata"]["labels"]["spectra.dev/task"] == "plain"


async def test_an_existing_claim_is_used_and_left_alone() -> None:
    async with a_running_world() as world:
        await world.apply(a_sharing_flow(claimName="mine"))
        await world.finished()
        volumes = world.kubelet.pods["a", 0, 1]["spec"]["volumes"]
        assert {"claimName": "mine"} in [v.get("persistentVolumeClaim") for v in volumes]
        assert await claims(world) == []


async def test_a_refused_claim_is_the_reason_why_nothing_starts_and_heals() -> None:
    async with a_running_world() as world:
        match = Match(verb="create", plural="persistentvolumeclaims")
        world.api.fault(match, Refuse(403, "Forbidden", "exceeded quota: storage"), times=6)
        await world.apply(a_sharing_flow())
        await world.until(lambda: world.status_now().get("reason") == "WorkspaceNotReady")
        await world.until(lambda: "exceeded quota" in world.status_now().get("message", ""))
        assert (await world.finished())["state"] == "Succeeded"
