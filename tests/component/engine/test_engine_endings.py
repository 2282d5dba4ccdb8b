"""What follows the end of a workflow's phases: rollback, on-failure, finally; and fallbacks."""

from __future__ import annotations

from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.fake_api.faults import Call, HoldAnswer, HoldRequest, Match
from builders.kubelet import fails, hangs, ok
from builders.specs import Body, a_step, a_task, a_workflow


def a_flow(*steps: Body, **fields: Any) -> Body:
    """A workflow; `finally_` stands for the field finally."""
    body = a_workflow(steps, **{k: v for k, v in fields.items() if k != "finally_"})
    if "finally_" in fields:
        body["spec"]["finally"] = fields["finally_"]
    return body


def steps_of(status: Body) -> dict[str, str]:
    return {step["name"]: step["state"] for step in status["phases"]}


async def finished(world: World, workflow: Body) -> Body:
    await world.apply(workflow)
    status = await world.finished()
    await world.until(lambda: not world.operator.memory())
    return status


async def test_finally_tasks_run_after_success_and_see_how_it_went() -> None:
    async with a_running_world() as world:
        given = {"state": "${workflow.state}", "n": "${phases.build.outputs.a.n}"}
        world.kubelet.plan("a", ok({"n": 3}))
        flow = a_flow(a_step("build", [a_task("a")]), finally_=[a_task("tidy", input=given)])
        status = await finished(world, flow)
        assert (status["state"], status["progress"]) == ("Succeeded", "1/1")
        assert steps_of(status) == {"build": "Succeeded", "finally": "Succeeded"}
        assert world.kubelet.tasks() == ["a", "tidy"]
        assert world.kubelet.inputs["tidy", 0, 1] == {"state": "Succeeded", "n": 3}


async def test_on_failure_comes_before_finally_and_both_see_why() -> None:
    async with a_running_world() as world:
        why = {"why": "${workflow.reason}: ${workflow.message}"}
        world.kubelet.plan("a", fails())
        flow = a_flow(
            a_step("build", [a_task("a")]),
            on_failure=[a_task("alarm", input=why)],
            finally_=[a_task("tidy")],
        )
        status = await finished(world, flow)
        assert (status["state"], status["reason"]) == ("Failed", "PhaseFailed")
        assert world.kubelet.tasks() == ["a", "alarm", "tidy"]
        assert world.kubelet.inputs["alarm", 0, 1]["why"].startswith("PhaseFailed: phase build")
        reasons = [reason for reason, _ in await world.events("flow")]
        assert "Finalizing" in reasons


async def test_a_failed_finally_fails_a_workflow_that_had_succeeded() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("tidy", fails())
        status = await finished(world, a_flow(a_step(), finally_=[a_task("tidy")]))
        assert (status["state"], status["reason"]) == ("Failed", "FinallyFailed")
        assert "finally is Failed: task tidy failed" in status["message"]


async def test_a_failed_finally_hides_no_earlier_failure() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("work", fails())
        world.kubelet.plan("tidy", fails())
        status = await finished(world, a_flow(a_step(), finally_=[a_task("tidy")]))
        assert status["reason"] == "PhaseFailed"
        assert status["message"].startswith("phase build: task work failed")
        assert "finally is Failed" in status["message"]


async def test_a_rollback_undoes_what_succeeded_in_reverse_order() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", ok({"id": 1}))
        world.kubelet.plan("b", ok({"id": 2}))
        world.kubelet.plan("c", fails())
        undo = {"agent": "worker", "input": {"id": "${task.outputs.id}"}}
        flow = a_flow(
            a_step("first", [a_task("a", compensate=undo)]),
            a_step("second", [a_task("b", compensate=undo)], depends_on=["first"]),
            a_step("third", [a_task("c", compensate=undo)], depends_on=["second"]),
            failure_policy="Rollback",
            finally_=[a_task("tidy")],
        )
        status = await finished(world, flow)
        assert (status["state"], status["reason"]) == ("Failed", "PhaseFailed")
        assert world.kubelet.tasks() == ["a", "b", "c", "second-b", "first-a", "tidy"]
        assert world.kubelet.inputs["second-b", 0, 1] == {"id": 2}
        assert world.kubelet.inputs["first-a", 0, 1] == {"id": 1}


async def test_a_rollback_with_nothing_to_undo_is_left_out() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("work", fails())
        undo = {"agent": "worker"}
        flow = a_flow(a_step("build", [a_task(compensate=undo)]), failure_policy="Rollback")
        status = await finished(world, flow)
        assert (status["state"], steps_of(status)) == ("Failed", {"build": "Failed"})
        assert world.kubelet.tasks() == ["work"]


