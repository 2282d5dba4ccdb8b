"""Templates: pinned when a workflow is accepted, missed until they are there, judged alone."""

from __future__ import annotations

from typing import Any

from builders.engine import World, a_running_world
from builders.kubelet import hangs, ok
from builders.specs import Body, a_step, a_task, a_template, a_workflow
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import TEMPLATES, WORKFLOWS
from spectra_operator.kube.resources import CONTROLLER_REVISIONS

ROWS = {"name": "rows", "type": "integer", "default": 10}


def from_template(name: str = "shape", **spec: Any) -> Body:
    """A workflow that takes all from a template."""
    body = a_workflow()
    return body | {"spec": {"templateRef": {"name": name}, **spec}}


def shape(*tasks: Body, **fields: Any) -> Body:
    return a_template([a_step("build", tasks or [a_task("a")])], **fields)


async def test_a_workflow_is_made_from_a_template_with_its_own_values() -> None:
    async with a_running_world() as world:
        given = {"n": "${parameters.rows}"}
        await world.apply(shape(a_task("a", input=given), parameters=[ROWS]))
        await world.apply(from_template(parameters=[{"name": "rows", "value": 7}]))
        status = await world.finished()
        assert status["state"] == "Succeeded"
        assert world.kubelet.inputs["a", 0, 1] == {"n": 7}
        template = world.peek(TEMPLATES, "shape") or {}
        assert status["template"] == f"shape@{template['status']['revision']}"
        labels = (world.peek(WORKFLOWS, "flow") or {})["metadata"]["labels"]
        assert labels[c.LABEL_TEMPLATE] == "shape"


async def test_a_missing_template_is_waited_for() -> None:
    async with a_running_world() as world:
        await world.apply(from_template())
        await world.until(lambda: world.status_now().get("state") == "Pending")
        assert world.status_now()["reason"] == "TemplateNotFound"
        assert "shape" in world.status_now()["message"]
        await world.apply(shape())
        assert (await world.finished())["state"] == "Succeeded"


async def test_a_changed_template_changes_no_workflow_that_was_accepted() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", hangs())
        steps = [a_step("one", [a_task("a")]), a_step("two", [a_task("b")], depends_on=["one"])]
        await world.apply(a_template(steps))
        await world.apply(from_template())
        await world.until(lambda: world.task_now("a").get("state") == "Running")
        other = [a_step("one", [a_task("a")]), a_step("two", [a_task("z")], depends_on=["one"])]
        await world.change("WorkflowTemplate", "shape", phases=other)
        world.operator.kill()
        await world.start()
        await world.kubelet.end("a", ok())
        assert (await world.finished())["state"] == "Succeeded"
        assert world.kubelet.tasks() == ["a", "b"]


async def test_a_deleted_template_is_missed_by_no_workflow_that_was_accepted() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", hangs())
        await world.apply(shape())
        await world.apply(from_template())
        await world.until(lambda: world.task_now("a").get("state") == "Running")
        await world.delete("WorkflowTemplate", "shape")
        world.operator.kill()
        await world.start()
        await world.kubelet.end("a", ok())
        assert (await world.finished())["state"] == "Succeeded"


async def test_a_phase_takes_its_tasks_from_a_template() -> None:
    async with a_running_world() as world:
        given = {"n": "${parameters.rows}"}
        await world.apply(shape(a_task("t", input=given), parameters=[ROWS]))
        world.kubelet.plan("a", ok({"n": 3}))
        ref = {"templateRef": {"name": "shape"}, "parameters": {"rows": "${phases.p.outputs.a.n}"}}
        steps = [a_step("p", [a_task("a")]), {"name": "q", "dependsOn": ["p"], **ref}]
        await world.apply(a_workflow(steps))
        status = await world.finished()
        assert status["state"] == "Succeeded"
        assert world.kubelet.inputs["t", 0, 1] == {"n": 3}
        assert "template" not in status


async def test_what_does_not_fit_its_template_is_rejected() -> None:
    async with a_running_world() as world:
        await world.apply(shape(parameters=[ROWS]))
        await world.apply(from_template(parameters=[{"name": "rows", "value": "many"}]))
        status = await world.finished()
        assert (status["state"], status["reason"]) == ("Rejected", "InvalidParameter")
        assert "spec.parameters[rows].value" in status["message"]


async def test_templates_say_whether_they_can_be_used() -> None:
    async with a_running_world() as world:
        cyclic = [a_task("x", depends_on=["y"]), a_task("y", depends_on=["x"])]
        await world.apply(shape(name="good"), shape(*cyclic, name="bad"))
        await world.until(lambda: "status" in (world.peek(TEMPLATES, "bad") or {}))
        good, bad = ((world.peek(TEMPLATES, name) or {})["status"] for name in ("good", "bad"))
        assert (good["valid"], "message" in good) == (True, False)
        assert (bad["valid"], "wait for each other" in bad["message"]) == (False, True)


async def test_a_workflow_without_templates_reads_no_revision() -> None:
    async with a_running_world() as world:
        await world.apply(a_workflow())
        await world.finished()
        calls = [(entry.call.verb, entry.call.plural) for entry in world.api.log]
        reads = [call for call in calls if call == ("get", CONTROLLER_REVISIONS.plural)]
        assert reads == []


async def test_patterns_are_run_as_they_are_written_out() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("lead", ok({"work": ["x", "y"]}))
        for index in (0, 1):
            world.kubelet.plan("do", ok(lambda given: {"did": given["item"]}), index=index)
        tasks = [a_task("lead"), a_task("do"), a_task("report")]
        await world.apply(a_workflow([a_step("team", tasks, pattern="Coordinator")]))
        assert (await world.finished())["state"] == "Succeeded"
        assert world.kubelet.inputs["report", 0, 1] == {
            "results": {"do": [{"did": "x"}, {"did": "y"}]}
        }


async def _pins(world: World) -> list[Body]:
    found = await world.api.objects(CONTROLLER_REVISIONS)
    return [body for body in found if "templates" in body["metadata"]["name"]]


async def test_one_pin_is_made_however_often_the_leader_changes() -> None:
    async with a_running_world() as world:
        await world.apply(shape())
        world.kubelet.plan("a", hangs())
        await world.apply(from_template())
        await world.until(lambda: world.task_now("a").get("state") == "Running")
        for _ in range(2):
            world.operator.kill()
            await world.start()
        await world.kubelet.end("a", ok())
        await world.finished()
        [pin] = await _pins(world)
        assert list(pin["data"]["templates"]) == ["shape"]
        assert pin["metadata"]["ownerReferences"][0]["name"] == "flow"
