"""Checks a spec that the schema cannot make: cycles, unknown names, paths, sizes.

The same checks serve admission, linting and the reconcile pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..api.constants import MAX_SPEC_BYTES
from ..api.phase import PhaseSpec
from ..api.task import Task
from ..api.values import Parameter, ValueType
from ..api.workflow import WorkflowSpec
from . import graph, paths
from .nesting import PHASE_DEPTH, WORKFLOW_DEPTH, too_deep

_TYPES: Mapping[ValueType, tuple[type, ...]] = {
    ValueType.STRING: (str,),
    ValueType.INTEGER: (int,),
    ValueType.NUMBER: (int, float),
    ValueType.BOOLEAN: (bool,),
    ValueType.OBJECT: (dict,),
    ValueType.ARRAY: (list,),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a spec can never work: one word, the field, and what to do."""

    reason: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def workflow_problems(spec: WorkflowSpec) -> tuple[Problem, ...]:
    """Return everything that is wrong with a workflow, in the order of its text."""
    return tuple(_workflow_depth(spec)) or tuple(_workflow(spec))


def phase_problems(spec: PhaseSpec) -> tuple[Problem, ...]:
    """Return everything that is wrong with a phase, in the order of its text."""
    deep = tuple(_phase_depth(spec))
    if deep:
        return deep
    known = frozenset(spec.parameters)
    return (*_tasks(spec.tasks, "spec", known, frozenset()), *_size(spec))


def _workflow(spec: WorkflowSpec) -> Iterator[Problem]:
    yield from _parameters(spec.parameters)
    names = [phase.name for phase in spec.all_phases]
    yield from _unique(names, "spec.phases")
    parents = {phase.name: tuple(phase.depends_on) for phase in spec.all_phases}
    broken = list(_edges(parents, "spec.phases", "phase"))
    yield from broken
    ordered = None if broken else graph.build(parents)
    known = frozenset(parameter.name for parameter in spec.parameters)
    for phase in spec.all_phases:
        before = ordered.ancestors(phase.name) if ordered else frozenset(names)
        yield from _tasks(phase.all_tasks, f"spec.phases[{phase.name}]", known, before)
    yield from _phase_outputs(spec)
    yield from _size(spec)


def _workflow_depth(spec: WorkflowSpec) -> Iterator[Problem]:
    for parameter in spec.parameters:
        where = f"spec.parameters[{parameter.name}].value"
        yield from _depth(parameter.value, where, WORKFLOW_DEPTH)
    for phase in spec.all_phases:
        yield from _input_depth(phase.all_tasks, f"spec.phases[{phase.name}]", WORKFLOW_DEPTH)


def _phase_depth(spec: PhaseSpec) -> Iterator[Problem]:
    for name, value in spec.parameters.items():
        yield from _depth(value, f"spec.parameters.{name}", PHASE_DEPTH)
    yield from _input_depth(spec.tasks, "spec", PHASE_DEPTH)


def _input_depth(tasks: list[Task], where: str, limit: int) -> Iterator[Problem]:
    for task in tasks:
        for key, value in task.input.items():
            yield from _depth(value, f"{where}.tasks[{task.name}].input.{key}", limit)


def _depth(value: Any, where: str, limit: int) -> Iterator[Problem]:
    if too_deep(value, limit):
        yield Problem("TooDeep", where, f"nests deeper than {limit} levels; make it flatter")


def _tasks(
    tasks: list[Task], where: str, parameters: frozenset[str], phases: frozenset[str]
) -> Iterator[Problem]:
    yield from _unique([task.name for task in tasks], f"{where}.tasks")
    parents = {task.name: tuple(task.depends_on) for task in tasks}
    broken = list(_edges(parents, f"{where}.tasks", "task"))
    yield from broken
    ordered = None if broken else graph.build(parents)
    for task in tasks:
        if not task.input:
            continue
        reads = any(path.root == "tasks" for path in _quietly(task.input))
        # The ancestors of a task deep in a dense graph are many.
        before = ordered.ancestors(task.name) if ordered and reads else frozenset(parents)
        known = {"parameters": parameters, "tasks": before, "phases": phases}
        yield from _inputs(task, f"{where}.tasks[{task.name}].input", known)
    yield from _lists(tasks, where)