async def test_a_fallback_does_a_failed_phase_another_way_and_later_phases_see_that() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("risky", fails())
        world.kubelet.plan("plain", ok({"n": 5}))
        other = {"tasks": [a_task("plain")]}
        given = {"n": "${phases.build.outputs.plain.n}"}
        flow = a_flow(
            a_step("build", [a_task("risky")], fallback=other),
            a_step("ship", [a_task("send", input=given)], depends_on=["build"]),
        )
        status = await finished(world, flow)
        assert status["state"] == "Succeeded"
        assert status["phases"][0]["fallback"] is True
        assert world.kubelet.tasks() == ["risky", "plain", "send"]
        assert world.kubelet.inputs["send", 0, 1] == {"n": 5}


async def test_a_fallback_that_fails_too_fails_the_workflow() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("risky", fails())
        world.kubelet.plan("plain", fails())
        flow = a_flow(a_step("build", [a_task("risky")], fallback={"tasks": [a_task("plain")]}))
        status = await finished(world, flow)
        assert (status["state"], steps_of(status)) == ("Failed", {"build": "Failed"})
        assert "task plain failed" in status["message"]


async def test_on_failure_running_cancel_stops_what_runs_elsewhere() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("long", hangs())
        world.kubelet.plan("bad", fails())
        flow = a_flow(
            a_step("one", [a_task("long")]),
            a_step("two", [a_task("bad")]),
            on_failure_running="Cancel",
        )
        status = await finished(world, flow)
        assert (status["state"], status["reason"]) == ("Failed", "PhaseFailed")
        assert steps_of(status) == {"one": "Cancelled", "two": "Failed"}


async def test_finally_tasks_run_although_the_deadline_has_passed() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("work", hangs())
        flow = a_flow(a_step(), active_deadline_seconds=5, finally_=[a_task("tidy")])
        status = await finished(world, flow)
        assert (status["state"], status["reason"]) == ("Failed", "DeadlineExceeded")
        assert steps_of(status) == {"build": "Failed", "finally": "Succeeded"}


async def test_conditions_skip_phases_and_what_depends_only_on_them() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", ok({"n": 5}))
        flow = a_flow(
            a_step("first", [a_task("a")]),
            a_step("big", depends_on=["first"], when="phases.first.outputs.a.n > 9"),
            a_step(
                "small", [a_task("s")], depends_on=["first"], when="phases.first.outputs.a.n < 9"
            ),
            a_step("after", depends_on=["big"]),
            a_step("both", [a_task("x")], depends_on=["big", "small"]),
        )
        status = await finished(world, flow)
        assert status["state"] == "Succeeded"
        assert world.kubelet.tasks() == ["a", "s", "x"]
        reasons = {step["name"]: step.get("reason") for step in status["phases"]}
        assert (reasons["big"], reasons["after"]) == ("ConditionFalse", "DependencySkipped")


async def test_a_phase_that_may_fail_lets_others_go_on_and_gives_null() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", fails())
        given = {"n": "${phases.first.outputs.a.n}"}
        flow = a_flow(
            a_step("first", [a_task("a")], allow_failure=True),
            a_step("second", [a_task("b", input=given)], depends_on=["first"]),
        )
        status = await finished(world, flow)
        assert (status["state"], steps_of(status)["first"]) == ("Succeeded", "Failed")
        assert world.kubelet.inputs["b", 0, 1] == {"n": None}


async def test_parameters_of_a_phase_stand_for_the_workflows() -> None:
    async with a_running_world() as world:
        given = {"n": "${parameters.n}"}
        step = a_step("build", [a_task("a", input=given)], parameters={"n": "${parameters.rows}"})
        rows = [{"name": "rows", "type": "integer", "default": 7}]
        status = await finished(world, a_flow(step, parameters=rows))
        assert status["state"] == "Succeeded"
        assert world.kubelet.inputs["a", 0, 1] == {"n": 7}


OF_A_PHASE = Match(verb="update", plural="phases", subresource="status")


def tells_of_an_end(call: Call) -> bool:
    is_status = call.verb == "update" and call.subresource == "status"
    return is_status and "finishedAt" in (call.body or {})["status"]


def tells_of_the_end_of_a_phase(call: Call) -> bool:
    return OF_A_PHASE(call) and tells_of_an_end(call)


LATE = {"an earlier": OF_A_PHASE, "its last": tells_of_the_end_of_a_phase}


@pytest.mark.parametrize("which", LATE.values(), ids=LATE)
@pytest.mark.parametrize("hold", [HoldRequest, HoldAnswer])
async def test_a_workflow_ends_after_each_of_its_phases_whichever_write_of_one_is_late(
    which: Any, hold: type[HoldRequest] | type[HoldAnswer]
) -> None:
    async with a_running_world() as world:
        held = hold()
        world.api.fault(which, held)
        two = [a_task("a"), a_task("b", depends_on=["a"])]
        await world.apply(a_flow(a_step("build", two), a_step("other")))
        await world.during(10)
        await held.reached()
        assert set(world.kubelet.tasks()) == {"a", "b", "work"}
        assert world.status_now()["state"] == "Running"

        held.release()
        await world.finished()
        ends = [each.call.plural for each in world.api.log if tells_of_an_end(each.call)]
        assert ends == ["phases", "phases", "workflows"]
