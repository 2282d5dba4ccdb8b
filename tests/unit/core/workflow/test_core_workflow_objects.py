"""The objects made for a workflow: Phases of every kind, the claim, the pinned templates."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_parameter, a_step, a_task, a_workflow
from spectra_operator.api import constants as c
from spectra_operator.api.phase import PhaseSpec
from spectra_operator.api.workflow import PhaseRole
from spectra_operator.core.phase.inputs import freeze_phase
from spectra_operator.core.spec.compile import compile_phase, compile_workflow
from spectra_operator.core.workflow.objects import (
    claim_body,
    object_name,
    phase_body,
    pin_body,
    template_of,
    workspace_claim,
)
from spectra_operator.core.workflow.records import StepRecord


def phase_object(**fields: Any) -> Body:
    """Return the Phase object of a workflow's phase `build`."""
    step = a_step("build", [a_task("a", input={"v": "${parameters.n}"})], **fields)
    parameters = [a_parameter("n", 7, "integer")]
    shape = compile_workflow(a_workflow([step], parameters=parameters, failure_policy="Continue"))
    frozen = freeze_phase(shape.spec, shape.spec.all_phases[0], lambda _: {})
    return phase_body(shape, "build", StepRecord(), frozen, "0")


def test_a_phase_object_carries_all_that_its_tasks_need() -> None:
    plan = {"durationDays": 7, "milestone": "ready"}
    body = phase_object(parallelism=3, plan=plan, description="builds")
    assert body["spec"] == {
        "workflowRef": {"name": "flow", "uid": a_workflow()["metadata"]["uid"]},
        "phase": "build",
        "description": "builds",
        "parallelism": 3,
        "failurePolicy": "Continue",
        "plan": plan,
        "parameters": {"n": 7},
        "tasks": [{"name": "a", "agent": "worker", "input": {"v": "${parameters.n}"}}],
    }
    PhaseSpec.model_validate(body["spec"])


def test_a_phase_object_belongs_to_its_workflow() -> None:
    meta = phase_object()["metadata"]
    (owner,) = meta["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["blockOwnerDeletion"]) == ("Workflow", "flow", True)
    assert meta["labels"][c.LABEL_WORKFLOW] == "flow"
    assert meta["labels"][c.LABEL_PHASE] == "build"
    assert meta["name"].startswith("flow-build-")


def test_a_workflow_whose_name_has_dots_gets_phases_that_the_schema_admits() -> None:
    shape = compile_workflow(a_workflow(name="etl.v2"))
    body = phase_body(shape, "build", StepRecord(), {"tasks": [a_task()]}, "0")
    compiled = compile_phase(body | {"metadata": body["metadata"] | {"uid": "u"}})
    assert compiled.problems == ()


def test_each_object_of_a_phase_has_a_name_of_its_own() -> None:
    shape = compile_workflow(a_workflow())
    steps = [
        StepRecord(),
        StepRecord(run=2),
        StepRecord(fallback=True),
        StepRecord(run=2, fallback=True),
    ]
    names = [object_name(shape, "build", step) for step in steps]
    assert len(set(names)) == 4
    assert all(name.startswith("flow-build-") for name in names)


def test_a_fallback_does_its_own_tasks_with_its_own_parameters_if_it_gives_some() -> None:
    other = {"tasks": [a_task("other")], "parameters": {"x": 1}}
    step = a_step("build", parameters={"x": 0, "y": 0}) | {"fallback": other}
    shape = compile_workflow(a_workflow([step]))
    assert shape.problems == ()
    found = template_of(shape, "build", StepRecord(fallback=True))
    assert [task.name for task in found.all_tasks] == ["other"]
    assert found.parameters == {"x": 1}
    del other["parameters"]
    shape = compile_workflow(a_workflow([step]))
    assert template_of(shape, "build", StepRecord(fallback=True)).parameters == {"x": 0, "y": 0}


@pytest.mark.parametrize(
    ("name", "role", "task"),
    [("finally", PhaseRole.FINALLY, "tidy"), ("on-failure", PhaseRole.ON_FAILURE, "alarm")],
)
def test_what_follows_the_end_is_a_phase_that_no_failure_halts(
    name: str, role: PhaseRole, task: str
) -> None:
    spec = {"finally": [a_task("tidy")], "onFailure": [a_task("alarm")]}
    body = a_workflow()
    shape = compile_workflow(body | {"spec": body["spec"] | spec})
    step = StepRecord(role=role, run=2)
    [found] = template_of(shape, name, step).all_tasks
    made = phase_body(shape, name, step, {"tasks": [a_task(task)]}, "0")
    assert found.name == task
    assert made["metadata"]["labels"][c.LABEL_ROLE] == made["spec"]["role"] == str(role)
    assert made["spec"]["failurePolicy"] == "Continue"


def test_a_rollback_policy_is_fail_to_the_phase() -> None:
    shape = compile_workflow(a_workflow(failure_policy="Rollback", on_failure_running="Cancel"))
    spec = phase_body(shape, "build", StepRecord(), {"tasks": [a_task()]}, "0")["spec"]
    assert (spec["failurePolicy"], spec["onFailureRunning"]) == ("Fail", "Cancel")


def claimed(**workspace: Any) -> Body:
    shape = compile_workflow(a_workflow(workspace=workspace))
    wanted = shape.spec.workspace
    assert wanted is not None
    return claim_body(shape, wanted, "0")


def test_a_claim_is_made_as_it_was_asked_for_and_goes_with_its_workflow() -> None:
    body = claimed(size="1Gi", storageClassName="fast", accessModes=["ReadWriteMany"])
    assert body["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "fast",
    }
    assert body["metadata"]["name"].startswith("flow-workspace-")
    assert body["metadata"]["ownerReferences"][0]["name"] == "flow"


def test_a_claim_that_is_retained_has_no_owner() -> None:
    body = claimed(size="1Gi", retention="Retain")
    assert "ownerReferences" not in body["metadata"]
    assert body["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_phases_name_the_claim_that_their_tasks_mount() -> None:
    shape = compile_workflow(a_workflow(workspace={"claimName": "mine"}))
    spec = phase_body(shape, "build", StepRecord(), {"tasks": [a_task()]}, "0")["spec"]
    assert (workspace_claim(shape), spec["workspace"]) == ("mine", {"claimName": "mine"})
    assert workspace_claim(compile_workflow(a_workflow())) == ""


def test_templates_are_pinned_as_they_were_written() -> None:
    body = pin_body(a_workflow(), {"t": {"phases": []}})
    assert body["data"] == {"templates": {"t": {"phases": []}}}
    assert body["metadata"]["name"].startswith("flow-templates-")
    assert body["metadata"]["ownerReferences"][0]["kind"] == "Workflow"
