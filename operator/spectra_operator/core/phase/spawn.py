"""Plans that planner tasks return: what is allowed in them, and the Phase made from one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ...api.phase import PhaseSpec
from ...api.task import Planner, Task
from ..policy import agents_of
from ..snapshot import PhaseShape
from ..spec.paths import shown
from ..spec.validate import phase_problems


def spawn_problem(shape: PhaseShape, task: str, spawn: str) -> str:
    """Return why a plan (JSON text of a list of tasks) cannot be carried out, or nothing."""
    planner = shape.tasks[task].planner
    if planner is None:
        return f"task {task} returned spawn, and has no planner field that allows it"
    tasks = json.loads(spawn)
    if len(tasks) > planner.max_tasks:
        return f"spawn has {len(tasks)} tasks; planner.maxTasks allows {planner.max_tasks}"
    try:
        spec = PhaseSpec.model_validate({"tasks": tasks, **_given(shape)})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{shown(('spawn', *first['loc'][1:]), {'spawn': tasks})}: {first['msg']}"
    problems = phase_problems(spec)
    if problems:
        return "; ".join(f"spawn: {problem}" for problem in problems[:3])
    return _not_allowed(shape, shape.tasks[task], planner, spec.tasks)


def _not_allowed(shape: PhaseShape, task: Task, planner: Planner, tasks: list[Task]) -> str:
    agents = frozenset(planner.agents or agents_of(task)[:1])
    depth = depth_of(shape) + 1
    for spawned in tasks:
        if spawned.requires is not None:
            return (
                f"spawn: task {spawned.name} has requires; name one of the agents that "
                f"planner.agents allows: {', '.join(sorted(agents))}"
            )
        strangers = _agents_named(spawned) - agents
        if strangers:
            return (
                f"spawn: task {spawned.name} names agent {min(strangers)}; "
                f"planner.agents allows {', '.join(sorted(agents))}"
            )
        if spawned.planner is None:
            continue
        if depth >= planner.max_depth:
            return (
                f"spawn: task {spawned.name} plans itself; planner.maxDepth allows "
                f"{planner.max_depth} level(s)"
            )
        wider = _wider(spawned.planner, planner)
        if wider:
            field, wanted, most = wider
            return f"spawn: {field} of task {spawned.name} is {wanted}, more than {most}"
    return ""


def _agents_named(task: Task) -> frozenset[str]:
    """Return the agents that a task may bring to work, itself or by a plan."""
    undoing = [task.compensate.agent] if task.compensate else []
    planned = task.planner.agents if task.planner else []
    return frozenset((*agents_of(task), *undoing, *planned))


def _wider(leave: Planner, own: Planner) -> tuple[str, int, str] | None:
    """Return what of a leave to plan goes beyond that of the planner who gives it."""
    for field, wanted, most in (
        ("planner.maxDepth", leave.max_depth, own.max_depth),
        ("planner.maxTasks", leave.max_tasks, own.max_tasks),
    ):
        if wanted > most:
            return field, wanted, f"the {most} of its planner"
    return None


def depth_of(shape: PhaseShape) -> int:
    """Return how deep a phase lies among plans: 0 for one that a person wrote."""
    return shape.spec.parent.depth if shape.spec.parent else 0


def spawned_spec(shape: PhaseShape, task: str, spawn: str, attempt: int) -> Mapping[str, Any]:
    """Return the spec of the Phase that carries out a plan; limits are those of its planner."""
    ref = shape.spec.workflow_ref
    spec: dict[str, Any] = {
        "workflowRef": ref and ref.model_dump(by_alias=True),
        "phase": shape.spec.phase,
        "role": "Spawned",
        "parent": {
            "name": shape.name,
            "uid": shape.uid,
            "task": task,
            "attempt": attempt,
            "depth": depth_of(shape) + 1,
        },
        **_given(shape),
        "priority": shape.spec.priority or None,
        "parallelism": shape.spec.parallelism,
        "podCleanup": shape.spec.pod_cleanup and shape.spec.pod_cleanup.model_dump(by_alias=True),
        "tasks": json.loads(spawn),
    }
    return {key: value for key, value in spec.items() if value is not None}


def _given(shape: PhaseShape) -> dict[str, Any]:
    """Return what the tasks of a plan may use of the planner's phase."""
    workspace = shape.spec.workspace
    given = {
        "parameters": shape.spec.parameters or None,
        "workspace": workspace and workspace.model_dump(by_alias=True),
    }
    return {key: value for key, value in given.items() if value is not None}
