"""Which fields the roots of expressions have, and what is said of one that there is not."""

from __future__ import annotations

import pytest

from builders.specs import a_task
from spectra_operator.api.task import Task
from spectra_operator.core.language.expressions import Reference, compile_expression
from spectra_operator.core.language.facts import FIELDS, OF_NAMED, gives, unknown_field
from spectra_operator.core.language.references import UNDOING, places


def reference(path: str) -> Reference:
    """Return what a path reads."""
    roots = ("workflow", "task", "phase", "attempt", "parameters", "item")
    (found,) = compile_expression(path, roots).references
    return found


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("workflow.nam", "workflow.nam: workflow has no 'nam' here; it has name, namespace, uid,"),
        ("workflow.nam", "did you mean name?"),
        ("workflow.state", "only finally and onFailure know how the workflow ended"),
        ("workflow.sate", "did you mean state? only finally and onFailure know"),
        ("task.outputs.x", "only compensate knows what the task returned and was given"),
        ("phase.number", "phase.number: phase has no 'number' here; it has name"),
        ("attempt.exitcode", "did you mean exitCode?"),
        ("task[0]", "task has no '0' here"),
    ],
)
def test_an_unknown_field_says_what_there_is(path: str, said: str) -> None:
    assert said in unknown_field(reference(path), FIELDS)


@pytest.mark.parametrize(
    "path", ["workflow", "workflow.uid", "attempt.outputs.x", "parameters.x", "item.x"]
)
def test_nothing_is_said_of_what_there_is_and_of_what_nobody_knows(path: str) -> None:
    assert unknown_field(reference(path), FIELDS) == ""


def test_where_a_task_is_undone_its_outputs_and_input_are_known() -> None:
    assert unknown_field(reference("task.outputs.x"), UNDOING) == ""
    assert unknown_field(reference("task.input"), UNDOING) == ""
    assert unknown_field(reference("task.output"), UNDOING).endswith("did you mean outputs?")


def test_an_entry_of_a_matrix_has_the_names_of_the_matrix() -> None:
    body = a_task(matrix={"codec": ["a"], "level": [1]}, input={"v": "${item.codex}"})
    (place, *_) = places(Task.model_validate(body))
    said = unknown_field(reference("item.codex"), place.fields)
    assert said == "item.codex: item has no 'codex' here; it has codec, level; did you mean codec?"


def test_a_field_that_anything_may_stand_in_is_of_no_kind() -> None:
    assert gives(reference("task.outputs"), UNDOING) == ""
    assert gives(reference("attempt.outputs"), FIELDS) == "a map"
    assert gives(reference("attempt.outputs.x"), FIELDS) == ""
    assert set(OF_NAMED) == {"tasks", "phases"}
