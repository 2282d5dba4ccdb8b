"""A run as one picture: a workflow's status, its Phases' tasks, and what is still to come.

Pure: objects of the API server in, rows out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spectra_operator.api import constants as c
from spectra_operator.api.phase import TaskState
from spectra_operator.api.workflow import PhaseRole, StepState
from spectra_operator.core.insight.run_objects import unborn_task_state
from spectra_operator.core.policy import any_with

from .kinds import PHASES, WORKFLOWS, Kind

Body = Mapping[str, Any]

ENDS = frozenset({"Succeeded", "Failed", "Cancelled", "Rejected", "Skipped"})


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task. `status` is as the Phase holds it; `spec` is {} if it is not known."""

    phase: str
    name: str
    state: str
    spec: Body
    status: Body
    critical: bool = False
    spawned: PhaseRow | None = None

    @property
    def path(self) -> str:
        """As commands take it: phase/task; the task alone in a phase that stands alone."""
        return f"{self.phase}/{self.name}" if self.phase else self.name

    @property
    def agent(self) -> str:
        """The agent that works on it, or will; `any with ...` where one is still to be chosen."""
        named = self.status.get("agent") or self.spec.get("agent")
        wanted = (self.spec.get("requires") or {}).get("capabilities")
        return str(named) if named or not wanted else any_with(wanted)

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Tasks of its phase that must end before."""
        return tuple(self.spec.get("dependsOn") or ())

    @property
    def items(self) -> Body:
        """Items of a fan-out; {} for a single task."""
        return self.status.get("items") or {}


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """A phase. `summary` is as the workflow's status (or its own) has it."""

    name: str
    state: str
    summary: Body
    depends_on: tuple[str, ...]
    tasks: tuple[TaskRow, ...]
    plan: Body
    uid: str = ""

    @property
    def role(self) -> str:
        """What it is to the workflow: Main, Finally, OnFailure, Rollback, Spawned."""
        return str(self.summary.get("role") or PhaseRole.MAIN)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A workflow, or a phase that stands alone, with all its phases."""

    kind: Kind
    name: str
    state: str
    spec: Body
    status: Body
    phases: tuple[PhaseRow, ...]

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self.state in ENDS

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.state == "Succeeded"

    @property
    def title(self) -> str:
        """As kubectl writes it: workflow/foundation."""
        return self.kind.title(self.name)


def workflow_view(workflow: Body, phases: Iterable[Body]) -> RunRow:
    """Return the picture of a workflow; `phases` are the Phase objects of its namespace."""
    meta, spec = workflow["metadata"], workflow["spec"]
    status = workflow.get("status") or {}
    owned = [p for p in phases if _owner(p) in ("", meta.get("uid", ""))]
    summaries = {s["name"]: s for s in status.get("phases") or ()}
    templates = {t["name"]: t for t in spec.get("phases") or ()}
    names = [*templates, *(name for name in summaries if name not in templates)]
    critical = str(status.get("criticalPath") or "").partition(" ")[0]
    rows = tuple(
        _phase(name, templates.get(name, {}), summaries.get(name, {}), owned, critical)
        for name in names
    )
    state = str(status.get("state") or "Pending")
    return RunRow(WORKFLOWS, meta["name"], state, spec, status, rows)


def phase_objects(workflow: Body, phases: Iterable[Body]) -> dict[str, Body]:
    """Return the Phase object of each phase that has one, by the phase's name."""
    uid = workflow["metadata"].get("uid", "")
    owned = [phase for phase in phases if _owner(phase) in ("", uid)]
    summaries = {s["name"]: s for s in (workflow.get("status") or {}).get("phases") or ()}
    named = [p["name"] for p in workflow["spec"].get("phases") or ()]
    found = {
        name: _object_of(name, summaries.get(name, {}), owned)
        for name in dict.fromkeys([*named, *summaries])
    }
    return {name: body for name, body in found.items() if body is not None}


def phase_view(phase: Body, others: Iterable[Body] = ()) -> RunRow:
    """Return the picture of a phase that stands alone; `others` may hold spawned Phases."""
    status = phase.get("status") or {}
    row = _of_object("", phase, {**status, "name": phase["metadata"]["name"]}, list(others), "")
    name = phase["metadata"]["name"]
    return RunRow(PHASES, name, row.state, phase["spec"], status, (row,))


def _owner(phase: Body) -> str:
    labels = phase["metadata"].get("labels") or {}
    return str(labels.get(c.LABEL_WORKFLOW_UID) or "")


def _phase(
    name: str, template: Body, summary: Body, objects: list[Body], critical: str
) -> PhaseRow:
    found = _object_of(name, summary, objects)
    if found is not None:
        merged = {**(found.get("status") or {}), **summary}
        return _of_object(name, found, merged, objects, critical, template)
    tasks = tuple(
        TaskRow(
            name,
            task["name"],
            unborn_task_state(summary),
            task,
            {},
            f"{name}/{task['name']}" == critical,
        )
        for task in template.get("tasks") or ()
    )
    return PhaseRow(
        name,
        str(summary.get("state") or StepState.WAITING),
        summary,
        tuple(template.get("dependsOn") or ()),
        tasks,
        template.get("plan") or {},
    )


def _object_of(name: str, summary: Body, objects: Iterable[Body]) -> Body | None:
    """Return the Phase object of a phase: the one that the status names, else by its label."""
    wanted = summary.get("objectName")
    for body in objects:
        spec = body["spec"]
        if wanted and body["metadata"]["name"] == wanted:
            return body
        main = spec.get("role", PhaseRole.MAIN) != PhaseRole.SPAWNED
        if not wanted and main and spec.get("phase") == name:
            return body
    return None


def _of_object(
    name: str,
    body: Body,
    summary: Body,
    objects: list[Body],
    critical: str,
    template: Body | None = None,
) -> PhaseRow:
    spec = body["spec"]
    known = (body.get("status") or {}).get("tasks") or {}
    uid = str(body["metadata"].get("uid", ""))
    tasks = tuple(
        TaskRow(
            name,
            task["name"],
            str(known.get(task["name"], {}).get("state") or TaskState.WAITING),
            task,
            known.get(task["name"], {}),
            f"{name}/{task['name']}" == critical,
            _spawned(uid, task["name"], objects),
        )
        for task in spec.get("tasks") or ()
    )
    return PhaseRow(
        name or str(summary["name"]),
        str(summary.get("state") or StepState.READY),
        summary,
        tuple((template or {}).get("dependsOn") or ()),
        tasks,
        spec.get("plan") or {},
        uid,
    )


def _spawned(uid: str, task: str, objects: list[Body]) -> PhaseRow | None:
    """Return the Phase that does what a planner task returned, in its last attempt."""
    found = None
    newest = 0
    for body in objects:
        parent = body["spec"].get("parent") or {}
        ours = parent.get("uid") == uid and parent.get("task") == task
        if ours and int(parent.get("attempt") or 1) > newest:
            found, newest = body, int(parent.get("attempt") or 1)
    if found is None:
        return None
    name = str(found["spec"].get("phase") or found["metadata"]["name"])
    summary = {**(found.get("status") or {}), "name": name, "role": PhaseRole.SPAWNED}
    return _of_object(name, found, summary, objects, "")


def every_task(phases: Iterable[PhaseRow]) -> Iterator[TaskRow]:
    """Yield the tasks of phases, each followed by those that it returned as a planner."""
    for phase in phases:
        for task in phase.tasks:
            yield task
            if task.spawned:
                yield from every_task([task.spawned])
