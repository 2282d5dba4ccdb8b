"""What holds for one task: its own fields over its agent's defaults over the project's."""

from __future__ import annotations

from dataclasses import dataclass

from ..api.agent import TaskDefaults
from ..api.common import NodeLostPolicy, RetryPolicy
from ..api.task import Task


@dataclass(frozen=True, slots=True)
class TaskPolicy:
    """Limits of a task's attempts; times in seconds, None for no limit."""

    retry: RetryPolicy
    timeout: int | None = None
    pending_timeout: int | None = None
    on_node_lost: NodeLostPolicy = NodeLostPolicy.WAIT


_PLAIN = RetryPolicy()


def policy_of(task: Task, defaults: TaskDefaults | None) -> TaskPolicy:
    """Merge a task with the defaults of its agent; `defaults` is None while the agent is missing.

    A retry policy is taken whole from the first place that has one.
    """
    base = defaults or TaskDefaults()
    return TaskPolicy(
        retry=task.retry or base.retry or _PLAIN,
        timeout=task.timeout_seconds or base.timeout_seconds,
        pending_timeout=task.pending_timeout_seconds or base.pending_timeout_seconds,
        on_node_lost=task.on_node_lost or base.on_node_lost or NodeLostPolicy.WAIT,
    )
