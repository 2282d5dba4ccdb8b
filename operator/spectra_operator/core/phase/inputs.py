"""Values for a task: its input, with expressions resolved; values frozen into a new phase."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import Any

from ...api.constants import MAX_COUNT, MAX_INPUT_BYTES
from ...api.phase import TaskState
from ...api.workflow import PhaseTemplate, WorkflowSpec
from ..language.expressions import Expression, ExpressionError, compile_expression, condition
from ..language.references import BEFORE_ITEMS, PHASE_ROOTS, outputs_read, pick
from ..language.templates import resolve
from ..policy import input_of
from ..snapshot import PhaseShape
from .records import PhaseRecord, TaskRecord

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class InputError(ValueError):
    """A task's input cannot be made; `reason` is one word for status."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _Parsed:
    """The outputs of the last few fan-outs, parsed: many expressions read one in a row.

    Records never change, so the same object has the same outputs for good.
    """

    def __init__(self, kept: int = 16) -> None:
        self._kept = kept
        self._lists: OrderedDict[int, tuple[Mapping[int, str], list[Any]]] = OrderedDict()

    def of(self, record: TaskRecord) -> list[Any]:
        """Return the outputs of a fan-out by index; not to be changed."""
        key = id(record.outputs)
        texts, values = self._lists.pop(key, (None, []))
        if texts is not record.outputs or len(values) != record.total:
            values = [json.loads(record.outputs.get(i, "null")) for i in range(record.total)]
        self._lists[key] = (record.outputs, values)
        if len(self._lists) > self._kept:
            self._lists.popitem(last=False)
        return values


_PARSED = _Parsed()


def outputs_of(record: TaskRecord) -> Any:
    """Return a task's outputs: an object, or for a fan-out a list by index (null for none).

    A task without outputs has an empty object; one that failed with leave or was skipped has null.
    """
    if record.state is TaskState.SKIPPED:
        return None
    if record.fan_out:
        return list(_PARSED.of(record))
    if record.outputs:
        return json.loads(record.outputs[0])
    return {} if record.state is TaskState.SUCCEEDED else None


def phase_outputs(record: PhaseRecord) -> dict[str, Any]:
    """Return the outputs of all tasks of a phase by task name."""
    return {name: outputs_of(task) for name, task in record.tasks.items()}


def phase_values(record: PhaseRecord) -> dict[str, Any]:
    """Return what expressions of later phases see of a phase."""
    return {"state": record.state and str(record.state), "outputs": phase_outputs(record)}


@dataclass(frozen=True, slots=True)
class TaskScope:
    """What the expressions of a task see."""

    shape: PhaseShape
    records: Mapping[str, TaskRecord]
    task: str

    def evaluate(self, expression: Expression, item: Mapping[str, Any] = _NOTHING) -> Any:
        """Return what an expression gives; `item` has the roots that only items have.

        Raises:
            ExpressionError: it gives nothing.
        """
        return expression.evaluate(self.values(expression, item))

    def condition(self, source: str) -> bool:
        """Return whether a condition such as `when` holds.

        Raises:
            ExpressionError: it gives nothing, or no boolean.
        """
        expression = compile_expression(source, BEFORE_ITEMS)
        return condition(expression, self.values(expression))

    def values(self, expression: Expression, item: Mapping[str, Any] = _NOTHING) -> dict[str, Any]:
        """Return the roots with the entries that an expression reads."""
        wanted = expression.roots_and_names()
        missing = ({"item", "index"} & wanted.keys()) - item.keys()
        if missing:
            raise ExpressionError(f"there is no {min(missing)} here; the task has no such items")
        own = {root: self._root(root, names) for root, names in wanted.items() if root not in item}
        return own | dict(item)

    def _root(self, root: str, names: frozenset[str] | None) -> Any:
        if root == "parameters":
            return self.shape.spec.parameters
        if root == "tasks":
            known = self.records.keys() if names is None else names & self.records.keys()
            return {name: _task_values(self.records[name]) for name in sorted(known)}
        if root == "phases":
            return pick(self.shape.spec.context.phases, names)
        return self._fact(root)

    def _fact(self, root: str) -> dict[str, Any]:
        spec = self.shape.spec
        if root == "phase":
            return {"name": spec.phase or self.shape.name}
        if root == "task":
            more = spec.context.tasks.get(self.task)
            own = more if isinstance(more, Mapping) else _NOTHING
            if "problem" in own:
                raise ExpressionError(str(own["problem"]))
            return {"name": self.task, **own}
        ref, frozen = spec.workflow_ref, spec.context.workflow
        own = {"namespace": self.shape.namespace, "priority": spec.priority}
        named = {"name": ref.name, "uid": ref.uid} if ref else {}
        return own | named | (dict(frozen) if isinstance(frozen, Mapping) else {})


