"""Expressions that read what there is not here, and conditions that are none: refused, with why."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_phase, a_step, a_task, a_workflow
from spectra_operator.core.spec.compile import compile_phase, compile_workflow
from spectra_operator.core.spec.review import review
from unit.core.spec.test_core_validate import of_tasks, problems, reading

FIELD = "spec.tasks[use].input.v"


@pytest.mark.parametrize("path", ["${item}", "${index}", "a ${item.x}", "${[item]}"])
def test_a_task_without_items_has_no_item_to_read(path: str) -> None:
    assert of_tasks(reading(path)) == [("UnknownReference", FIELD)]
    assert of_tasks(reading(path, for_each=[1])) == []


def test_a_fallback_of_a_task_without_items_has_none_either() -> None:
    task = a_task("a", fallback=[{"agent": "b", "input": {"v": "${item}"}}])
    assert of_tasks(task) == [("UnknownReference", "spec.tasks[a].fallback[0].input.v")]


def test_an_item_of_a_count_is_only_a_number() -> None:
    assert of_tasks(reading("${index}", count=2)) == []
    assert of_tasks(reading("${item}", count=2)) == [("UnknownReference", FIELD)]


def test_an_item_of_a_matrix_has_its_names() -> None:
    assert of_tasks(reading("${item.codec}", matrix={"codec": ["a"]})) == []
    assert of_tasks(reading("${item.codex}", matrix={"codec": ["a"]})) == [
        ("UnknownReference", FIELD)
    ]


@pytest.mark.parametrize("path", ["workflow.nam", "workflow.state", "task.outputs", "phase.x"])
def test_a_task_can_read_only_fields_that_there_are(path: str) -> None:
    assert of_tasks(reading(f"${{{path}}}")) == [("UnknownReference", FIELD)]
    assert of_tasks(reading(f"${{[{path}]}}")) == [("UnknownReference", FIELD)]


def test_tasks_at_the_end_know_how_the_workflow_ended() -> None:
    told = "${workflow.state} ${workflow.reason} ${workflow.message} ${workflow.name}"
    assert problems(a_step("one"), finally_=[reading(told)]) == []
    misspelt = [reading("${workflow.sate}")]
    assert problems(a_step("one"), on_failure=misspelt) == [
        ("UnknownReference", "spec.onFailure[use].input.v")
    ]
    (problem,) = compile_workflow(a_workflow([a_step()], finally_=misspelt)).problems
    assert problem.message.endswith("uid, priority, state, reason, message; did you mean state?")


def test_a_phase_that_the_operator_makes_for_the_end_knows_it_too() -> None:
    task = reading("${workflow.state}")
    assert of_tasks(task, context={"workflow": {"state": "Failed"}}) == []
    assert of_tasks(task, phase="finally") == []
    assert of_tasks(task, phase="work") == [("UnknownReference", FIELD)]


def test_only_compensate_knows_what_its_task_returned() -> None:
    undo = {"agent": "b", "input": {"v": "${task.outputs.id}", "w": "${task.input.x}"}}
    assert of_tasks(a_task("a", compensate=undo)) == []
    undo["input"] = {"v": "${task.output}"}
    assert of_tasks(a_task("a", compensate=undo)) == [
        ("UnknownReference", "spec.tasks[a].compensate.input.v")
    ]


def test_a_rollback_reads_what_was_resolved_for_it() -> None:
    context = {"tasks": {"use": {"problem": "there is no 'x' in it"}}}
    assert of_tasks(reading("${task.given[0]}"), context=context) == []


@pytest.mark.parametrize("source", ["1 + 1", "size(parameters)", "'yes'", "workflow.name"])
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (lambda s: {"when": s}, "when"),
        (lambda s: {"retry": {"rules": [{"when": s, "action": "Fail"}]}}, "retry.rules[0].when"),
        (lambda s: {"outputs": {"o": {"rule": s}}}, "outputs.o.rule"),
    ],
    ids=["when", "retry rule", "output rule"],
)
def test_a_condition_that_is_never_true_or_false_is_refused(
    fields: Any, field: str, source: str
) -> None:
    assert of_tasks(a_task("a", **fields(source))) == [
        ("InvalidExpression", f"spec.tasks[a].{field}")
    ]


def test_a_condition_of_a_phase_must_be_one() -> None:
    (problem,) = compile_workflow(a_workflow([a_step("one", when="size(parameters)")])).problems
    assert problem.field == "spec.phases[one].when"
    assert (
        problem.message == "it gives an integer, never true or false; compare it, as in size(x) > 0"
    )


def test_parameters_of_a_phase_know_nothing_of_the_workflow() -> None:
    step = a_step("one", parameters={"v": "${workflow.name}"})
    assert problems(step) == [("InvalidExpression", "spec.phases[one].parameters.v")]


def test_a_misspelt_name_gets_the_nearest_one() -> None:
    tasks = [a_task("load"), reading("${tasks.laod.outputs}", depends_on=["load"])]
    (problem,) = compile_phase(a_phase(tasks)).problems
    assert problem.message == (
        "tasks.laod.outputs: no 'laod' here; did you mean load? only tasks in its dependsOn can "
        "be used"
    )


COORDINATED: Body = {
    "name": "team",
    "pattern": "Coordinator",
    "tasks": [a_task("split"), a_task("work", input={"job": "${item}"}), a_task("join")],
}


def test_the_items_that_a_pattern_gives_are_there_although_a_template_is_not() -> None:
    other = {"name": "other", "templateRef": {"name": "elsewhere"}}
    assert review("Workflow", {"phases": [COORDINATED, other]}) == ()
    assert review("WorkflowTemplate", {"phases": [COORDINATED]}) == ()
