"""Expansion: templates put in, defaults filled in, and problems that name what was written."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_chain, a_step, a_task
from spectra_operator.api.template import WorkflowTemplateSpec
from spectra_operator.api.workflow import WorkflowSpec
from spectra_operator.core.spec.expand import ExpansionError, expand, template_names

ROWS = {"name": "rows", "type": "integer", "default": 10, "minimum": 1}
SHARED: Body = {
    "description": "loads rows",
    "priority": 7,
    "parameters": [ROWS, {"name": "target"}],
    "phases": [a_step("load", [a_task("a", input={"n": "${parameters.rows}"})])],
    "finally": [a_task("tidy")],
}


def template(spec: Body) -> WorkflowTemplateSpec:
    return WorkflowTemplateSpec.model_validate(spec)


TEMPLATES = {
    "loader": template(SHARED),
    "steps": template(
        {
            "parameters": [{"name": "size", "type": "integer"}, {"name": "codec", "default": "z"}],
            "phases": [
                a_step("pack", a_chain("p", "q"), pattern="Sequential"),
                a_step("ship", [a_task("s")]),
                {"name": "far", "templateRef": {"name": "loader"}},
            ],
        }
    ),
}


def workflow(**spec: Any) -> WorkflowSpec:
    return WorkflowSpec.model_validate(spec)


def problems(spec: WorkflowSpec) -> list[tuple[str, str]]:
    with pytest.raises(ExpansionError) as caught:
        expand(spec, TEMPLATES)
    return [(problem.reason, problem.field) for problem in caught.value.problems]


def by_name(spec: WorkflowSpec) -> dict[str, Any]:
    return {parameter.name: parameter.value for parameter in spec.parameters}


def test_a_spec_that_refers_to_nothing_stays_as_it_is() -> None:
    spec = workflow(phases=[a_step()])
    assert expand(spec, {}) == spec
    assert template_names(spec, {}) == ()


def test_a_workflow_takes_all_that_it_does_not_say_itself() -> None:
    spec = workflow(
        templateRef={"name": "loader"},
        priority=1,
        parameters=[{"name": "target", "value": "t"}],
    )
    found = expand(spec, TEMPLATES)
    assert (found.description, found.priority) == ("loads rows", 1)
    assert [phase.name for phase in found.all_phases] == ["load"]
    assert [task.name for task in found.finally_ or []] == ["tidy"]
    assert by_name(found) == {"rows": 10, "target": "t"}


def test_a_given_value_goes_over_the_default_and_must_be_allowed() -> None:
    given: list[Body] = [{"name": "target", "value": "t"}, {"name": "rows", "value": 0}]
    spec = workflow(templateRef={"name": "loader"}, parameters=given)
    assert problems(spec) == [("InvalidParameter", "spec.parameters[rows].value")]
    given[1]["value"] = 3
    found = expand(workflow(templateRef={"name": "loader"}, parameters=given), TEMPLATES)
    assert by_name(found) == {"rows": 3, "target": "t"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"templateRef": {"name": "no"}}, ("TemplateNotFound", "spec.templateRef.name")),
        (
            {"templateRef": {"name": "loader"}},
            ("MissingParameter", "spec.parameters[target].value"),
        ),
        (
            {
                "templateRef": {"name": "loader"},
                "parameters": [{"name": "target", "value": "t"}, {"name": "x", "value": 1}],
            },
            ("UnknownParameter", "spec.parameters[x]"),
        ),
        (
            {"phases": [{"name": "p", "templateRef": {"name": "no", "phase": "x"}}]},
            ("TemplateNotFound", "spec.phases[p].templateRef.name"),
        ),
        (
            {"phases": [{"name": "p", "templateRef": {"name": "steps"}}]},
            ("UnknownPhase", "spec.phases[p].templateRef.phase"),
        ),
        (
            {"phases": [{"name": "p", "templateRef": {"name": "steps", "phase": "no"}}]},
            ("UnknownPhase", "spec.phases[p].templateRef.phase"),
        ),
        (
            {"phases": [{"name": "p", "templateRef": {"name": "steps", "phase": "far"}}]},
            ("TemplateNested", "spec.phases[p].templateRef.phase"),
        ),
        (
            {"phases": [{"name": "p", "templateRef": {"name": "steps", "phase": "ship"}}]},
            ("MissingParameter", "spec.phases[p].parameters.size"),
        ),
        (
            {
                "phases": [
                    a_step("q")
                    | {
                        "fallback": {
                            "templateRef": {"name": "steps", "phase": "ship"},
                            "parameters": {"size": "big"},
                        }
                    }
                ]
            },
            ("InvalidParameter", "spec.phases[q].fallback.parameters.size"),
        ),
        (
            {"phases": [a_step("p", [a_task("a"), a_task("b")], pattern="Coordinator")]},
            ("PatternTooSmall", "spec.phases[p].pattern"),
        ),
        (
            {"parameters": [{"name": "x"}], "phases": [a_step()]},
            ("MissingParameter", "spec.parameters[x].value"),
        ),
    ],
)
def test_what_cannot_be_expanded_names_the_field_as_it_was_written(
    spec: Body, expected: tuple[str, str]
) -> None:
    assert problems(workflow(**spec)) == [expected]


def test_a_phase_takes_tasks_and_pattern_of_a_templates_phase_with_its_parameters() -> None:
    ref = {"name": "steps", "phase": "pack"}
    given = {"size": "${parameters.rows}"}
    rows = [{"name": "rows", "type": "integer", "value": 5}]
    spec = workflow(
        parameters=rows, phases=[{"name": "p", "templateRef": ref, "parameters": given}]
    )
    [phase] = expand(spec, TEMPLATES).all_phases
    assert [task.name for task in phase.all_tasks] == ["p", "q"]
    assert phase.all_tasks[1].input == {"previous": "${tasks.p.outputs}"}
    assert phase.parameters == {"size": "${parameters.rows}", "codec": "z"}
    assert (phase.template_ref, phase.pattern) == (None, None)


def test_the_templates_that_are_needed_are_those_of_workflow_phases_and_fallbacks() -> None:
    fallback = {"templateRef": {"name": "loader"}}
    step = {"name": "p", "templateRef": {"name": "steps", "phase": "ship"}, "fallback": fallback}
    assert template_names(workflow(phases=[step]), {}) == ("steps", "loader")


def test_a_template_of_a_workflow_may_need_others_for_its_phases() -> None:
    outer = template({"phases": [{"name": "a", "templateRef": {"name": "loader"}}]})
    spec = workflow(templateRef={"name": "outer"})
    assert template_names(spec, {}) == ("outer",)
    assert template_names(spec, {"outer": outer}) == ("outer", "loader")


def test_expanding_what_was_expanded_changes_nothing() -> None:
    given = [{"name": "target", "value": "t"}]
    once = expand(workflow(templateRef={"name": "loader"}, parameters=given), TEMPLATES)
    assert expand(once, {}) == once
