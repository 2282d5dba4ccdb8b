"""What a person writes where only the operator should: it harms that object alone."""

from __future__ import annotations

import pytest

from builders.engine import World, a_running_world
from builders.kubelet import hangs, ok
from builders.specs import NAMESPACE, Body, a_phase, a_schedule, a_task, a_workflow, an_action
from spectra_operator.api import constants as c
from spectra_operator.core.names import phase_name, spawned_name
from spectra_operator.engine.keys import ACTIONS, PHASES, RESOURCES, WORKFLOWS

NO_TIME = "0001-01-01T00:00:00+23:59"
"""A time of RFC 3339 that lies before the year 1 in UTC."""
EXPIRED: Body = {
    "metadata": {
        "labels": {c.LABEL_EXPIRES: "true"},
        "annotations": {c.ANNOTATION_EXPIRES: NO_TIME},
    }
}


async def neighbours_work(world: World, name: str) -> None:
    await world.apply(a_workflow(name=name))
    assert (await world.finished(name))["state"] == "Succeeded"


async def test_a_time_that_is_none_on_what_is_finished_keeps_no_leader_from_working() -> None:
    async with a_running_world() as world:
        await world.apply(a_workflow(), a_phase())
        await world.finished()
        await world.phase_finished()
        for resource, name in ((WORKFLOWS, "flow"), (PHASES, "stage")):
            await world.api.patch(resource, name, EXPIRED, NAMESPACE)
        world.operator.kill()
        await world.start("two")
        await neighbours_work(world, "next")


async def test_a_run_with_a_time_that_is_none_is_pruned_by_nobodys_death() -> None:
    async with a_running_world() as world:
        run = a_workflow(name="run", ttl_seconds_after_finished=1)
        await world.apply(a_schedule(suspend=True))
        schedule = await world.api.get(RESOURCES["Schedule"], "nightly", NAMESPACE)
        owner = {"apiVersion": c.API_VERSION, "kind": "Schedule", "name": "nightly"}
        run["metadata"] |= {
            "labels": {c.LABEL_SCHEDULE: "nightly"},
            "annotations": {c.ANNOTATION_SCHEDULED: NO_TIME},
            "ownerReferences": [owner | {"uid": schedule["metadata"]["uid"]}],
        }
        await world.apply(run)
        await world.until(lambda: world.peek(WORKFLOWS, "run") is None)
        await neighbours_work(world, "next")


@pytest.mark.parametrize(
    "task",
    [
        {"items": {"total": 1, "succeeded": "5-2"}},
        {"items": {"total": 1}, "outputs": "no json"},
        {"usage": {"inputTokens": 1, "outputTokens": 1, "cost": "a lot"}},
    ],
)
async def test_an_action_on_a_status_that_cannot_be_read_is_refused(task: Body) -> None:
    async with a_running_world() as world:
        await world.apply(a_phase([a_task("work")]))
        await world.phase_finished()
        poison = {"tasks": {"work": {"state": "Failed", **task}}}
        await world.api.patch_status(PHASES, "stage", poison, NAMESPACE)
        about = {"target": "stage", "target_kind": "Phase", "task": "work"}
        await world.apply(an_action("Retry", **about))
        await world.until(lambda: "status" in (world.peek(ACTIONS, "please") or {}))
        status = (world.peek(ACTIONS, "please") or {})["status"]
        assert status["state"] == "Refused"
        assert "the status of Phase stage cannot be read" in status["message"]
        await neighbours_work(world, "next")


async def test_a_phase_under_a_name_of_ours_is_no_phase_of_the_workflow() -> None:
    async with a_running_world() as world:
        await world.apply(a_workflow(suspend=True))
        await world.until(lambda: world.status_now().get("state") == "Suspended")
        uid = (await world.api.get(WORKFLOWS, "flow", NAMESPACE))["metadata"]["uid"]
        name = phase_name("flow", uid, "build")
        world.kubelet.plan("other", hangs())
        await world.apply(a_phase([a_task("other")], name=name))
        await world.until(lambda: world.task_now("other").get("state") == "Running")
        assert world.status_now()["progress"] == "0/1"
        await world.change("Workflow", "flow", suspend=False)
        await world.until(lambda: world.status_now().get("state") == "Failed")
        status = world.status_now()
        assert f"Phase {NAMESPACE}/{name} exists and is not ours; delete it" in status["message"]
        assert world.kubelet.tasks() == ["other"]


async def test_a_phase_under_the_name_of_a_plan_gives_the_planner_no_outputs() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("think", ok(spawn=[a_task("one")], seconds=20))
        await world.apply(a_phase([a_task("think", planner={"maxTasks": 2})]))
        await world.settle()
        uid = (await world.api.get(PHASES, "stage", NAMESPACE))["metadata"]["uid"]
        name = spawned_name("stage", uid, "think", 1)
        world.kubelet.plan("other", hangs())
        await world.apply(a_phase([a_task("other")], name=name))
        await world.until(lambda: world.task_now("think").get("state") == "Failed")
        task = world.task_now("think")
        assert (task["state"], task["reason"]) == ("Failed", "PlanFailed")
        assert "exists and is not ours; delete it" in task["message"]
        assert "outputs" not in task
