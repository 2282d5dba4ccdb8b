"""Objects that vanish under the engine: nothing stays held, nothing runs twice."""

from __future__ import annotations

from builders.engine import World
from builders.fake_api.faults import Match, Refuse
from builders.kubelet import hangs, ok
from builders.specs import NAMESPACE, a_chain, a_retry, a_step, a_task, a_workflow
from spectra_operator.kube.resources import NAMESPACES, PODS

TERMINATING = Refuse(
    403,
    "Forbidden",
    'pods "x" is forbidden: unable to create new content in namespace team',
    causes=[{"reason": "NamespaceTerminating", "message": "it is being terminated"}],
)


async def _phase_name(world: World, phase: str = "build") -> str:
    for step in (await world.status())["phases"]:
        if step["name"] == phase and "objectName" in step:
            return str(step["objectName"])
    raise AssertionError(f"no Phase object for {phase}")


async def test_a_deleted_workflow_lets_its_pods_go(world: World) -> None:
    world.kubelet.plan("shard", hangs())
    await world.apply(a_workflow([a_step("build", [a_task("shard", count=3), a_task("b")])]))
    await world.until(lambda: len(world.kubelet.births) == 4)
    await world.delete("Workflow", "flow")
    await world.until(lambda: not world.api._store.all(PODS))
    await world.until(lambda: not world.operator.memory())


async def test_letting_the_pods_of_a_deleted_workflow_go_costs_few_requests(world: World) -> None:
    for index in range(20):
        world.kubelet.plan("shard", hangs(), index=index)
    await world.apply(a_workflow([a_step("build", [a_task("shard", count=20)])]))
    await world.until(lambda: len(world.kubelet.births) == 20)
    world.api.clear_log()
    await world.delete("Workflow", "flow")
    await world.until(lambda: not world.api._store.all(PODS))
    await world.settle()
    assert world.api.count("patch", "pods") == 20
    assert world.api.count("get", "phases") <= 30


async def test_a_phase_deleted_by_hand_fails_the_workflow_and_nothing_runs_again(
    world: World,
) -> None:
    world.kubelet.plan("b", ok(seconds=20))
    steps = [a_step("build", a_chain("a", "b", "c")), a_step("ship", depends_on=["build"])]
    await world.apply(a_workflow(steps))
    await world.until(lambda: world.kubelet.tasks() == ["a", "b"])
    await world.during(2)
    await world.delete("Phase", await _phase_name(world))
    status = await world.finished()
    assert (status["state"], status["reason"]) == ("Failed", "PhaseDeleted")
    assert "build" in status["message"]
    await world.during(30)
    assert world.kubelet.tasks() == ["a", "b"]
    assert not world.api._store.all(PODS)
    assert not world.operator.memory()


async def test_a_running_pod_deleted_by_hand_is_a_loss_and_the_task_runs_again(
    world: World,
) -> None:
    world.kubelet.plan("work", hangs(), ok())
    await world.apply(a_workflow())
    await world.until(lambda: world.kubelet.births)
    name = (await world.kubelet.pod_of("work"))["metadata"]["name"]
    await world.api.delete(PODS, name, NAMESPACE)
    assert (await world.finished())["state"] == "Succeeded"
    task = (await world.tasks())["work"]
    assert (task["losses"], task["attempt"]) == (1, 2)


async def test_a_pod_forced_away_is_a_loss_and_the_task_runs_again(world: World) -> None:
    world.kubelet.plan("work", hangs(), ok())
    await world.apply(a_workflow([a_step("build", [a_task(retry=a_retry(limit=0))])]))
    await world.until(lambda: world.kubelet.births)
    name = (await world.kubelet.pod_of("work"))["metadata"]["name"]
    await world.api.patch(PODS, name, {"metadata": {"finalizers": None}}, NAMESPACE)
    await world.api.delete(PODS, name, NAMESPACE, grace_seconds=0)
    assert (await world.finished())["state"] == "Succeeded"
    task = (await world.tasks())["work"]
    assert (task["losses"], task.get("failures", 0)) == (1, 0)
    assert world.kubelet.attempts("work") == [1, 2]


async def test_a_pod_whose_finalizer_was_stripped_counts_as_ever_and_leaves_memory(
    world: World,
) -> None:
    world.kubelet.plan("a", ok({"n": 1}, seconds=5))
    await world.apply(a_workflow([a_step("build", a_chain("a", "b"))]))
    await world.until(lambda: world.kubelet.births)
    await world.settle()
    name = (await world.kubelet.pod_of("a"))["metadata"]["name"]
    await world.api.patch(PODS, name, {"metadata": {"finalizers": None}}, NAMESPACE)
    assert (await world.finished())["state"] == "Succeeded"
    await world.during(5)
    world.api.clear_log()
    await world.during(20)
    assert world.api.count("get", "phases") == 0  # nothing left to look after
    left = world.operator.memory()
    assert left in ({}, {"pods": 1})  # the pod is not marked recorded, so it stays in the watch


async def test_a_terminating_namespace_ends_the_run_and_lets_everything_go(world: World) -> None:
    world.kubelet.plan("a", hangs())
    world.kubelet.plan("x", ok(seconds=3))
    steps = [a_step("build", [a_task("a"), *a_chain("x", "y")])]
    await world.apply(a_workflow(steps))
    await world.until(lambda: len(world.kubelet.births) == 2)
    await world.api.delete(NAMESPACES, NAMESPACE)
    await world.until(lambda: not world.has_namespace())
    await world.until(lambda: not world.operator.memory())
    assert world.operator.failed_passes() == 0


async def test_a_pod_refused_by_a_terminating_namespace_is_not_asked_for_again_and_again(
    world: World,
) -> None:
    world.api.fault(Match("create", "pods"), TERMINATING, times=1000)
    await world.apply(a_workflow())
    await world.during(50)
    assert world.api.count("create", "pods") == 1
    assert world.task_now("work")["reason"] == "NamespaceTerminating"


async def test_a_workflow_applied_anew_under_the_same_name_runs_afresh(world: World) -> None:
    world.kubelet.plan("work", hangs())
    await world.apply(a_workflow())
    await world.until(lambda: world.kubelet.births)
    await world.delete("Workflow", "flow")
    world.kubelet.plan("work", ok())
    await world.apply(a_workflow())
    assert (await world.finished())["state"] == "Succeeded"
    assert world.kubelet.attempts("work") == [1, 1]
    await world.until(lambda: not world.operator.memory())
