"""Actions: cancel, terminate, retry, re-run, skip, mark; on runs that go on and that have ended."""

from __future__ import annotations

from typing import Any

import pytest

from builders.actions import asked, is_closed
from builders.engine import World, a_running_world
from builders.kubelet import fails, hangs, ok
from builders.specs import NAMESPACE, Body, a_phase, a_step, a_task, a_workflow, an_action
from spectra_operator.engine.keys import ACTIONS, PHASES

CHAIN = (
    a_step("first", [a_task("a"), a_task("b", depends_on=["a"])]),
    a_step("second", [a_task("x")], depends_on=["first"]),
)


async def ended(world: World, *steps: Body, **fields: Any) -> Body:
    """Run a workflow to its end, and wait until it is out of memory."""
    body = a_workflow(steps, **{k: v for k, v in fields.items() if k != "finally_"})
    if "finally_" in fields:
        body["spec"]["finally"] = fields["finally_"]
    await world.apply(body)
    status = await world.finished()
    await world.until(lambda: not world.operator.memory())
    return status


def states(status: Body) -> dict[str, str]:
    return {step["name"]: step["state"] for step in status["phases"]}


async def test_cancel_stops_what_runs_runs_finally_and_is_recorded() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", hangs())
        flow = a_workflow(CHAIN)
        flow["spec"]["finally"] = [a_task("tidy")]
        await world.apply(flow)
        await world.until(lambda: world.task_now("a").get("state") == "Running")
        action = await asked(world, "Cancel", reason="not needed any more")
        status = await world.finished()
        assert (status["state"], status["reason"]) == ("Cancelled", "Cancelled")
        assert status["message"] == "cancelled by alice: not needed any more"
        assert states(status) == {
            "first": "Cancelled",
            "second": "Cancelled",
            "finally": "Succeeded",
        }
        [record] = status["actions"]
        assert (record["type"], record["actor"]) == ("Cancel", "alice")
        assert action["state"] == "Applied"
        taken = [text for reason, text in await world.events("flow") if reason == "ActionTaken"]
        assert taken == ["Cancel by alice: not needed any more"]


async def test_terminate_stops_finally_too() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("tidy", hangs())
        flow = a_workflow()
        flow["spec"]["finally"] = [a_task("tidy"), a_task("later", depends_on=["tidy"])]
        await world.apply(flow)
        await world.until(lambda: world.task_now("tidy").get("state") == "Running")
        assert (await asked(world, "Terminate"))["state"] == "Applied"
        status = await world.finished()
        assert (status["state"], status["reason"]) == ("Cancelled", "Terminated")
        assert world.kubelet.attempts("later") == []


async def test_cancel_reaches_a_suspended_and_a_pending_workflow() -> None:
    async with a_running_world() as world:
        await world.apply(a_workflow(suspend=True))
        await world.until(lambda: world.status_now().get("state") == "Suspended")
        assert (await asked(world, "Cancel", "one"))["state"] == "Applied"
        assert (await world.finished())["state"] == "Cancelled"

        waiting = a_workflow([a_step("p", [a_task(agent="ghost")])], name="waiting", uid="u-2")
        await world.apply(waiting)
        await world.until(lambda: world.status_now("waiting").get("state") == "Pending")
        assert (await asked(world, "Cancel", "two", target="waiting"))["state"] == "Applied"
        assert (await world.finished("waiting"))["state"] == "Cancelled"


