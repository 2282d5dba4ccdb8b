"""What is wrong with one task, or with one value: the field, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_step, a_task, a_workflow
from spectra_operator.core.spec.review import review

T = "spec.phases[work].tasks[work]"


def said(*tasks: Body, **fields: Any) -> dict[str, str]:
    """Return what is said of a workflow of one phase `work`, by field."""
    spec = a_workflow([a_step("work", tasks)], **fields)["spec"]
    return {problem.field: problem.message for problem in review("Workflow", spec)}


def of_parameter(**fields: Any) -> dict[str, str]:
    spec = a_workflow(parameters=[{"name": "n"} | fields])["spec"]
    return {
        problem.field.removeprefix("spec.parameters[n]."): problem.message
        for problem in review("Workflow", spec)
    }


@pytest.mark.parametrize(
    ("fields", "where", "says"),
    [
        ({"count": 2, "for_each": [1]}, "count", "stands beside forEach; give one of"),
        ({"for_each": [1], "matrix": {"a": [1]}}, "forEach", "stands beside matrix"),
        ({"count": 1, "for_each": [1], "matrix": {"a": [1]}}, "count", "forEach and matrix; give"),
        ({"count": 2, "planner": {}}, "planner", "leave count out, or let another task plan"),
        ({"max_failed": 1}, "maxFailed", "only a task with items"),
        ({"max_failed": "10%"}, "maxFailed", "write allowFailure"),
        ({"for_each": 7}, "forEach", "must be a list, or one ${...}"),
        ({"for_each": "a,b"}, "forEach", "must be a list, or one ${...}"),
        ({"for_each": "x${1 + 1}"}, "forEach", "must be a list, or one ${...}"),
        ({"for_each": [0] * 10_001}, "forEach", "has 10001 entries, at most 10000 work"),
        ({"matrix": {}}, "matrix", "has no lists; name at least one"),
        ({"matrix": {"a": 3}}, "matrix.a", "must be a list"),
        ({"matrix": {"a": [0] * 101, "b": [0] * 100}}, "matrix", "makes 10100 combinations"),
        ({"retry": {"rules": [{"action": "Fail"}]}}, "retry.rules[0]", "give exitCodes, reasons"),
        (
            {"fallback": [{"agent": "b", "retry": {"rules": [{"action": "Fail"}]}}]},
            "fallback[0].retry.rules[0]",
            "give exitCodes",
        ),
        (
            {"compensate": {"agent": "b", "retry": {"rules": [{"action": "Retry"}]}}},
            "compensate.retry.rules[0]",
            "give exitCodes",
        ),
        ({"workspace": {}}, "workspace", "give spec.workspace a size or a claimName"),
        ({"outputs": {"x": {"pattern": "("}}}, "outputs.x.pattern", "is not a regular expression"),
        (
            {"outputs": {"x": {"type": "integer", "pattern": "a"}}},
            "outputs.x.pattern",
            "is for text, and the type is integer",
        ),
        (
            {"outputs": {"x": {"type": "integer", "enum": [1, "two"]}}},
            "outputs.x.enum[1]",
            'is "two", not of type integer; nobody can give it',
        ),
    ],
)
def test_fields_that_cannot_be_meant_are_named(fields: Body, where: str, says: str) -> None:
    found = said(a_task(**fields))

    assert list(found) == [f"{T}.{where}"]
    assert says in found[f"{T}.{where}"]


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 3, "max_failed": 1},
        {"for_each": ["a", "b"]},
        {"for_each": []},
        {"for_each": "${parameters.list}"},
        {"matrix": {"a": [1, 2], "b": "${parameters.list}"}},
        {"planner": {"maxTasks": 3}},
        {"retry": {"limit": 1, "rules": [{"when": "true", "action": "Fail"}]}},
        {"retry": {"limit": 1, "rules": [{"exitCodes": [1], "action": "Fail"}]}},
        {"outputs": {"x": {"type": "string", "pattern": "^a", "enum": ["a", "ab"]}}},
    ],
)
def test_what_can_be_meant_is_left_alone(fields: Body) -> None:
    parameters = [{"name": "list", "type": "array", "value": [1]}]
    assert said(a_task(**fields), parameters=parameters) == {}


def test_a_list_of_ten_thousand_items_still_works() -> None:
    assert said(a_task(for_each=[0] * 10_000)) == {}
    assert said(a_task(matrix={"a": [0] * 100, "b": [0] * 100})) == {}


def test_a_workspace_that_is_there_may_be_mounted() -> None:
    assert said(a_task(workspace={}), workspace={"size": "1Gi"}) == {}


@pytest.mark.parametrize("where", ["onFailure", "finally"])
def test_tasks_at_the_end_are_checked_like_all_others(where: str) -> None:
    end = {"finally": [a_task("tidy", count=1, for_each=[1])]}
    if where == "onFailure":
        end = {"onFailure": end["finally"]}
    spec = a_workflow()["spec"] | end

    (problem,) = review("Workflow", spec)

    assert problem.field == f"spec.{where}[tidy].count"


@pytest.mark.parametrize(
    ("fields", "where", "says"),
    [
        ({}, "value", "has neither a value nor a default; give one"),
        ({"value": 7}, "value", "is 7, not of type string; change the value"),
        ({"default": 7}, "default", "is 7, not of type string; change the default"),
        ({"value": "c", "enum": ["a", "b"]}, "value", 'is "c", not one of "a", "b"'),
        ({"value": "x", "enum": [1]}, "enum[0]", "is 1, not of type string"),
        ({"value": "x", "pattern": "^[0-9]+$"}, "value", "does not match ^[0-9]+$"),
        ({"value": "x", "pattern": "(?=a)"}, "pattern", "without look-around"),
        ({"value": "x", "pattern": "[0-9"}, "pattern", "is not a regular expression"),
        ({"value": "x", "pattern": "(a{1000}){1000}"}, "pattern", "use smaller counts"),
        ({"value": 1, "type": "integer", "pattern": "a"}, "pattern", "drop one of them"),
        ({"value": 1, "type": "integer", "minimum": 2}, "value", "is 1, less than 2"),
        ({"value": 9, "type": "number", "maximum": 8}, "value", "is 9, more than 8"),
        ({"value": "x", "minimum": 2}, "minimum", "is for numbers, and the type is string"),
        (
            {"value": 5, "type": "integer", "minimum": 6, "maximum": 4},
            "minimum",
            "larger than maximum 4",
        ),
    ],
)
def test_a_parameter_that_nothing_can_satisfy_is_named(fields: Body, where: str, says: str) -> None:
    found = of_parameter(**fields)

    assert says in found[where]


def test_a_parameter_of_a_template_needs_no_value() -> None:
    spec = a_workflow(parameters=[{"name": "n"}])["spec"]

    assert review("WorkflowTemplate", spec) == ()
    assert [p.reason for p in review("Workflow", spec)] == ["MissingParameter"]


def test_a_value_for_a_template_s_parameter_is_checked_where_the_template_is_known() -> None:
    spec = {"templateRef": {"name": "t"}, "parameters": [{"name": "rows", "value": 7}]}
    assert review("Workflow", spec) == ()