def _parameters(parameters: list[Parameter]) -> Iterator[Problem]:
    yield from _unique([parameter.name for parameter in parameters], "spec.parameters")
    for parameter in parameters:
        value, allowed = parameter.value, _TYPES[parameter.type]
        is_bool = isinstance(value, bool) and bool not in allowed
        if is_bool or not isinstance(value, allowed):
            yield Problem(
                "InvalidParameter",
                f"spec.parameters[{parameter.name}].value",
                f"is {json.dumps(value)[:40]}, not of type {parameter.type}; "
                "change the value or the type",
            )


def _unique(names: list[str], where: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Problem("DuplicateName", where, f"{name!r} stands twice; names must be unique")
        seen.add(name)


def _edges(parents: Mapping[str, tuple[str, ...]], where: str, what: str) -> Iterator[Problem]:
    unknown = False
    for name, depends_on in parents.items():
        for parent in depends_on:
            if parent not in parents:
                unknown = True
                yield Problem(
                    "UnknownDependency",
                    f"{where}[{name}].dependsOn",
                    f"there is no {what} {parent!r}; name one of this list",
                )
    if unknown:
        return
    try:
        graph.build(parents)
    except graph.CycleError as error:
        yield Problem(
            "DependencyCycle",
            f"{where}[{error.cycle[0]}].dependsOn",
            f"the {what}s wait for each other: {error}; remove one dependency",
        )


def _inputs(task: Task, where: str, known: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    for key, value in task.input.items():
        try:
            found = list(paths.references(value))
        except paths.PathError as error:
            yield Problem("InvalidPath", f"{where}.{key}", f"{error}; write $${{ for a literal ${{")
            continue
        for path in found:
            yield from _path(path, f"{where}.{key}", known)


_HINTS = {
    "parameters": "declare it under parameters",
    "tasks": "only tasks in its dependsOn can be used",
    "phases": "only phases in the phase's dependsOn can be used",
}


def _path(path: paths.Path, where: str, known: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    name = path.steps[1]
    if name not in known[path.root]:
        hint = _HINTS[path.root]
        yield Problem("UnknownReference", where, f"${{{path}}}: no {name!r} here; {hint}")
    elif path.root != "parameters" and path.steps[2:3] != ("outputs",):
        example = f"${{{path.root}.{name}.outputs}}"
        yield Problem("InvalidPath", where, f"${{{path}}} must go on with outputs: {example}")


def _lists(tasks: list[Task], where: str) -> Iterator[Problem]:
    """A path into a task with `count` of the same phase must pick an item."""
    fan_outs = {task.name for task in tasks if task.count is not None}
    for task in tasks:
        for path in _quietly(task.input):
            if path.root == "tasks" and path.steps[1] in fan_outs and _names_a_key(path, 3):
                yield _not_a_list(path, str(path.steps[1]), f"{where}.tasks[{task.name}].input")


def _names_a_key(path: paths.Path, place: int) -> bool:
    return len(path.steps) > place and not isinstance(path.steps[place], int)


def _not_a_list(path: paths.Path, task: str, where: str) -> Problem:
    text = f"${{{path}}}: task {task!r} has count, so its outputs are a list; write outputs"
    return Problem("InvalidPath", where, f"{text} for all of them, or an item such as [0]")


def _phase_outputs(spec: WorkflowSpec) -> Iterator[Problem]:
    """A path into another phase must name one of its tasks, and pick an item of a fan-out."""
    tasks = {phase.name: {task.name: task for task in phase.all_tasks} for phase in spec.all_phases}
    for phase in spec.all_phases:
        for task in phase.all_tasks:
            where = f"spec.phases[{phase.name}].tasks[{task.name}].input"
            for path in _quietly(task.input):
                if path.root != "phases" or len(path.steps) < 4:
                    continue
                there = tasks.get(str(path.steps[1]), {})
                source = there.get(str(path.steps[3]))
                if there and source is None:
                    text = f"${{{path}}}: phase {path.steps[1]!r} has no task {path.steps[3]!r}"
                    yield Problem("UnknownReference", where, text)
                elif source and source.count is not None and _names_a_key(path, 4):
                    yield _not_a_list(path, source.name, where)


def _quietly(value: Any) -> list[paths.Path]:
    try:
        return list(paths.references(value))
    except paths.PathError:
        return []


def _size(spec: WorkflowSpec | PhaseSpec) -> Iterator[Problem]:
    dump: Callable[..., str] = spec.model_dump_json
    size = len(dump(by_alias=True, exclude_unset=True))
    if size > MAX_SPEC_BYTES:
        yield Problem(
            "SpecTooLarge",
            "spec",
            f"has {size} bytes, at most {MAX_SPEC_BYTES} work; split the workflow",
        )
