"""Labels that a person changes on a pod: the attempt stays what it is, and is done once."""

from __future__ import annotations

from typing import Any

import pytest

from builders.engine import World
from builders.fake_api.faults import Match, Refuse
from builders.kubelet import hangs, ok
from builders.specs import NAMESPACE, a_chain, a_step, a_task, a_workflow
from spectra_operator.api import constants as c
from spectra_operator.kube.resources import PODS


async def _label(world: World, task: str, labels: dict[str, str | None], index: int = 0) -> None:
    """Change labels of a running pod as a person would with kubectl."""
    await world.settle()
    pod = await world.kubelet.pod_of(task, index)
    named = {f"{c.GROUP}/{key.replace('_', '-')}": value for key, value in labels.items()}
    patch: dict[str, Any] = {"metadata": {"labels": named}}
    await world.api.patch(PODS, pod["metadata"]["name"], patch, NAMESPACE)


async def _begun(world: World, *tasks: dict[str, Any]) -> None:
    for task in tasks:
        world.kubelet.plan(task["name"], hangs())
    await world.apply(a_workflow([a_step("build", tasks)]))
    await world.until(lambda: len(world.kubelet.births) == len(tasks))
    await world.during(3)


async def test_a_running_pod_that_is_marked_recorded_is_not_lost(world: World) -> None:
    await _begun(world, a_task("a"))
    await _label(world, "a", {"recorded": "true"})
    await world.during(60)
    assert world.kubelet.attempts("a") == [1]
    assert world.task_now("a")["state"] == "Running"
    assert "losses" not in world.task_now("a")


async def test_a_pod_out_of_the_watch_is_recorded_and_let_go_when_it_ends(world: World) -> None:
    await _begun(world, a_task("a"))
    await _label(world, "a", {"recorded": "true"})
    await world.during(15)
    await world.kubelet.end("a", ok({"n": 1}))
    assert (await world.finished())["state"] == "Succeeded"
    assert (await world.tasks())["a"]["outputs"] == '{"n":1}'
    assert world.kubelet.attempts("a") == [1]
    await world.during(5)
    assert not world.operator.memory()


async def test_a_pod_whose_end_and_false_mark_come_together_is_recorded(world: World) -> None:
    await _begun(world, a_task("a"))
    pod = await world.kubelet.pod_of("a")
    await world.kubelet.end("a", ok({"n": 1}))
    await world.api.patch(
        PODS,
        pod["metadata"]["name"],
        {"metadata": {"labels": {c.LABEL_RECORDED: "true"}}},
        NAMESPACE,
    )
    assert (await world.finished())["state"] == "Succeeded"
    assert world.kubelet.attempts("a") == [1]


async def test_a_successor_finds_a_running_pod_that_is_out_of_the_watch(world: World) -> None:
    await _begun(world, a_task("a"))
    await _label(world, "a", {"recorded": "true"})
    await world.during(1)
    world.operator.kill()
    await world.start("two")
    await world.during(30)
    assert world.kubelet.attempts("a") == [1]
    await world.kubelet.end("a", ok())
    assert (await world.finished())["state"] == "Succeeded"
    assert world.kubelet.attempts("a") == [1]


async def test_a_successor_finds_the_running_item_of_a_list_that_is_out_of_the_watch(
    world: World,
) -> None:
    world.kubelet.plan("a", ok())
    world.kubelet.plan("a", hangs(), index=1)
    await world.apply(a_workflow([a_step("build", [a_task("a", for_each=["x", "y"])])]))
    await world.until(lambda: len(world.kubelet.births) == 2)
    await world.during(3)
    await _label(world, "a", {"recorded": "true"}, 1)
    world.operator.kill()
    await world.start("two")
    await world.during(30)
    await world.kubelet.end("a", ok(), index=1)
    assert (await world.finished())["state"] == "Succeeded"
    assert [world.kubelet.attempts("a", i) for i in (0, 1)] == [[1], [1]]


@pytest.mark.parametrize(
    "labels",
    [
        {"task": "b"},
        {"task": None},
        {"index": "7"},
        {"attempt": "2"},
        {"agent": "other"},
        {"phase_uid": "another"},
        {"phase_uid": None},
    ],
    ids=str,
)
async def test_a_running_pod_whose_labels_are_changed_stays_the_attempt_that_it_was(
    world: World, labels: dict[str, str | None]
) -> None:
    await _begun(world, *a_chain("a"), a_task("b"))
    await _label(world, "a", labels)
    await world.during(20)
    await world.kubelet.end("a", ok({"n": 1}))
    await world.kubelet.end("b", ok({"n": 2}))
    assert (await world.finished())["state"] == "Succeeded"
    assert (world.kubelet.attempts("a"), world.kubelet.attempts("b")) == ([1], [1])
    tasks = await world.tasks()
    assert (tasks["a"]["outputs"], tasks["b"]["outputs"]) == ('{"n":1}', '{"n":2}')


@pytest.mark.parametrize("labels", [{"task": "b"}, {"attempt": "2"}, {"index": "7"}], ids=str)
async def test_a_successor_knows_a_pod_with_changed_labels_by_its_name(
    world: World, labels: dict[str, str | None]
) -> None:
    await _begun(world, a_task("a"), a_task("b"))
    await _label(world, "a", labels)
    world.operator.kill()
    await world.start("two")
    await world.during(20)
    await world.kubelet.end("a", ok())
    await world.kubelet.end("b", ok())
    assert (await world.finished())["state"] == "Succeeded"
    assert (world.kubelet.attempts("a"), world.kubelet.attempts("b")) == ([1], [1])


async def test_a_pod_that_could_not_be_looked_up_is_asked_for_again(world: World) -> None:
    await _begun(world, a_task("a"))
    world.api.fault(Match("get", "pods"), Refuse(403, "Forbidden", "no"), times=2)
    await _label(world, "a", {"recorded": "true"})
    await world.during(30)
    await world.kubelet.end("a", ok())
    assert (await world.finished())["state"] == "Succeeded"
    assert world.kubelet.attempts("a") == [1]


async def test_a_pod_that_is_really_gone_is_looked_up_once_and_counts_as_lost(
    world: World,
) -> None:
    world.kubelet.plan("a", hangs(), ok())
    await world.apply(a_workflow([a_step("build", [a_task("a")])]))
    await world.until(lambda: world.kubelet.births)
    await world.settle()
    name = (await world.kubelet.pod_of("a"))["metadata"]["name"]
    world.api.clear_log()
    await world.api.patch(PODS, name, {"metadata": {"finalizers": None}}, NAMESPACE)
    await world.api.delete(PODS, name, NAMESPACE, grace_seconds=0)
    assert (await world.finished())["state"] == "Succeeded"
    assert world.kubelet.attempts("a") == [1, 2]
    assert (await world.tasks())["a"]["losses"] == 1
    assert world.api.count("get", "pods") == 1


async def test_runs_without_surprises_look_no_pod_up(world: World) -> None:
    await world.apply(a_workflow([a_step("build", [a_task("a", count=20), *a_chain("x", "y")])]))
    await world.finished()
    await world.during(5)
    assert world.api.count("get", "pods") == 0
