"""How a spec is put together, before anything is expanded."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_phase, a_step, a_task, a_workflow
from spectra_operator.core.spec.review import review

P = "spec.phases[build]"


def said(kind: str, spec: Body) -> dict[str, str]:
    return {problem.field: problem.message for problem in review(kind, spec)}


def of_phase(**fields: Any) -> dict[str, str]:
    return said("Workflow", a_workflow([a_step() | fields])["spec"])


def test_a_workflow_has_phases_or_a_template() -> None:
    ref = {"templateRef": {"name": "t"}}
    both = a_workflow()["spec"] | ref

    assert "give phases or templateRef" in said("Workflow", both)["spec.phases"]
    assert "give at least one phase" in said("Workflow", {})["spec.phases"]
    assert said("Workflow", ref) == {}


def test_a_template_has_phases() -> None:
    assert "give at least one phase" in said("WorkflowTemplate", {})["spec.phases"]


def test_a_phase_has_tasks_or_a_template() -> None:
    both = of_phase(templateRef={"name": "t"})
    assert "give tasks or templateRef" in both[f"{P}.tasks"]
    assert "or templateRef" in of_phase(tasks=None)[f"{P}.tasks"]
    assert of_phase(tasks=None, templateRef={"name": "t"}) == {}


def test_a_fallback_has_tasks_or_a_template_too() -> None:
    assert f"{P}.fallback.tasks" in of_phase(fallback={})
    assert of_phase(fallback={"templateRef": {"name": "t"}}) == {}


@pytest.mark.parametrize("name", ["finally", "on-failure", "rollback"])
def test_names_of_phases_that_the_operator_makes_are_taken(name: str) -> None:
    found = said("Workflow", a_workflow([a_step(name)])["spec"])
    assert "take another name" in found[f"spec.phases[{name}].name"]


def test_a_plan_has_days_or_seconds() -> None:
    found = of_phase(plan={"durationDays": 1, "durationSeconds": 5})
    assert "give one of them" in found[f"{P}.plan.durationDays"]


@pytest.mark.parametrize(
    ("pattern", "tasks", "says"),
    [
        ("Parallel", 1, "Parallel needs at least 2 tasks: one"),
        ("Coordinator", 2, "Coordinator needs at least 3 tasks: one that plans"),
    ],
)
def test_a_pattern_needs_enough_tasks(pattern: str, tasks: int, says: str) -> None:
    some = [a_task(f"t{n}") for n in range(tasks)]
    assert says in of_phase(pattern=pattern, tasks=some)[f"{P}.pattern"]
    alone = a_phase(some, pattern=pattern)["spec"]
    assert says in said("Phase", alone)["spec.pattern"]


@pytest.mark.parametrize(
    ("pattern", "tasks"), [("Parallel", 2), ("Coordinator", 3), ("Sequential", 1), ("Pipeline", 1)]
)
def test_a_pattern_with_enough_tasks_is_left_alone(pattern: str, tasks: int) -> None:
    assert of_phase(pattern=pattern, tasks=[a_task(f"t{n}") for n in range(tasks)]) == {}


@pytest.mark.parametrize(
    ("workspace", "field"),
    [
        ({}, "size"),
        ({"size": "1Gi", "claimName": "c"}, "size"),
        ({"claimName": "c", "storageClassName": "fast"}, "storageClassName"),
        ({"claimName": "c", "accessModes": ["ReadWriteMany"]}, "accessModes"),
    ],
)
def test_a_workspace_is_an_existing_claim_or_a_new_one(workspace: Body, field: str) -> None:
    found = said("Workflow", a_workflow(workspace=workspace)["spec"])
    assert list(found) == [f"spec.workspace.{field}"]


@pytest.mark.parametrize("size", ["1Gi", "500M", "1.5Gi", "1e9", "1000"])
def test_a_size_is_a_quantity(size: str) -> None:
    assert said("Workflow", a_workflow(workspace={"size": size})["spec"]) == {}


@pytest.mark.parametrize("size", ["lots", "1 Gi", "-1Gi", "1GB", ""])
def test_a_size_that_is_none_is_named(size: str) -> None:
    found = said("Workflow", a_workflow(workspace={"size": size})["spec"])
    assert "should match pattern" in found["spec.workspace.size"]


def test_a_phase_that_stands_alone_mounts_only_a_workspace_of_its_own() -> None:
    spec = a_phase([a_task(workspace={})])["spec"]

    assert list(said("Phase", spec)) == ["spec.tasks[work].workspace"]
    assert said("Phase", spec | {"workspace": {"claimName": "c"}}) == {}


def test_a_kind_without_checks_has_no_problems() -> None:
    assert review("ConfigMap", {"data": {}}) == ()
    assert review("Pod", None) == ()
