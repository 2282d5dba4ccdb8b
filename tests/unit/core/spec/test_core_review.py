"""What the webhook and the linter say of one object, with the templates that they know."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_chain, a_step, a_task, a_workflow
from spectra_operator.api.template import WorkflowTemplateSpec
from spectra_operator.core.spec.review import SPEC_DEPTH, review

TEMPLATE = WorkflowTemplateSpec.model_validate(
    a_workflow(
        [a_step("work", [a_task(input={"rows": "${parameters.rows}"})])],
        parameters=[{"name": "rows", "type": "integer"}],
    )["spec"]
)
KNOWN = {"etl": TEMPLATE}


def fields(kind: str, spec: Any, **known: WorkflowTemplateSpec) -> list[tuple[str, str]]:
    return [(problem.reason, problem.field) for problem in review(kind, spec, known)]


def a_run(**parameters: Any) -> Body:
    given = [{"name": name, "value": value} for name, value in parameters.items()]
    return {"templateRef": {"name": "etl"}, "parameters": given}


def a_schedule(spec: Body, **changed: Any) -> Body:
    return {"schedule": "0 5 * * *", "workflowTemplate": {"spec": spec}} | changed


def test_a_template_that_is_not_known_is_taken_to_be_well() -> None:
    assert fields("Workflow", a_run(anything="goes")) == []


def test_values_for_a_template_that_is_known_are_checked() -> None:
    assert fields("Workflow", a_run(rows=7), **KNOWN) == []
    assert fields("Workflow", a_run(rows="seven"), **KNOWN) == [
        ("InvalidParameter", "spec.parameters[rows].value")
    ]
    assert fields("Workflow", a_run(rows=7, colour="red"), **KNOWN) == [
        ("UnknownParameter", "spec.parameters[colour]")
    ]
    assert fields("Workflow", a_run(), **KNOWN) == [
        ("MissingParameter", "spec.parameters[rows].value")
    ]


def test_a_phase_of_a_template_that_is_not_known_is_taken_to_be_well() -> None:
    phases = [{"name": "work", "templateRef": {"name": "ghost", "phase": "x"}}]
    assert fields("Workflow", {"phases": phases}) == []


def test_what_reads_a_phase_of_an_unknown_template_is_left_alone() -> None:
    ghost = {"name": "ghost", "templateRef": {"name": "ghost"}}
    task = a_task(input={"v": "${phases.ghost.outputs.any.thing}"})
    assert fields("Workflow", {"phases": [ghost, a_step("b", [task], depends_on=["ghost"])]}) == []


def test_a_cycle_in_a_template_is_found_without_any_workflow() -> None:
    loop = [a_task("a", depends_on=["b"]), a_task("b", depends_on=["a"])]
    assert fields("WorkflowTemplate", {"phases": [a_step("work", loop)]}) == [
        ("DependencyCycle", "spec.phases[work].tasks[a].dependsOn")
    ]


def test_the_dependencies_that_a_pattern_adds_are_no_problem() -> None:
    tasks = [a_task("a"), a_task("b"), a_task("c")]
    spec = {"tasks": tasks, "pattern": "Coordinator"}
    assert fields("Phase", spec) == []
    assert fields("Workflow", {"phases": [spec | {"name": "work"}]}) == []


def test_the_workflow_in_a_schedule_is_reviewed_with_its_own_fields() -> None:
    bad = a_workflow([a_step("work", [a_task("a", depends_on=["ghost"])])])["spec"]
    assert fields("Schedule", a_schedule(bad)) == [
        (
            "UnknownDependency",
            "spec.workflowTemplate.spec.phases[work].tasks[a].dependsOn",
        )
    ]


def test_a_schedule_fills_in_the_time_that_a_run_is_for() -> None:
    task = a_task(input={"at": "${parameters.scheduledTime}"})
    spec = a_workflow([a_step("work", [task])], parameters=[{"name": "scheduledTime"}])["spec"]

    assert fields("Schedule", a_schedule(spec)) == []
    assert fields("Workflow", spec) == [
        ("MissingParameter", "spec.parameters[scheduledTime].value")
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"schedule": "61 * * * *"}, ("InvalidSchedule", "spec.schedule")),
        ({"timeZone": "Mars/Olympus"}, ("InvalidTimeZone", "spec.timeZone")),
    ],
)
def test_a_time_that_never_comes_is_named(changed: Body, expected: tuple[str, str]) -> None:
    assert fields("Schedule", a_schedule(a_workflow()["spec"], **changed)) == [expected]


def test_two_wrong_references_in_one_field_are_both_told() -> None:
    task = a_task(input={"v": "${parameters.x} ${parameters.y}"})
    found = review("Phase", {"tasks": [task]})
    assert [problem.message.split(":")[0] for problem in found] == ["parameters.x", "parameters.y"]


def test_a_spec_that_cannot_be_parsed_names_every_field() -> None:
    found = fields("Phase", {"tasks": [{"name": "Bad Name", "agent": 7}]})
    assert found == [
        ("InvalidSpec", "spec.tasks[Bad Name].name"),
        ("InvalidSpec", "spec.tasks[Bad Name].agent"),
    ]


def test_what_nests_too_deep_is_not_walked() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    (problem,) = review("Phase", {"tasks": [a_task(input={"v": value})]})
    assert (problem.reason, problem.field) == ("TooDeep", "spec")
    assert f"deeper than {SPEC_DEPTH} levels" in problem.message


def test_what_is_too_large_is_not_parsed() -> None:
    (problem,) = review(
        "Workflow", a_workflow([a_step("w", a_chain("a"))])["spec"] | {"x": "y" * 720_000}
    )
    assert (problem.reason, problem.field) == ("SpecTooLarge", "spec")
    assert "split the workflow" in problem.message


def an_agent_with(**rollout: Any) -> Body:
    return {"template": {"image": "x"}, "rollout": rollout}


def test_the_expressions_of_an_agents_rollout_are_compiled() -> None:
    assert fields("Agent", {"template": {"image": "x"}}) == []
    assert fields("Agent", an_agent_with(analysis={"conditions": ["failureRatio < 0.1"]})) == []
    assert fields("Agent", an_agent_with(analysis={"conditions": ["failures < 3"]})) == [
        ("InvalidExpression", "spec.rollout.analysis.conditions[0]")
    ]


def test_what_a_rollout_makes_of_numbers_and_names_is_told_all_at_once() -> None:
    query = {"name": "errors", "query": "up", "condition": "value * 2"}
    gate = {"tasks": [{"task": "sum", "expect": "output == 1"}]}
    prometheus = {"address": "http://prometheus:9090", "queries": [query, query]}

    found = fields("Agent", an_agent_with(preGate=gate, analysis={"prometheus": prometheus}))

    assert found == [
        ("InvalidExpression", "spec.rollout.preGate.tasks[0].expect"),
        ("InvalidExpression", "spec.rollout.analysis.prometheus.queries[errors].condition"),
        ("DuplicateName", "spec.rollout.analysis.prometheus.queries[errors]"),
    ]


def test_an_agent_that_is_none_gets_an_answer() -> None:
    assert [reason for reason, _ in fields("Agent", {"rollout": 7})] == ["InvalidSpec"] * 2
