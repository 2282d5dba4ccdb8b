"""Why what never began, or comes only at the end, stands as it does."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_phase, a_step, a_task, a_workflow
from spectra_operator.core.insight.why import Objects, UnknownPathError, why

STEPS = [
    a_step("yard", [a_task("weigh")]),
    a_step("road", [a_task("drive")], depends_on=["yard"]),
]
SKIPPED = {"state": "Skipped", "reason": "DependencyFailed", "message": "yard did not succeed"}
HELD = {
    "state": "Ready",
    "reason": "Suspended",
    "message": "spec.suspend is true; it begins when the workflow is resumed",
}


def run(*more: Body, state: str = "Running", **steps: Body) -> Objects:
    """A workflow with finally and on-failure tasks; `more` are what follows in its status."""
    workflow = a_workflow(STEPS)
    workflow["spec"] |= {"finally": [a_task("tidy")], "onFailure": [a_task("alarm")]}
    phases = [{"name": name} | steps.get(name, {}) for name in ("yard", "road")]
    workflow["status"] = {"state": state, "phases": [*phases, *more]}
    return Objects(workflow, {"yard": a_phase([a_task("weigh")])})


def told(objects: Objects, path: str) -> list[str]:
    return [str(link) for link in why(objects, path)]


def test_a_task_of_a_phase_that_was_skipped_was_skipped_and_leads_to_what_failed() -> None:
    objects = run(yard={"state": "Failed", "message": "task weigh failed"}, road=SKIPPED)
    assert told(objects, "road/drive") == [
        "task road/drive is Skipped: phase road never began, it is Skipped",
        "phase road is Skipped: yard did not succeed",
        "phase yard is Failed: task weigh failed",
    ]


@pytest.mark.parametrize(
    ("state", "shown"),
    [("Cancelled", "Cancelled"), ("Failed", "Skipped"), ("Ready", "Waiting")],
)
def test_a_task_stands_as_its_phase_that_never_began(state: str, shown: str) -> None:
    objects = run(road={"state": state, "message": "when: x"})
    assert told(objects, "road/drive")[0].startswith(f"task road/drive is {shown}: phase road")


def test_a_finally_task_waits_for_the_end_of_the_phases() -> None:
    objects = run(yard={"state": "Running"})
    assert told(objects, "finally/tidy")[:4] == [
        "task finally/tidy is Waiting: phase finally has not begun",
        "phase finally is Waiting: it follows the end of the phases",
        "phase road is Waiting: it waits for phase yard",
        "phase yard is Running: task weigh not over",
    ]


def test_a_finally_task_that_is_held_leads_to_the_suspend() -> None:
    objects = run({"name": "finally", "role": "Finally"} | HELD, state="Finalizing")
    assert told(objects, "finally/tidy") == [
        "task finally/tidy is Waiting: phase finally has not begun",
        "phase finally is Ready: spec.suspend is true; it begins when the workflow is resumed",
    ]


def test_finally_tasks_wait_for_the_alarm_before_them() -> None:
    alarm = {"name": "on-failure", "role": "OnFailure"} | HELD
    objects = run(alarm, {"name": "finally", "role": "Finally"}, state="Finalizing")
    assert told(objects, "finally")[0] == "phase finally is Waiting: it waits for phase on-failure"


def test_what_a_workflow_ended_without_was_skipped() -> None:
    objects = run(state="Succeeded", yard={"state": "Succeeded"}, road={"state": "Succeeded"})
    assert told(objects, "on-failure") == [
        "phase on-failure is Skipped: the workflow ended without it"
    ]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("finally/tdy", "phase finally has no task tdy; did you mean tidy? it has tidy"),
        ("yard/weight", "phase yard has no task weight; did you mean weigh? it has weigh"),
        ("yrad/weigh", "the workflow has no phase yrad; did you mean yard? it has yard, road"),
        (
            "rollback/yard-weigh",
            "the workflow has no phase rollback; it has yard, road, on-failure",
        ),
    ],
)
def test_a_name_that_is_not_there_is_told_with_the_nearest(path: str, words: str) -> None:
    with pytest.raises(UnknownPathError) as caught:
        why(run(), path)
    assert words in str(caught.value)


def test_the_tasks_of_a_rollback_are_known_once_it_has_begun() -> None:
    objects = run({"name": "rollback", "role": "Rollback"} | HELD, state="RollingBack")
    with pytest.raises(UnknownPathError, match="rollback has not begun; its tasks are not known"):
        why(objects, "rollback/yard-weigh")
    begun: dict[str, Any] = {**objects.phases, "rollback": a_phase([a_task("yard-weigh")])}
    links = why(Objects(objects.workflow, begun), "rollback/yard-weigh")
    assert links[0].what == "task rollback/yard-weigh"
