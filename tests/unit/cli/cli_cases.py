"""Runs for tests of the command line: objects with statuses as the operator writes them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console

from builders.pods import at
from builders.specs import NAMESPACE, Body, a_phase, a_phase_of, a_step, a_task, a_workflow
from kubectl_spectra.tree import Look, render
from kubectl_spectra.view import RunRow, workflow_view
from spectra_operator.api import constants as c
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.phase.status import render_phase

NOW = at(60)


def a_task_record(state: TaskState = TaskState.RUNNING, **fields: Any) -> TaskRecord:
    """Return the record of a task that started 10 s after the start."""
    values: dict[str, Any] = {"agent": "worker", "attempt": 1, "started_at": at(10)}
    if state is TaskState.SUCCEEDED:
        values["succeeded"] = 1
    if state in (TaskState.SUCCEEDED, TaskState.FAILED):
        values["finished_at"] = at(14)
    values |= fields
    return TaskRecord(state=state, **values)


def a_ran_phase(
    workflow: Body,
    tasks: Mapping[str, TaskRecord],
    *,
    name: str = "build",
    specs: Iterable[Body] = (),
    state: PhaseState = PhaseState.RUNNING,
) -> Body:
    """Return a Phase object of a workflow with the status that the operator would write."""
    written = list(specs) or [a_task(task) for task in tasks]
    body = a_phase_of(workflow, name, written)
    record = PhaseRecord(generation=1, state=state, started_at=at(5), tasks=dict(tasks))
    body["metadata"]["labels"] = {
        c.LABEL_WORKFLOW: workflow["metadata"]["name"],
        c.LABEL_WORKFLOW_UID: workflow["metadata"]["uid"],
        c.LABEL_PHASE: name,
    }
    return body | {"status": render_phase(record, NOW)}


def a_running_workflow(steps: Iterable[Body] = (), /, **status: Any) -> Body:
    """Return a Workflow that runs since the start, with more of its status."""
    body = a_workflow(list(steps) or [a_step("build")])
    known = {"state": "Running", "startedAt": "2026-01-01T00:00:00Z"} | status
    return body | {"status": known}


def a_run(tasks: Mapping[str, TaskRecord], **status: Any) -> RunRow:
    """Return the picture of a workflow whose only phase `build` has these tasks."""
    workflow = a_running_workflow([a_step("build", [a_task(name) for name in tasks])], **status)
    return workflow_view(workflow, [a_ran_phase(workflow, tasks)])


def a_lone_phase(**tasks: TaskRecord) -> Body:
    """Return a Phase that stands alone and runs."""
    record = PhaseRecord(generation=1, state=PhaseState.RUNNING, started_at=at(5), tasks=tasks)
    return a_phase([a_task(name) for name in tasks]) | {"status": render_phase(record, NOW)}


def drawn(run: RunRow, **look: Any) -> str:
    """Return a tree as it is printed into a file."""
    return printed(render(run, Look(NOW, **look)))


def printed(thing: Any) -> str:
    """Return what rich prints of something, without colours."""
    stream = io.StringIO()
    Console(file=stream, width=1000, highlight=False).print(thing)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def lines_with(text: str, part: str) -> list[str]:
    """Return the lines in which something stands."""
    return [line for line in text.splitlines() if part in line]


__all__ = ["NAMESPACE", "NOW", "at"]
