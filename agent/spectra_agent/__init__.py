"""The agent's side of Spectra: read the task, do the work, hand back the result.

    from spectra_agent import Task, task

    @task
    def greet(task: Task) -> dict[str, str]:
        return {"greeting": f"Hello, {task.input['who']}"}

Run the file with ``python -m spectra_agent run FILE.py``, or as a worker that stays and claims
tasks with ``python -m spectra_agent work FILE.py``. See ``docs/agents.md``.

Everything here is paid for by each task's start-up, so importing the package loads nothing
that Python has not loaded already; what more is needed is imported where it is used.
"""

from __future__ import annotations

from spectra_agent.errors import (
    AgentError,
    CheckpointError,
    HandlerError,
    InputError,
    ResultError,
)
from spectra_agent.model import Result, Task, Usage
from spectra_agent.registry import task
from spectra_agent.runner import run, work

__all__ = [
    "AgentError",
    "CheckpointError",
    "HandlerError",
    "InputError",
    "Result",
    "ResultError",
    "Task",
    "Usage",
    "run",
    "task",
    "work",
]
