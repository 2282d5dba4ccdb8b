"""What is frozen into a phase when it is created, and what its tasks are handed of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from builders.specs import Body, a_parameter, a_phase, a_step, a_task, a_workflow
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.phase.inputs import InputError, freeze_phase, phase_values, task_input
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.spec.compile import compile_phase, compile_workflow

LOADED = TaskRecord(state=TaskState.SUCCEEDED, succeeded=1, outputs={0: '{"rows":3,"k":{"d":[1]}}'})


def frozen(tasks: list[Body], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is frozen into a phase behind phase `first` with these outputs."""
    steps = [a_step("first", [a_task(name) for name in outputs])]
    steps += [a_step("second", tasks, depends_on=["first"])]
    parameters = [a_parameter("n", 7, "integer"), a_parameter("s", "${parameters.n}")]
    shape = compile_workflow(a_workflow(steps, parameters=parameters))
    assert not shape.problems
    values = {"state": "Succeeded", "outputs": dict(outputs)}
    return freeze_phase(shape.spec, shape.spec.all_phases[1], lambda _: values)


def test_a_phase_carries_all_parameters_as_they_are() -> None:
    assert frozen([a_task()], {"t": {}})["parameters"] == {"n": 7, "s": "${parameters.n}"}


def test_a_phase_carries_its_tasks_as_they_were_written() -> None:
    input_ = {"v": "${parameters.n}", "w": "${phases.first.outputs.t} $${x}"}
    task = a_task("a", timeout_seconds=5, retry={"limit": 1}, input=input_)
    assert frozen([task], {"t": {}})["tasks"] == [task]


def test_a_phase_that_reads_no_other_has_no_context() -> None:
    assert "context" not in frozen([a_task()], {"t": {"rows": 3}})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("${phases.first.outputs.t.rows}", {"t": {"rows": 3}}),
        ("${phases.first.outputs.t.rows + phases.first.outputs.t.rows}", {"t": {"rows": 3}}),
        ("${phases.first.outputs}", {"t": {"rows": 3}, "u": None}),
        ("${phases.first.outputs[parameters.s]}", {"t": {"rows": 3}, "u": None}),
        ("${phases.first.state}", {}),
    ],
)
def test_only_outputs_that_are_read_stand_in_the_context(text: str, kept: Any) -> None:
    body = frozen([a_task("a", input={"v": text})], {"t": {"rows": 3}, "u": None})
    assert body["context"] == {"phases": {"first": {"state": "Succeeded", "outputs": kept}}}


def later(value: Any, outputs: Mapping[str, Any]) -> Any:
    """Return what a task of a later phase is handed."""
    content = frozen([a_task("a", input={"v": value})], outputs)
    shape = compile_phase(a_phase(**content))
    assert not shape.problems
    return json.loads(task_input(shape, {}, "a"))["v"]


def test_a_later_phase_is_handed_what_an_earlier_one_returned() -> None:
    assert later("${phases.first.outputs.t.rows}", {"t": {"rows": 3}}) == 3
    assert later("${phases.first.outputs}", {"t": {"rows": 3}, "u": None}) == {
        "t": {"rows": 3},
        "u": None,
    }
    assert later("${phases.first.outputs.t.rows * parameters.n}", {"t": {"rows": 3}}) == 21


def test_a_task_that_failed_with_leave_is_null_for_later_phases_too() -> None:
    assert later("${phases.first.outputs.t.rows}", {"t": None}) is None


def test_an_output_that_an_earlier_phase_lacks_names_task_and_path() -> None:
    with pytest.raises(
        InputError, match=r"input of task a: \$\{phases.first.outputs.t.gone\}"
    ) as e:
        later("${phases.first.outputs.t.gone}", {"t": {"rows": 3}})
    assert e.value.reason == "InputNotFound"


@pytest.mark.parametrize("output", ["${parameters.n}", "$${x}", "${parameters.n}$", "$", "${'"])
@pytest.mark.parametrize("text", ["{}", "x {} y", "{}$", "{}{}"])
def test_an_output_that_looks_like_an_expression_stays_text(output: str, text: str) -> None:
    template = text.replace("{}", "${phases.first.outputs.t.x}")
    assert later(template, {"t": {"x": output}}) == text.replace("{}", output)


def test_parameters_of_a_phase_are_made_when_it_is_created() -> None:
    given = {"a": "${parameters.n + 1}", "b": "${phases.first.outputs.t.rows}", "c": "$${x}"}
    steps = [a_step("first", [a_task("t")])]
    steps += [a_step("second", [a_task()], depends_on=["first"], parameters=given)]
    shape = compile_workflow(a_workflow(steps, parameters=[a_parameter("n", 7, "integer")]))
    second = shape.spec.all_phases[1]
    values = {"state": "Succeeded", "outputs": {"t": {"rows": 3}}}
    body = freeze_phase(shape.spec, second, lambda _: values)
    assert body["parameters"] == {"a": 8, "b": 3, "c": "${x}"}
    with pytest.raises(InputError, match=r"parameters of phase second: .*there is no 't'"):
        freeze_phase(shape.spec, second, lambda _: {"outputs": {}})


def test_a_phase_is_known_by_its_state_and_outputs() -> None:
    record = PhaseRecord(state=PhaseState.SUCCEEDED, tasks={"t": LOADED})
    assert phase_values(record) == {
        "state": "Succeeded",
        "outputs": {"t": {"rows": 3, "k": {"d": [1]}}},
    }
