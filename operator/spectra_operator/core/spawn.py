"""Plans that planner tasks return: what is allowed in them, and the Phase made from one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ..api.phase import PhaseSpec
from ..api.task import Planner, Task
from .snapshot import PhaseShape
from .validate import phase_problems


def spawn_problem(shape: PhaseShape, task: str, spawn: str) -> str:
    """Return why a plan (JSON text of a list of tasks) cannot be carried out, or nothing."""
    planner = shape.tasks[task].planner
    if planner is None:
        return f"task {task} returned spawn, and has no planner field that allows it"
    tasks = json.loads(spawn)
    if len(tasks) > planner.max_tasks:
        return f"spawn has {len(tasks)} tasks; planner.maxTasks allows {planner.max_tasks}"
    try:
        spec = PhaseSpec.model_validate({"tasks": tasks, "parameters": shape.spec.parameters})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return f"spawn.{where}: {first['msg']}"
    problems = phase_problems(spec)
    if problems:
        return "; ".join(f"spawn: {problem}" for problem in problems[:3])
    return _not_allowed(shape, shape.tasks[task], planner, spec.tasks)


def _not_allowed(shape: PhaseShape, task: Task, planner: Planner, tasks: list[Task]) -> str:
    agents = frozenset(planner.agents or [task.agent])
    depth = depth_of(shape) + 1
    for spawned in tasks:
        named = {spawned.agent, *(fallback.agent for fallback in spawned.fallback)}
        if not named <= agents:
            allowed = ", ".join(sorted(agents))
            return (
                f"spawn: task {spawned.name} names agent {min(named - agents)}; "
                f"planner.agents allows {allowed}"
            )
        if spawned.planner is not None and depth >= planner.max_depth:
            return (
                f"spawn: task {spawned.name} plans itself; planner.maxDepth allows "
                f"{planner.max_depth} level(s)"
            )
    return ""


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
        "parameters": shape.spec.parameters or None,
        "priority": shape.spec.priority or None,
        "parallelism": shape.spec.parallelism,
        "workspace": shape.spec.workspace and shape.spec.workspace.model_dump(by_alias=True),
        "podCleanup": shape.spec.pod_cleanup and shape.spec.pod_cleanup.model_dump(by_alias=True),
        "tasks": json.loads(spawn),
    }
    return {key: value for key, value in spec.items() if value is not None}
