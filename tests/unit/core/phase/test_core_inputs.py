"""Inputs: what a task is handed, and what its items are."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from builders.records import a_fan_out
from builders.specs import Body, a_phase, a_task
from spectra_operator.api.phase import TaskState
from spectra_operator.api.task import Task
from spectra_operator.core.phase.inputs import (
    InputError,
    TaskInputs,
    TaskScope,
    outputs_of,
    phase_outputs,
    task_input,
    task_items,
)
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.snapshot import PhaseShape
from spectra_operator.core.spec.compile import compile_phase

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
        ("${workflow.namespace}/${phase.name}/${task.name}", "team/stage/use"),
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
    assert inputs.record.total == 2


def test_an_item_of_a_count_is_handed_its_index() -> None:
    shape = compile_phase(a_phase([a_task("a", count=2, input={"v": "${index}"})]))
    assert not shape.problems
    inputs = TaskInputs(shape, {"a": a_fan_out(2)}, "a")
    assert [json.loads(inputs.text(i))["v"] for i in range(2)] == [0, 1]


@pytest.mark.parametrize(
    ("value", "fields"),
    [("${item}", {}), ("${index}", {}), ("${index + 1}", {}), ("${item}", {"count": 2})],
)
def test_what_only_items_have_fails_a_task_without_it(value: str, fields: Body) -> None:
    unchecked = {"a": Task.model_validate(a_task("a", input={"v": value}, **fields))}
    shape = replace(compile_phase(a_phase([a_task("a")])), tasks=unchecked)
    with pytest.raises(
        InputError, match=r"input of task a: .*there is no (item|index) here"
    ) as error:
        TaskInputs(shape, {"a": TaskRecord()}, "a").text()
    assert error.value.reason == "InputNotFound"


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


class Counted(dict[int, str]):
    """Outputs that count how often one of them was read."""

    reads = 0

    def get(self, key: int, default: Any = None) -> Any:
        """Return an output, and count it."""
        self.reads += 1
        return super().get(key, default)


def _after_a_fan_out(items: int, **fields: Any) -> tuple[PhaseShape, dict[str, TaskRecord]]:
    tasks = [a_task("make", count=items), a_task("use", depends_on=["make"], **fields)]
    outputs = Counted({n: json.dumps({"n": n}) for n in range(items)})
    done = a_fan_out(items, state=TaskState.SUCCEEDED, succeeded=(1 << items) - 1, outputs=outputs)
    return compile_phase(a_phase(tasks)), {"make": done, "use": a_fan_out(items)}


@pytest.mark.parametrize(
    "fields",
    [
        {"for_each": "${tasks.make.outputs}", "input": {"n": "${item.n}"}},
        {"count": 1000, "input": {"n": "${tasks.make.outputs[7].n}"}},
        {"for_each": "${tasks.make.outputs.map(o, o.n)}", "input": {"n": "${item}"}},
    ],
    ids=["items", "count", "CEL"],
)
def test_a_thousand_items_read_each_output_of_a_fan_out_once(fields: Any) -> None:
    shape, records = _after_a_fan_out(1000, **fields)
    inputs = TaskInputs(shape, records, "use")
    texts = [inputs.text(n) for n in range(1000)]
    assert texts[7] == '{"n":7}'
    outputs = records["make"].outputs
    assert isinstance(outputs, Counted)
    assert outputs.reads == 1000


def test_batches_after_each_other_share_what_was_read() -> None:
    each = {"for_each": "${tasks.make.outputs}", "input": {"n": "${item.n}"}}
    shape, records = _after_a_fan_out(100, **each)
    for n in range(100):
        assert TaskInputs(shape, records, "use").text(n) == f'{{"n":{n}}}'
    outputs = records["make"].outputs
    assert isinstance(outputs, Counted)
    assert outputs.reads == 100


def test_a_changed_record_is_read_anew() -> None:
    each = {"for_each": "${tasks.make.outputs}", "input": {"n": "${item.n}"}}
    shape, records = _after_a_fan_out(2, **each)
    assert TaskInputs(shape, records, "use").text(1) == '{"n":1}'
    again = replace(records["make"], outputs={0: '{"n":5}', 1: '{"n":6}'})
    assert TaskInputs(shape, records | {"make": again}, "use").text(1) == '{"n":6}'


def test_who_changes_the_outputs_of_a_fan_out_changes_them_for_nobody_else() -> None:
    record = _after_a_fan_out(3)[1]["make"]
    outputs_of(record).clear()
    assert len(outputs_of(record)) == 3