async def test_a_suspended_workflow_is_cancelled_to_its_end_and_told_what_is_true() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("tidy", hangs())
        flow = a_workflow(suspend=True)
        flow["spec"]["finally"] = [a_task("tidy")]
        await world.apply(flow)
        await world.until(lambda: world.status_now().get("state") == "Suspended")
        first = await asked(world, "Cancel", "one")
        assert first["message"] == (
            "cancelled: what runs is being stopped; finally tasks follow (Workflow flow)"
        )
        await world.until(lambda: world.task_now("tidy").get("state") == "Running")
        second = await asked(world, "Cancel", "two")
        assert second["state"] == "Applied"
        assert second["message"].startswith("was cancelled already by alice: ")
        await world.kubelet.end("tidy", ok())
        status = await world.finished()
        assert (status["state"], states(status)["finally"]) == ("Cancelled", "Succeeded")
        assert "Resumed" not in {reason for reason, _ in await world.events("flow")}

        await world.until(lambda: not world.operator.memory())
        third = await asked(world, "Cancel", "three")
        assert third["message"].startswith("was cancelled already by alice: ")
        await world.until(lambda: not world.operator.memory())
        assert len(world.status_now()["actions"]) == 3


async def test_a_finished_workflow_is_retried_from_what_failed() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("b", fails())
        before = await ended(world, *CHAIN, finally_=[a_task("tidy")])
        assert before["state"] == "Failed"
        assert (await asked(world, "Retry"))["state"] == "Applied"
        status = await world.finished()
        assert (status["state"], status["run"]) == ("Succeeded", 2)
        assert world.kubelet.tasks() == ["a", "b", "tidy", "b", "x", "tidy"]
        assert world.kubelet.attempts("b") == [1, 2]
        assert status["actions"][0]["run"] == 2
        await world.until(lambda: not world.operator.memory())


async def test_a_running_workflow_is_retried_while_others_go_on() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("bad", fails())
        world.kubelet.plan("long", hangs())
        steps = [
            a_step("one", [a_task("bad"), a_task("next", depends_on=["bad"])]),
            a_step("two", [a_task("long"), a_task("rest", depends_on=["long"])]),
        ]
        await world.apply(a_workflow(steps))
        await world.until(lambda: world.task_now("bad").get("state") == "Failed")
        assert (await asked(world, "Retry", phase="one", task="bad"))["state"] == "Applied"
        await world.until(lambda: world.task_now("next").get("state") == "Succeeded")
        await world.kubelet.end("long", ok())
        status = await world.finished()
        assert (status["state"], status.get("run", 1)) == ("Succeeded", 1)
        assert world.kubelet.attempts("bad") == [1, 2]


async def test_one_task_is_done_again_with_all_that_follows_in_new_phases() -> None:
    async with a_running_world() as world:
        await ended(world, *CHAIN)
        assert (await asked(world, "Rerun", phase="first", task="b"))["state"] == "Applied"
        status = await world.finished()
        assert (status["state"], status["run"]) == ("Succeeded", 2)
        assert world.kubelet.tasks() == ["a", "b", "x", "b", "x"]
        assert [step.get("run", 1) for step in status["phases"]] == [1, 2]
        assert len(await world.api.objects(PHASES, NAMESPACE)) == 2


async def test_a_failed_task_is_skipped_or_marked_with_a_reason() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("b", fails())
        after = {"n": "${phases.first.outputs.b.n}"}
        steps = [CHAIN[0], a_step("second", [a_task("x", input=after)], depends_on=["first"])]
        await ended(world, *steps)
        found = await asked(
            world, "MarkSucceeded", phase="first", task="b", outputs={"n": 4}, reason="by hand"
        )
        assert found["state"] == "Applied"
        status = await world.finished()
        assert status["state"] == "Succeeded"
        assert world.kubelet.inputs["x", 0, 1] == {"n": 4}
        assert world.kubelet.attempts("b") == [1]


