"""A run as objects of the API server: its phases and tasks by name, also those that are to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...api.constants import RESERVED_PHASES
from ..suggestions import listed, nearest

Body = Mapping[str, Any]

ENDED = frozenset({"Succeeded", "Failed", "Skipped", "Cancelled"})
_WRITTEN = {"on-failure": "onFailure", "finally": "finally"}
"""Phases that follow the end, in their order, and the field of the spec with their tasks."""
ROLLBACK = "rollback"


class UnknownPathError(ValueError):
    """There is no such phase or task; the message names those that there are."""


@dataclass(frozen=True, slots=True)
class Objects:
    """A workflow, its Phase objects by the phase's name, and the agents of its namespace.

    Tasks of phases to come are known if the workflow's spec is the expanded one.
    """

    workflow: Body
    phases: Mapping[str, Body] = field(default_factory=dict)
    agents: Mapping[str, Body] = field(default_factory=dict)


def check_path(objects: Objects, phase: str, task: str = "") -> None:
    """See that a phase exists, or is to come, and that it has a task.

    Raises:
        UnknownPathError: It does not; the message has the nearest name.
    """
    phases = [*steps_of(objects), *to_follow(objects)]
    if phase not in phases:
        raise UnknownPathError(f"the workflow has no phase {phase}; {_there(phase, phases)}")
    if not task:
        return
    tasks = tasks_of(objects, phase)
    if not tasks:
        raise UnknownPathError(f"phase {phase} has not begun; its tasks are not known yet")
    if task not in tasks:
        raise UnknownPathError(f"phase {phase} has no task {task}; {_there(task, tasks)}")


def _there(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = nearest(word, names)
    return (f"did you mean {near}? " if near else "") + f"it has {listed(names)}"


def steps_of(objects: Objects) -> dict[str, Body]:
    """Return what the workflow's status says of each phase, in order; empty if it says nothing."""
    known = {s["name"]: s for s in (objects.workflow.get("status") or {}).get("phases") or ()}
    named = [p["name"] for p in objects.workflow["spec"].get("phases") or ()]
    return {name: known.get(name, {}) for name in dict.fromkeys([*named, *known])}


def to_follow(objects: Objects) -> list[str]:
    """Return the phases that may follow the end and of which the status says nothing yet."""
    known, spec = steps_of(objects), objects.workflow["spec"]
    return [name for name, key in _WRITTEN.items() if spec.get(key) and name not in known]


def parents_of(objects: Objects, phase: str) -> list[str]:
    """Return the phases that must end before one."""
    steps = steps_of(objects)
    if phase in RESERVED_PHASES:
        order = [ROLLBACK, *_WRITTEN]
        return [name for name in order[: order.index(phase)] if name in steps]
    return [name for name in _written(objects, phase).get("dependsOn") or () if name in steps]


def tasks_of(objects: Objects, phase: str) -> dict[str, Body]:
    """Return the tasks of a phase by name: of its object, else of the workflow's spec."""
    body = objects.phases.get(phase)
    if body:
        tasks = body["spec"].get("tasks")
    elif phase in _WRITTEN:
        tasks = objects.workflow["spec"].get(_WRITTEN[phase])
    else:
        tasks = _written(objects, phase).get("tasks")
    return {task["name"]: task for task in tasks or ()}


def statuses_of(objects: Objects, phase: str) -> dict[str, Body]:
    """Return what the Phase object's status says of each task."""
    body = objects.phases.get(phase) or {}
    known = (body.get("status") or {}).get("tasks") or {}
    return {name: known.get(name) or {} for name in tasks_of(objects, phase)}


def state_of(status: Body) -> str:
    """Return the state that a task or a phase is in."""
    return str(status.get("state") or "Waiting")


def unborn_task_state(step: Body) -> str:
    """Return the state of the tasks of a phase that has no object.

    Where the phase itself could not be made, they were skipped; nothing of them failed.
    """
    state = state_of(step)
    if state not in ENDED:
        return "Waiting"
    return "Skipped" if state == "Failed" else state


def _written(objects: Objects, phase: str) -> Body:
    phases = objects.workflow["spec"].get("phases") or ()
    return next((p for p in phases if p["name"] == phase), {})
