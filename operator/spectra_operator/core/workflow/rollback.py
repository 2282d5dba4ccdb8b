"""Rollback: the tasks that undo what succeeded, each after what was built upon it is undone.

A compensation sees what its task returned as ${task.outputs}, what it was given as ${task.input},
and all other paths as the task itself. So the values are put beside it when the Phase is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...api.constants import MAX_STEP_NAME, MAX_TASKS
from ...api.phase import TaskState
from ...api.task import Compensation
from ..graph import Graph
from ..language.expressions import Expression, ExpressionError
from ..language.facts import GIVEN
from ..language.references import BEFORE_ITEMS
from ..language.templates import resolve
from ..names import short_hash, shortened
from ..phase.inputs import InputError, TaskInputs, TaskScope, outputs_of
from ..phase.records import TaskRecord
from ..snapshot import PhaseShape


class TooManyError(ValueError):
    """More tasks are to be undone than one Phase can hold."""


@dataclass(frozen=True)
class Source:
    """A Phase object of which tasks may have succeeded; `phase` is its name in the workflow."""

    phase: str
    shape: PhaseShape
    tasks: Mapping[str, TaskRecord]

    @cached_property
    def undoable(self) -> list[str]:
        """Return the tasks that succeeded and say what undoes them, last first."""
        return [
            name
            for name in reversed(self.shape.graph.order)
            if self.shape.tasks[name].compensate is not None
            and self.tasks[name].state is TaskState.SUCCEEDED
            and (self.tasks[name].succeeded or not self.tasks[name].fan_out)
        ]


def rollback(sources: Sequence[Source], phases: Graph) -> dict[str, Any]:
    """Return tasks and context of the rollback Phase; no tasks if nothing is to be undone.

    `phases` is the graph of the workflow's phases.

    Raises:
        TooManyError: the rollback would have more tasks than a Phase may have.
    """
    names = _names(sources)
    if len(names) > MAX_TASKS:
        raise TooManyError(
            f"{len(names)} tasks are to be undone, at most {MAX_TASKS} can be; undo them by hand"
        )
    tasks: list[dict[str, Any]] = []
    context: dict[str, Any] = {}
    for position, source in enumerate(sources):
        later = _entries_after(sources, position, phases, names)
        for task in source.undoable:
            name = names[position, task]
            after = [names[position, t] for t in _next_undoable(source, task)]
            compensation = source.shape.tasks[task].compensate
            if compensation is not None:
                tasks.append(_task(name, compensation, after or later))
                context[name] = _values(source, task, compensation)
    return {"tasks": tasks, "context": {"tasks": context}}


def _names(sources: Sequence[Source]) -> dict[tuple[int, str], str]:
    """Name each compensation `phase-task`, shortened and told apart by a hash where needed."""
    found: dict[tuple[int, str], str] = {}
    for position, source in enumerate(sources):
        for task in source.undoable:
            name = shortened(f"{source.phase}-{task}", MAX_STEP_NAME)
            if name in found.values():
                digest = short_hash(f"{position}/{source.phase}/{task}", 5)
                name = f"{name[: MAX_STEP_NAME - 6].rstrip('-')}-{digest}"
            found[position, task] = name
    return found


def _next_undoable(source: Source, task: str) -> list[str]:
    """Return the nearest tasks to be undone that were built upon a task."""
    undoable = frozenset(source.undoable)
    return _nearest(source.shape.graph, task, undoable)


def _nearest(graph: Graph, node: str, wanted: frozenset[str]) -> list[str]:
    found: dict[str, None] = {}
    seen: set[str] = set()
    stack = list(graph.children[node])
    while stack:
        child = stack.pop()
        if child in seen:
            continue
        seen.add(child)
        if child in wanted:
            found[child] = None
        else:
            stack.extend(graph.children[child])
    return sorted(found)


def _entries_after(
    sources: Sequence[Source], position: int, phases: Graph, names: Mapping[tuple[int, str], str]
) -> list[str]:
    """Return the last compensations of what was built upon a phase: those must be done before."""
    here = sources[position].phase
    others = [i for i, s in enumerate(sources) if s.undoable and s.phase != here]
    near = set(_nearest(phases, here, frozenset(sources[i].phase for i in others)))
    after = [i for i in others if sources[i].phase in near]
    after += [i for i in range(position + 1, len(sources)) if sources[i].phase == here]
    return sorted(names[i, task] for i in after for task in _last_undone(sources[i]))


def _last_undone(source: Source) -> list[str]:
    """Return the tasks of a phase that no other of its tasks to be undone was built before."""
    waited_for = {t for task in source.undoable for t in _next_undoable(source, task)}
    return [task for task in source.undoable if task not in waited_for]


def _task(name: str, compensation: Compensation, after: Sequence[str]) -> dict[str, Any]:
    body = compensation.model_dump(by_alias=True, exclude_unset=True, mode="json")
    given = {key: f"${{task.{GIVEN}[{index}]}}" for index, key in enumerate(compensation.input)}
    return {
        "name": name,
        **body,
        **({"input": given} if given else {}),
        **({"dependsOn": list(after)} if after else {}),
    }


def _values(source: Source, task: str, compensation: Compensation) -> dict[str, Any]:
    """Return the resolved inputs; none if one cannot be, and then the compensation fails."""
    scope = TaskScope(source.shape, source.tasks, task)
    own = {"outputs": outputs_of(source.tasks[task]), "input": _input(source, task)}

    def evaluate(expression: Expression) -> Any:
        return expression.evaluate(scope.values(expression) | {"task": {"name": task, **own}})

    try:
        return {GIVEN: [resolve(v, evaluate, BEFORE_ITEMS) for v in compensation.input.values()]}
    except ExpressionError as error:
        return {"problem": str(error)[:1024]}


def _input(source: Source, task: str) -> Any:
    """Return what a task was given; null for one with items, since each had its own."""
    record = source.tasks[task]
    if record.fan_out:
        return None
    try:
        return json.loads(TaskInputs(source.shape, source.tasks, task, record.way).text())
    except InputError:
        return None