@dataclass(frozen=True, slots=True)
class TaskInputs:
    """Makes the inputs of a task's items for one of its ways (0: its own, i: its i-th fallback).

    Made for a batch of items: what they are is worked out once.
    """

    shape: PhaseShape
    records: Mapping[str, TaskRecord]
    task: str
    way: int = 0
    _items: list[list[Any] | None] = field(default_factory=list, repr=False, compare=False)

    @property
    def record(self) -> TaskRecord:
        """The task's record."""
        return self.records[self.task]

    def text(self, index: int = 0) -> str:
        """Return the input of an item as compact JSON.

        Raises:
            InputError: `InputNotFound` for an expression that gives nothing, `InputTooLarge`.
        """
        task, scope = self.shape.tasks[self.task], TaskScope(self.shape, self.records, self.task)
        evaluate = partial(scope.evaluate, item=self._item(index))
        try:
            value = resolve(input_of(task, self.way), evaluate)
        except ExpressionError as error:
            raise InputError("InputNotFound", f"input of task {self.task}: {error}") from None
        return _small(self.task, json.dumps(value, separators=(",", ":")))

    def _item(self, index: int) -> dict[str, Any]:
        """Return the roots that an item has; one of a count is nothing but a number."""
        task = self.shape.tasks[self.task]
        if task.for_each is None and task.matrix is None:
            return {} if task.count is None else {"index": index}
        if not self._items:
            self._items.append(task_items(self.shape, self.records, self.task))
        items = self._items[0] or ()
        return {"index": index, "item": items[index] if index < len(items) else None}


def task_input(
    shape: PhaseShape, records: Mapping[str, TaskRecord], task: str, index: int = 0
) -> str:
    """Return the resolved input of a task as compact JSON; see TaskInputs."""
    return TaskInputs(shape, records, task).text(index)


def task_items(shape: PhaseShape, records: Mapping[str, TaskRecord], task: str) -> list[Any] | None:
    """Return what `item` is for each index of a task; None for a task without items.

    A task with `count` has null for each.

    Raises:
        InputError: `ItemsInvalid`: forEach or matrix give no lists, or too many items.
    """
    spec, scope = shape.tasks[task], TaskScope(shape, records, task)
    if spec.count is not None:
        return [None] * spec.count
    if spec.for_each is None and spec.matrix is None:
        return None
    try:
        if spec.matrix is None:
            return _at_most(task, _list(task, "forEach", resolve(spec.for_each, scope.evaluate)))
        axes = {
            name: _list(task, f"matrix.{name}", resolve(value, scope.evaluate))
            for name, value in sorted(spec.matrix.items())
        }
    except ExpressionError as error:
        raise InputError("ItemsInvalid", f"items of task {task}: {error}") from None
    size = 1
    for axis in axes.values():
        size *= len(axis)
    if size > MAX_COUNT:
        raise _too_many(task, size)
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def freeze_phase(
    spec: WorkflowSpec, phase: PhaseTemplate, phases: Callable[[str], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return parameters, context and tasks of a phase that is about to be created.

    `phases` gives what `phase_values` says of an earlier phase. The context has the outputs that
    the tasks read; the tasks stay as they were written.

    Raises:
        InputError: `InputNotFound`: the phase's parameters read something that is not there.
    """
    frozen: dict[str, Any] = {"parameters": _parameters(spec, phase, phases)}
    read = outputs_read(phase.all_tasks)
    if read:
        context = {name: _frozen(phases(name), wanted) for name, wanted in read.items()}
        frozen["context"] = {"phases": context}
    frozen["tasks"] = [
        task.model_dump(by_alias=True, exclude_unset=True, mode="json") for task in phase.all_tasks
    ]
    return frozen


def _parameters(
    spec: WorkflowSpec, phase: PhaseTemplate, phases: Callable[[str], Mapping[str, Any]]
) -> dict[str, Any]:
    given = {p.name: p.default if p.value is None else p.value for p in spec.parameters}
    if phase.parameters is None:
        return given

    def evaluate(expression: Expression) -> Any:
        names = expression.roots_and_names().get("phases") or ()
        values = {"parameters": given, "phases": {name: phases(name) for name in names}}
        return expression.evaluate(values)

    try:
        found: dict[str, Any] = resolve(phase.parameters, evaluate, PHASE_ROOTS)
    except ExpressionError as error:
        where = f"parameters of phase {phase.name}"
        raise InputError("InputNotFound", f"{where}: {error}") from None
    return found


def _frozen(values: Mapping[str, Any], wanted: frozenset[str] | None) -> dict[str, Any]:
    outputs = values.get("outputs")
    return {**values, "outputs": None if outputs is None else pick(outputs, wanted)}


def _task_values(record: TaskRecord) -> dict[str, Any]:
    return {
        "outputs": outputs_of(record),
        "state": str(record.state),
        "reason": record.reason,
        "message": record.message,
    }


def _small(task: str, text: str) -> str:
    if len(text) <= MAX_INPUT_BYTES:
        return text
    raise InputError(
        "InputTooLarge",
        f"input of task {task} has {len(text)} bytes, at most {MAX_INPUT_BYTES} can be handed "
        "over; hand over less, or a place to read it from",
    )


def _list(task: str, field: str, value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    text = f"{field} of task {task} gives {json.dumps(value)[:60]}; it must give a list"
    raise InputError("ItemsInvalid", text)


def _at_most(task: str, items: list[Any]) -> list[Any]:
    if len(items) > MAX_COUNT:
        raise _too_many(task, len(items))
    return items


def _too_many(task: str, size: int) -> InputError:
    return InputError("ItemsInvalid", f"task {task} has {size} items, at most {MAX_COUNT} work")
