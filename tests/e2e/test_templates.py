"""Workflows and phases from templates, on a real cluster."""

from __future__ import annotations

from typing import Any

from builders.specs import a_step, a_task
from e2e.harness import bodies
from e2e.harness.bodies import HOLD
from e2e.harness.orders import ran
from e2e.harness.play import Play

Body = dict[str, Any]

ECHO = 'out "$SPECTRA_INPUT"'
ROWS = {"name": "rows", "type": "integer", "default": 10, "maximum": 99}


def a_template(*phases: Body, name: str = "shape", **fields: Any) -> Body:
    return bodies.workflow(name, phases, **fields) | {"kind": "WorkflowTemplate"}


def from_template(name: str, *values: Body, template: str = "shape") -> Body:
    """Return a workflow that takes all from a template."""
    spec: Body = {"templateRef": {"name": template}}
    body = bodies.workflow(name, [])
    return body | {"spec": spec | ({"parameters": list(values)} if values else {})}


def verdict(play: Play, name: str) -> Body | None:
    """Return what a template says of itself, once it does."""
    status: Body = (play.world.get("WorkflowTemplate", name) or {}).get("status") or {}
    return status if "valid" in status else None


async def test_the_example_gives_a_workflow_and_phases_with_values_of_their_own(
    play: Play,
) -> None:
    play.given.example("template/template.yaml")
    await play.when.applied()

    north = await play.then.workflow_ends("Succeeded", "survey-north")
    both = await play.then.workflow_ends("Succeeded", "survey-all")

    revision = (await play.then.until("the verdict", lambda: verdict(play, "survey")))["revision"]
    assert north["template"] == f"survey@{revision}"
    assert "template" not in both
    for path, workflow, place in (
        ("field/measure", "survey-north", "north"),
        ("south/measure", "survey-all", "south"),
        ("harbour/measure", "survey-all", "harbour"),
    ):
        outputs = play.then.task(path, workflow=workflow).outputs
        assert outputs == {"place": place, "points": 100}
    ran(play, {"field/measure": 1}, "survey-north", alone=False)
    ran(play, {"south/measure": 1, "harbour/measure": 1}, "survey-all", alone=False)


async def test_runs_go_on_as_they_began_when_their_template_changes_and_goes(play: Play) -> None:
    play.given.agent("holder", HOLD)
    play.given.agent()
    one, two = a_step("one", [a_task("a", agent="holder")]), a_step("two", depends_on=["one"])
    play.given.object(a_template(one, two))
    play.given.object(from_template("flow"))
    await play.when.applied()
    pod = await play.then.task("one/a").pod_in("Running")

    first = await play.then.until("the verdict", lambda: verdict(play, "shape"))
    other = a_step("two", [a_task("other")], depends_on=["one"])
    await play.when.patched("WorkflowTemplate", "shape", phases=[one, other])
    await play.then.until(
        "a new revision",
        lambda: (verdict(play, "shape") or first)["revision"] != first["revision"] or None,
    )
    await play.when.deleted("WorkflowTemplate", "shape")
    await play.when.let_go(pod["metadata"]["name"])

    status = await play.then.workflow_ends("Succeeded")
    assert status["template"] == f"shape@{first['revision']}"
    ran(play, {"one/a": 1, "two/work": 1})


async def test_a_workflow_waits_for_its_template(play: Play) -> None:
    play.given.agent("worker", ECHO)
    play.given.object(from_template("flow", {"name": "rows", "value": 7}))
    await play.when.applied()
    status = await play.then.workflow_shows("Pending", "TemplateNotFound")
    assert "shape" in status["message"]

    task = a_task("a", input={"n": "${parameters.rows}"})
    play.given.object(a_template(a_step("build", [task]), parameters=[ROWS]))
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")
    assert play.then.task("build/a").outputs == {"n": 7}
    ran(play, {"build/a": 1})


async def test_values_that_a_template_does_not_allow_are_rejected(play: Play) -> None:
    play.given.agent()
    play.given.object(a_template(a_step("build"), parameters=[ROWS]))
    play.given.object(from_template("many", {"name": "rows", "value": "many"}))
    play.given.object(from_template("large", {"name": "rows", "value": 100}))
    play.given.object(from_template("unknown", {"name": "columns", "value": 1}))
    await play.when.applied()

    for name, field in (("many", "rows"), ("large", "rows"), ("unknown", "columns")):
        status = await play.then.workflow_ends("Rejected", name)
        assert f"spec.parameters[{field}]" in status["message"]
    play.then.no_pod_ever()
