"""Values for a task: paths resolved against parameters and outputs; values frozen into phases."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..api.constants import MAX_INPUT_BYTES
from ..api.phase import TaskState
from ..api.workflow import PhaseTemplate, WorkflowSpec
from .paths import Path, PathError, freeze, lookup, resolve
from .records import PhaseRecord, TaskRecord
from .snapshot import PhaseShape


class InputError(ValueError):
    """A task's input cannot be made; `reason` is one word for status."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def outputs_of(record: TaskRecord) -> Any:
    """Return a task's outputs: an object, or for a fan-out a list by index (null for none).

    A task without outputs has an empty object; one that failed with leave has null.
    """
    if record.fan_out:
        return [_loads(record.outputs.get(i, "null")) for i in range(record.total)]
    if record.outputs:
        return _loads(record.outputs[0])
    return {} if record.state is TaskState.SUCCEEDED else None


def phase_outputs(record: PhaseRecord) -> dict[str, Any]:
    """Return the outputs of all tasks of a phase by task name."""
    return {name: outputs_of(task) for name, task in record.tasks.items()}


def task_input(shape: PhaseShape, records: Mapping[str, TaskRecord], task: str) -> str:
    """Return the resolved input of a task as compact JSON.

    Raises:
        InputError: `InputNotFound` for a path to nothing, `InputTooLarge` past the limit.
    """

    def resolver(path: Path) -> Any:
        if path.root == "parameters":
            return lookup(path, shape.spec.parameters, 1)
        return _from_task(path, records[str(path.steps[1])])

    try:
        value = resolve(shape.tasks[task].input, resolver)
    except PathError as error:
        raise InputError("InputNotFound", f"input of task {task}: {error}") from None
    text = json.dumps(value, separators=(",", ":"))
    if len(text) > MAX_INPUT_BYTES:
        raise InputError(
            "InputTooLarge",
            f"input of task {task} has {len(text)} bytes, at most {MAX_INPUT_BYTES} can be handed "
            "over; hand over less, or a place to read it from",
        )
    return text


def freeze_phase(
    spec: WorkflowSpec, phase: PhaseTemplate, outputs: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """Return parameters and tasks of a phase with every value of earlier phases put in.

    Raises:
        InputError: `InputNotFound`: an earlier phase has no such output.
    """

    def resolver(path: Path) -> Any:
        found = outputs(str(path.steps[1]))
        if len(path.steps) > 3 and found.get(str(path.steps[3]), ...) is None:
            return None
        return lookup(path, {"outputs": found}, 2)

    tasks = []
    for task in phase.all_tasks:
        body = task.model_dump(by_alias=True, exclude_unset=True, mode="json")
        try:
            if task.input:
                body["input"] = freeze(task.input, resolver)
        except PathError as error:
            where = f"input of task {phase.name}/{task.name}"
            raise InputError("InputNotFound", f"{where}: {error}") from None
        tasks.append(body)
    return {"parameters": {p.name: p.value for p in spec.parameters}, "tasks": tasks}


def _from_task(path: Path, record: TaskRecord) -> Any:
    """A task that failed with leave to fail gives null for whatever is asked of it."""
    value = outputs_of(record)
    if value is None:
        return None
    return lookup(path, {"outputs": value}, 2)


def _loads(text: str) -> Any:
    return json.loads(text)
