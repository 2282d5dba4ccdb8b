"""The state of a run as a table: what pods, Phases and the Workflow say, folded together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from demo.hops import TaskKey, predecessors

Body = Mapping[str, Any]

ENDED = frozenset({"Succeeded", "Failed", "Skipped", "Cancelled", "Rejected"})
"""States of tasks, Phases and Workflows that do not change any more."""
_OF_POD = {"Pending": "Starting", "Running": "Running", "Succeeded": "Succeeded"}
"""A pod's phase as the state of its task. Every other phase is Failed, and may be tried again."""


@dataclass(frozen=True, slots=True)
class Row:
    """A task in the table.

    Attributes:
        key: The task.
        agent: The agent it runs on, as far as that is known.
        state: Waiting, Starting, Running, or an end.
        attempt: Number of its last attempt; 0 before the first.
        began: When its first pod was seen, in seconds of the caller's clock.
        ended: When it was seen to end.
        message: Why, when something went wrong.
    """

    key: TaskKey
    agent: str
    state: str = "Waiting"
    attempt: int = 0
    began: float | None = None
    ended: float | None = None
    message: str = ""


class Board:
    """All tasks of one run. It is told about objects and tells which row changed."""

    def __init__(self, workflow: Body) -> None:
        """Begin with every task waiting.

        Args:
            workflow: The Workflow, of which only the spec is read.
        """
        self.waits_for = predecessors(workflow)
        agents = {
            TaskKey(phase["name"], task["name"]): str(task.get("agent") or "")
            for phase in workflow["spec"]["phases"]
            for task in phase["tasks"]
        }
        self.rows = {key: Row(key, agents[key]) for key in self.waits_for}
        self.state = ""
        self.message = ""

    @property
    def added(self) -> dict[TaskKey, float]:
        """When the first pod of each task was seen."""
        return {key: row.began for key, row in self.rows.items() if row.began is not None}

    @property
    def finished(self) -> dict[TaskKey, float]:
        """When each task was seen to end."""
        return {key: row.ended for key, row in self.rows.items() if row.ended is not None}

    def take_pod(self, pod: Body, now: float) -> Row | None:
        """Take in a pod of the run; return its task's row if that changed."""
        labels = pod["metadata"]["labels"]
        row = self.rows.get(TaskKey(labels["spectra.dev/phase"], labels["spectra.dev/task"]))
        if row is None:
            return None
        attempt = int(labels["spectra.dev/attempt"])
        state = _OF_POD.get(pod.get("status", {}).get("phase", "Pending"), "Failed")
        if attempt < row.attempt or (attempt == row.attempt and row.state in ENDED):
            return None
        began = now if row.began is None else row.began
        ended = now if state in ENDED else None
        agent = labels["spectra.dev/agent"]
        return self._put(
            replace(row, agent=agent, state=state, attempt=attempt, began=began, ended=ended)
        )

    def take_phase(self, phase: Body, now: float) -> list[Row]:
        """Take in a Phase of the run: ends that no pod tells, and reasons."""
        name = phase["spec"].get("phase", "")
        changed = []
        for task, status in (phase.get("status") or {}).get("tasks", {}).items():
            row = self.rows.get(TaskKey(name, task))
            state = status.get("state", "")
            if row is None or state not in ENDED:
                continue
            words = (status.get("reason"), status.get("message"))
            message = ": ".join(w for w in words if w) if state != "Succeeded" else ""
            ended = now if row.ended is None else row.ended
            changed.append(self._put(replace(row, state=state, message=message, ended=ended)))
        return [row for row in changed if row]

    def take_workflow(self, workflow: Body) -> bool:
        """Take in the Workflow itself; return whether it has ended."""
        status = workflow.get("status") or {}
        self.state = status.get("state", "")
        self.message = status.get("message", "")
        return self.state in ENDED

    def _put(self, row: Row) -> Row | None:
        if row == self.rows[row.key]:
            return None
        self.rows[row.key] = row
        return row
