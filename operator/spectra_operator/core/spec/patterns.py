"""Patterns by name: how the tasks of a phase work together, written out as plain tasks.

What a task says itself is kept: dependencies are added, inputs only where none of the name is
given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...api.task import Pattern, Task
from ...api.values import Output, ValueType
from .problems import Problem

WORK = "work"
"""The output of a coordinator's first task: the list of what is to be done."""

FEWEST = {
    Pattern.SEQUENTIAL: 1,
    Pattern.PARALLEL: 2,
    Pattern.PIPELINE: 1,
    Pattern.COORDINATOR: 3,
}
"""Tasks that a pattern needs at least."""
_WHY = {
    Pattern.PARALLEL: "one to do and one to merge",
    Pattern.COORDINATOR: "one that plans, one that does, one that reports",
}


def pattern_problem(pattern: Pattern, tasks: Sequence[Task], where: str) -> Problem | None:
    """Return why a pattern cannot be written out for these tasks, or None."""
    fewest = FEWEST[pattern]
    if len(tasks) >= fewest:
        return None
    text = f"{pattern} needs at least {fewest} tasks: {_WHY[pattern]}; add tasks"
    return Problem("PatternTooSmall", f"{where}.pattern", text)


def written_out(pattern: Pattern, tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks of a phase with the dependencies and inputs that its pattern means."""
    match pattern:
        case Pattern.SEQUENTIAL:
            return _in_a_row(tasks, checkpoints=False)
        case Pattern.PIPELINE:
            return _in_a_row(tasks, checkpoints=True)
        case Pattern.PARALLEL:
            return [*tasks[:-1], _merging(tasks[-1], tasks[:-1])]
        case Pattern.COORDINATOR:
            return _coordinated(tasks)


def _in_a_row(tasks: Sequence[Task], *, checkpoints: bool) -> list[Task]:
    found = list(tasks[:1])
    for position, task in enumerate(tasks[1:], start=1):
        before = tasks[:position]
        given: dict[str, Any] = {"previous": _outputs_of(before[-1])}
        if checkpoints:
            given["checkpoints"] = {t.name: _outputs_of(t) for t in before}
        found.append(_with(task, [before[-1].name], given))
    return found


def _coordinated(tasks: Sequence[Task]) -> list[Task]:
    first, middle, last = tasks[0], tasks[1:-1], tasks[-1]
    workers = [_working(task, first) for task in middle]
    return [_planning(first), *workers, _merging(last, middle)]


def _planning(task: Task) -> Task:
    if WORK in task.outputs:
        return task
    promised = Output(type=ValueType.ARRAY, description="What is to be done, one entry a job.")
    return task.model_copy(update={"outputs": {**task.outputs, WORK: promised}})


def _working(task: Task, first: Task) -> Task:
    if task.count is not None or task.for_each is not None or task.matrix is not None:
        return _with(task, [first.name], {})
    item = _with(task, [first.name], {"item": "${item}"})
    return item.model_copy(update={"for_each": f"${{tasks.{first.name}.outputs.{WORK}}}"})


def _merging(task: Task, before: Sequence[Task]) -> Task:
    results = {t.name: _outputs_of(t) for t in before}
    return _with(task, [t.name for t in before], {"results": results})


def _with(task: Task, parents: Sequence[str], given: dict[str, Any]) -> Task:
    depends_on = list(dict.fromkeys([*task.depends_on, *parents]))
    return task.model_copy(update={"depends_on": depends_on, "input": given | task.input})


def _outputs_of(task: Task) -> str:
    return f"${{tasks.{task.name}.outputs}}"
