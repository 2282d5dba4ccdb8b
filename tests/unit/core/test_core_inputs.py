"""Inputs: what a task is handed, and what its items are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.records import a_fan_out
from builders.specs import a_phase, a_task
from spectra_operator.api.phase import TaskState
from spectra_operator.core.compile import compile_phase
from spectra_operator.core.inputs import (
    InputError,
    TaskInputs,
    TaskScope,
    outputs_of,
    phase_outputs,
    task_input,
    task_items,
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
        ("${tasks.load.outputs.rows > 2 ? 'many' : 'few'}", "many"),
        ("${tasks.load.outputs.k.d.map(x, x + tasks.load.outputs.rows)}", [4]),
        ("${tasks.load.state}/${tasks['load'].reason}", "Succeeded/"),
        ("${workflow.namespace}/${phase.name}/${task.name}/${index}", "team/stage/use/0"),
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
    with pytest.raises(
        InputError, match=r"input of task use: \$\{tasks.load.outputs.gone\}: "
    ) as e:
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


def test_cel_through_null_must_be_guarded() -> None:
    assert handed("${tasks.load.outputs == null ? 0 : 1}", FAILED) == 0
    assert handed("${has(tasks.load.outputs.rows)}", FAILED) is False
    with pytest.raises(InputError, match="ask for null with == null"):
        handed("${tasks.load.outputs.rows + 1}", FAILED)


def test_a_phase_of_a_workflow_knows_it_and_how_it_stood() -> None:
    fields: Any = {"workflow_ref": {"name": "flow", "uid": "u"}, "phase": "build", "priority": 7}
    text = "${workflow.name} ${workflow.uid} ${workflow.priority} ${phase.name} ${workflow.state}"
    context = {"workflow": {"state": "Failed"}}
    assert handed(text, LOADED, context=context, **fields) == "flow u 7 build Failed"


def test_a_compensation_sees_the_task_that_it_undoes() -> None:
    context = {"tasks": {"use": {"outputs": {"id": 3}, "input": {"v": 1}}}}
    assert handed("${task.outputs.id + task.input.v}", context=context) == 4


def items(**fields: Any) -> list[Any] | None:
    """Return the items of a task behind `load`."""
    shape = compile_phase(
        a_phase([a_task("load"), a_task("use", depends_on=["load"], **fields)], parameters=LISTS)
    )
    assert not shape.problems
    return task_items(shape, {"load": LOADED}, "use")


LISTS = {"l": ["a", "b"], "n": 3, "many": [0] * 200}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"count": 2}, [None, None]),
        ({"for_each": [1, "${parameters.n}"]}, [1, 3]),
        ({"for_each": "${parameters.l}"}, ["a", "b"]),
        ({"for_each": "${tasks.load.outputs.k.d.map(x, x + 1)}"}, [2]),
        ({"for_each": []}, []),
        (
            {"matrix": {"x": "${parameters.l}", "y": [1, 2]}},
            [{"x": "a", "y": 1}, {"x": "a", "y": 2}, {"x": "b", "y": 1}, {"x": "b", "y": 2}],
        ),
    ],
)
def test_items_come_from_count_lists_and_combinations(fields: Any, expected: Any) -> None:
    assert items(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"for_each": "${parameters.n}"}, "forEach of task use gives 3; it must give a list"),
        ({"matrix": {"x": "${parameters.n}"}}, "matrix.x of task use gives 3"),
        ({"for_each": "${tasks.load.outputs.gone}"}, "items of task use: .*there is no 'gone'"),
        (
            {"matrix": {"x": "${parameters.many}", "y": "${parameters.many}"}},
            "task use has 40000 items, at most 10000 work",
        ),
    ],
)
def test_what_gives_no_items_says_why(fields: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        items(**fields)
    assert caught.value.reason == "ItemsInvalid"


def test_each_item_is_handed_its_own_entry_and_index() -> None:
    task = a_task("a", for_each=["x", "y"], input={"v": "${index}-${item}"})
    shape = compile_phase(a_phase([task]))
    inputs = TaskInputs(shape, {"a": a_fan_out(2)}, "a")
    assert [json.loads(inputs.text(i))["v"] for i in range(2)] == ["0-x", "1-y"]
    assert json.loads(inputs.text(1, ["p", "q"]))["v"] == "1-q"
    assert inputs.record.total == 2


def test_a_fallback_is_handed_its_own_input_or_the_task_s() -> None:
    ways = [{"agent": "b", "input": {"v": "${parameters.n + 1}"}}, {"agent": "c"}]
    task = a_task("a", input={"v": "${parameters.n}"}, fallback=ways)
    shape = compile_phase(a_phase([task], parameters={"n": 1}))
    texts = [TaskInputs(shape, {}, "a", way).text() for way in range(3)]
    assert texts == ['{"v":1}', '{"v":2}', '{"v":1}']


def test_a_condition_is_looked_at_with_what_the_task_sees() -> None:
    shape = compile_phase(a_phase([a_task("load"), a_task("use", depends_on=["load"])]))
    scope = TaskScope(shape, {"load": LOADED}, "use")
    assert scope.condition("tasks.load.outputs.rows == 3")
    assert not scope.condition("tasks.load.state == 'Failed'")
