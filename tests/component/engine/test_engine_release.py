"""Letting every pod go, for the uninstall or when the operator was removed before its runs."""

from __future__ import annotations

import pytest

from builders.engine import World
from builders.fake_api.faults import Match, Refuse
from builders.kubelet import hangs
from builders.specs import NAMESPACE, a_step, a_task, a_workflow
from spectra_operator.engine.release import release_all
from spectra_operator.kube.errors import Conflict, Forbidden
from spectra_operator.kube.resources import PODS


async def _left_behind(world: World, pods: int = 3) -> None:
    """Leave pods that hang, and no operator."""
    for index in range(pods):
        world.kubelet.plan("shard", hangs(), index=index)
    await world.apply(a_workflow([a_step("build", [a_task("shard", count=pods)])]))
    await world.until(lambda: len(world.kubelet.births) == pods)
    world.operator.kill()
    await world.settle()


async def test_every_pod_is_let_go_and_only_ours_are_touched(world: World) -> None:
    foreign = {"metadata": {"name": "foreign", "finalizers": ["example.com/own"]}, "spec": {}}
    await world.api.create(PODS, foreign, NAMESPACE)
    await _left_behind(world)
    assert await release_all(world.operator.client, None) == 3
    assert world.held_pods() == []
    kept = await world.api.get(PODS, "foreign", NAMESPACE)
    assert kept["metadata"]["finalizers"] == ["example.com/own"]
    assert await release_all(world.operator.client, None) == 0


async def test_only_the_pods_of_a_namespace_can_be_let_go(world: World) -> None:
    await _left_behind(world)
    assert await release_all(world.operator.client, "default") == 0
    assert await release_all(world.operator.client, NAMESPACE) == 3


async def test_a_pod_that_changes_meanwhile_is_let_go_all_the_same(world: World) -> None:
    await _left_behind(world)
    world.api.fault(Match("patch", "pods"), Refuse(409, "Conflict"), times=4)
    assert await release_all(world.operator.client, None) == 3
    assert world.held_pods() == []


async def test_a_pod_that_always_changes_is_given_up_on(world: World) -> None:
    await _left_behind(world, pods=1)
    world.api.fault(Match("patch", "pods"), Refuse(409, "Conflict"), times=100)
    with pytest.raises(Conflict):
        await release_all(world.operator.client, None)


async def test_a_pod_that_goes_meanwhile_is_none_of_our_business(world: World) -> None:
    await _left_behind(world, pods=1)
    world.api.fault(Match("patch", "pods"), Refuse(404, "NotFound"))
    assert await release_all(world.operator.client, None) == 1


async def test_a_lack_of_rights_is_told(world: World) -> None:
    await _left_behind(world, pods=1)
    world.api.fault(Match("patch", "pods"), Refuse(403, "Forbidden"))
    with pytest.raises(Forbidden):
        await release_all(world.operator.client, None)