async def test_a_skip_lets_what_follows_run() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", fails())
        await ended(world, *CHAIN)
        assert (await asked(world, "Skip", phase="first", task="a"))["state"] == "Applied"
        status = await world.finished()
        assert status["state"] == "Succeeded"
        # b depends on nothing but the skipped task, so it is skipped as well.
        assert world.kubelet.tasks() == ["a", "x"]


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("Cancel", {}, "the workflow has ended: Succeeded"),
        ("Retry", {}, "nothing has failed"),
        ("Rerun", {"phase": "first"}, "Rerun needs the task"),
        ("Rerun", {"task": "a"}, "name the phase of task 'a'"),
        ("Rerun", {"phase": "no", "task": "a"}, "there is no phase 'no'"),
        ("Rerun", {"phase": "first", "task": "no"}, "there is no task 'no'"),
        ("Skip", {"phase": "first", "task": "a"}, "has succeeded; there is nothing to skip"),
        ("Retry", {"target": "ghost"}, "there is no Workflow ghost"),
        ("Retry", {"uid": "other"}, "is another one by now"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(kind: str, fields: Body, words: str) -> None:
    async with a_running_world() as world:
        await ended(world, *CHAIN)
        found = await asked(world, kind, **fields)
        assert found["state"] == "Refused"
        assert words in found["message"]
        await world.until(lambda: not world.operator.memory())
        assert (await world.finished())["state"] == "Succeeded"
        assert len(world.kubelet.births) == 3


WRONG = {
    "one": ("Skip", {"phase": "first", "task": "a"}),
    "two": ("Rerun", {"phase": "first", "task": "no"}),
    "three": ("Rerun", {"phase": "no", "task": "a"}),
    "four": ("Skip", {"phase": "second", "task": "x"}),
    "five": ("Retry", {}),
}


@pytest.mark.parametrize("first", range(len(WRONG)))
async def test_many_at_once_bring_a_workflow_back_without_losing_its_phases(first: int) -> None:
    async with a_running_world() as world:
        await ended(world, *CHAIN)
        names = [*WRONG][first:] + [*WRONG][:first]
        actions = [an_action(WRONG[name][0], name, **WRONG[name][1]) for name in names]
        await world.apply(*actions)
        await world.until(lambda: all(is_closed(world, name) for name in names))
        found = {name: (world.peek(ACTIONS, name) or {})["status"]["state"] for name in names}
        assert found == dict.fromkeys(names, "Refused")
        await world.until(lambda: not world.operator.memory())
        assert (await world.status())["state"] == "Succeeded"
        assert len(world.kubelet.births) == 3


async def test_a_workflow_that_was_rolled_back_is_not_done_again() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("b", fails())
        undo = {"agent": "worker"}
        tasks = [a_task("a", compensate=undo), a_task("b", depends_on=["a"])]
        await ended(world, a_step("first", tasks), failure_policy="Rollback")
        found = await asked(world, "Retry")
        assert (found["state"], "rolled back" in found["message"]) == ("Refused", True)


async def test_a_phase_that_stands_alone_is_a_target_too() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("work", fails())
        await world.apply(a_phase())
        await world.phase_finished()
        await world.until(lambda: not world.operator.memory())
        found = await asked(world, "Retry", target="stage", target_kind="Phase")
        assert found["state"] == "Applied"
        assert (await world.phase_finished())["state"] == "Succeeded"
        assert world.kubelet.attempts("work") == [1, 2]


async def test_a_phase_of_a_workflow_is_no_target() -> None:
    async with a_running_world() as world:
        await ended(world, *CHAIN)
        name = (await world.status())["phases"][0]["objectName"]
        found = await asked(world, "Retry", target=name, target_kind="Phase")
        assert "belongs to workflow flow" in found["message"]


async def test_an_action_goes_with_its_workflow() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_workflow(CHAIN))
        await world.until(lambda: world.task_now("a").get("state") == "Running")
        await asked(world, "Cancel")
        body = world.peek(ACTIONS, "please") or {}
        [owner] = body["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("Workflow", "flow")


async def test_applying_the_manifest_again_undoes_nothing() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("b", fails())
        await ended(world, *CHAIN)
        await asked(world, "Skip", phase="first", task="b")
        await world.finished()
        await world.change("Workflow", "flow", phases=a_workflow(CHAIN)["spec"]["phases"])
        await world.during(30)
        assert (await world.status())["state"] == "Succeeded"
