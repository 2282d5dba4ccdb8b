"""Inputs: what a task is handed, and what is frozen into a phase when it is created."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from builders.records import a_fan_out
from builders.specs import Body, a_parameter, a_phase, a_step, a_task, a_workflow
from spectra_operator.api.phase import TaskState
from spectra_operator.core.compile import compile_phase, compile_workflow
from spectra_operator.core.inputs import (
    InputError,
    freeze_phase,
    outputs_of,
    phase_outputs,
    task_input,
)
from spectra_operator.core.records import PhaseRecord, TaskRecord

LOADED = TaskRecord(state=TaskState.SUCCEEDED, succeeded=1, outputs={0: '{"rows":3,"k":{"d":[1]}}'})
SILENT = TaskRecord(state=TaskState.SUCCEEDED, succeeded=1)
FAILED = TaskRecord(state=TaskState.FAILED, failed=1)
FANNED = a_fan_out(3, state=TaskState.SUCCEEDED, outputs={0: '{"n":0}', 2: '{"n":2}'})


def handed(value: Any, load: TaskRecord = LOADED, **fields: Any) -> Any:
    """Return what a task behind `load` is handed for one input value."""
    tasks = [a_task("load", count=3 if load.fan_out else None)]
    tasks += [a_task("use", depends_on=["load"], input={"v": value})]
    shape = compile_phase(a_phase(tasks, **fields))
    assert not shape.problems
    return json.loads(task_input(shape, {"load": load}, "use"))["v"]


@pytest.mark.parametrize(
    ("record", "outputs"),
    [
        (LOADED, {"rows": 3, "k": {"d": [1]}}),
        (SILENT, {}),
        (FAILED, None),
        (FANNED, [{"n": 0}, None, {"n": 2}]),
        (a_fan_out(2), [None, None]),
    ],
    ids=["object", "nothing", "failed", "fan-out", "untried fan-out"],
)
def test_outputs_have_the_shape_of_their_task(record: TaskRecord, outputs: Any) -> None:
    assert outputs_of(record) == outputs
    assert phase_outputs(PhaseRecord(tasks={"t": record})) == {"t": outputs}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("${tasks.load.outputs.rows}", 3),
        ("${tasks.load.outputs.k.d[0]}", 1),
        ("${tasks.load.outputs}", {"rows": 3, "k": {"d": [1]}}),
        ("rows: ${tasks.load.outputs.rows}", "rows: 3"),
        ({"deep": ["${tasks.load.outputs.rows}"]}, {"deep": [3]}),
        ("plain", "plain"),
    ],
)
def test_a_task_is_handed_what_its_predecessor_returned(value: Any, result: Any) -> None:
    assert handed(value) == result


def test_a_task_is_handed_parameters_with_their_type() -> None:
    assert handed("${parameters.n}", parameters={"n": 7}) == 7
    assert handed("${parameters.o.a}", parameters={"o": {"a": [1]}}) == [1]


def test_a_fan_out_hands_on_a_list_by_index() -> None:
    assert handed("${tasks.load.outputs[2].n}", FANNED) == 2
    assert handed("${tasks.load.outputs}", FANNED) == [{"n": 0}, None, {"n": 2}]


def test_a_task_that_failed_with_leave_hands_on_null() -> None:
    assert handed("${tasks.load.outputs.rows}", FAILED) is None
    assert handed("is ${tasks.load.outputs}", FAILED) == "is null"


@pytest.mark.parametrize("load", [LOADED, SILENT])
def test_an_output_that_is_not_there_names_task_and_path(load: TaskRecord) -> None:
    with pytest.raises(InputError, match=r"input of task use: \$\{tasks.load.outputs.gone\}") as e:
        handed("${tasks.load.outputs.gone}", load)
    assert e.value.reason == "InputNotFound"


def test_an_input_is_compact_json_and_empty_without_one() -> None:
    shape = compile_phase(a_phase([a_task("a", input={"x": [1, 2], "y": "ü"}), a_task("b")]))
    assert task_input(shape, {}, "a") == '{"x":[1,2],"y":"\\u00fc"}'
    assert task_input(shape, {}, "b") == "{}"


def test_an_input_may_be_so_large_and_no_larger() -> None:
    limit = 96 * 1024
    empty = len('{"v":""}')
    shape = compile_phase(a_phase([a_task("a", input={"v": "x" * (limit - empty)})]))
    assert len(task_input(shape, {}, "a")) == limit
    shape = compile_phase(a_phase([a_task("a", input={"v": "x" * (limit - empty + 1)})]))
    with pytest.raises(InputError, match=r"98305 bytes, at most 98304") as caught:
        task_input(shape, {}, "a")
    assert caught.value.reason == "InputTooLarge"


def frozen(tasks: list[Body], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is frozen into a phase behind phase `first` with these outputs."""
    steps = [a_step("first", [a_task(name) for name in outputs])]
    steps += [a_step("second", tasks, depends_on=["first"])]
    parameters = [a_parameter("n", 7, "integer"), a_parameter("s", "${parameters.n}")]
    shape = compile_workflow(a_workflow(steps, parameters=parameters))
    assert not shape.problems
    return freeze_phase(shape.spec, shape.spec.all_phases[1], lambda _: dict(outputs))


def test_a_phase_carries_all_parameters_as_they_are() -> None:
    assert frozen([a_task()], {"t": {}})["parameters"] == {"n": 7, "s": "${parameters.n}"}


def test_a_phase_carries_its_tasks_as_they_were_written() -> None:
    task = a_task("a", timeout_seconds=5, retry={"limit": 1}, input={"v": "${parameters.n}"})
    assert frozen([task], {"t": {}})["tasks"] == [task]


def test_values_of_earlier_phases_stand_in_a_phase_when_it_is_created() -> None:
    task = a_task("a", input={"v": "${phases.first.outputs.t.rows}", "w": ["${parameters.n}"]})
    body = frozen([task], {"t": {"rows": 3}})["tasks"][0]
    assert body["input"] == {"v": 3, "w": ["${parameters.n}"]}


def test_all_outputs_of_a_phase_can_be_handed_on_at_once() -> None:
    task = a_task("a", input={"v": "${phases.first.outputs}"})
    assert frozen([task], {"t": {"rows": 3}, "u": None})["tasks"][0]["input"] == {
        "v": {"t": {"rows": 3}, "u": None}
    }


def test_a_task_that_failed_with_leave_is_null_for_later_phases_too() -> None:
    task = a_task("a", input={"v": "${phases.first.outputs.t.rows}"})
    assert frozen([task], {"t": None})["tasks"][0]["input"] == {"v": None}


def test_an_output_that_an_earlier_phase_lacks_names_phase_task_and_path() -> None:
    task = a_task("a", input={"v": "${phases.first.outputs.t.gone}"})
    with pytest.raises(InputError, match=r"input of task second/a: \$\{phases.first") as caught:
        frozen([task], {"t": {"rows": 3}})
    assert caught.value.reason == "InputNotFound"


def test_an_output_that_looks_like_a_path_reaches_the_later_task_as_text() -> None:
    task = a_task(
        "a", input={"v": "${phases.first.outputs.t.x}", "w": "${phases.first.outputs.t.y}!"}
    )
    content = frozen([task], {"t": {"x": ["${parameters.n}"], "y": "${parameters.n}$"}})
    shape = compile_phase(a_phase(**content))
    assert not shape.problems
    assert json.loads(task_input(shape, {}, "a")) == {
        "v": ["${parameters.n}"],
        "w": "${parameters.n}$!",
    }
