"""Graphs of tasks, in no engine's words: what every engine is given to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

TaskKey = tuple[str, str]
"""A task by its step and its name."""

ONLY = "only"
"""Name of the step of a graph that has just one."""


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work.

    Attributes:
        name: Unique in its step.
        after: Tasks of the same step that must have ended.
        items: How many pods do it; 0 for a single one that is no fan-out.
    """

    name: str
    after: tuple[str, ...] = ()
    items: int = 0

    @property
    def pods(self) -> int:
        """How many pods it takes."""
        return max(self.items, 1)


@dataclass(frozen=True, slots=True)
class Step:
    """Tasks that begin when whole other steps have ended.

    Attributes:
        name: Unique in the graph.
        tasks: Its tasks.
        after: Steps all of whose tasks must have ended.
    """

    name: str
    tasks: tuple[Task, ...]
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """A workflow: steps of tasks."""

    steps: tuple[Step, ...]

    @property
    def pods(self) -> int:
        """How many pods one run takes."""
        return sum(task.pods for step in self.steps for task in step.tasks)

    @cached_property
    def predecessors(self) -> Mapping[TaskKey, frozenset[TaskKey]]:
        """What each task waits for, by steps and within its own."""
        whole = {step.name: {(step.name, task.name) for task in step.tasks} for step in self.steps}
        found: dict[TaskKey, frozenset[TaskKey]] = {}
        for step in self.steps:
            steps_before = frozenset[TaskKey]().union(*(whole[name] for name in step.after))
            for task in step.tasks:
                own = {(step.name, name) for name in task.after}
                found[step.name, task.name] = steps_before | own
        return found


def single(_: int = 1) -> Graph:
    """Return one task."""
    return Graph((Step(ONLY, (Task("work"),)),))


def chain(length: int) -> Graph:
    """Return tasks of which each waits for the one before."""
    tasks = [Task(f"t{n}", (f"t{n - 1}",) if n else ()) for n in range(length)]
    return Graph((Step(ONLY, tuple(tasks)),))


def fan_out(items: int) -> Graph:
    """Return one task with so many items."""
    return Graph((Step(ONLY, (Task("item", items=items),)),))


def named(tasks: int) -> Graph:
    """Return so many tasks in one step that wait for nothing."""
    return Graph((Step(ONLY, tuple(Task(f"t{n}") for n in range(tasks))),))


def layered_steps(width: int, depth: int = 10) -> Graph:
    """Return steps of named tasks, one after the other: each task waits for all of the last one."""
    steps = []
    for layer in range(depth):
        tasks = tuple(Task(f"t{layer}-{place}") for place in range(width))
        steps.append(Step(f"layer{layer}", tasks, (f"layer{layer - 1}",) if layer else ()))
    return Graph(tuple(steps))


def layered_tasks(width: int, depth: int = 10) -> Graph:
    """Return layers in a single step, where each task names all of the layer before it."""
    tasks = []
    for layer in range(depth):
        before = tuple(f"t{layer - 1}-{place}" for place in range(width)) if layer else ()
        tasks += [Task(f"t{layer}-{place}", before) for place in range(width)]
    return Graph((Step(ONLY, tuple(tasks)),))
