"""What holds for one task: its own fields over its agent's defaults over the project's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..api.agent import TaskDefaults
from ..api.common import NodeLostPolicy, RetryPolicy
from ..api.task import Fallback, Input, Planner, Task
from ..api.values import Output


@dataclass(frozen=True, slots=True)
class TaskPolicy:
    """Limits of a task's attempts and what they must return; times in seconds, None for no limit.

    `fallbacks` are the policies of the task's other ways, in order; they have none themselves.
    """

    retry: RetryPolicy
    timeout: int | None = None
    pending_timeout: int | None = None
    on_node_lost: NodeLostPolicy = NodeLostPolicy.WAIT
    outputs: Mapping[str, Output] = field(default_factory=dict)
    planner: Planner | None = None
    fallbacks: tuple[TaskPolicy, ...] = ()

    def of_way(self, way: int) -> TaskPolicy:
        """Return the policy of a way: 0 is the task's own, i its i-th fallback."""
        return self.fallbacks[way - 1] if 0 < way <= len(self.fallbacks) else self


_PLAIN = RetryPolicy()

Defaults = Mapping[str, TaskDefaults]
"""Defaults by agent; an agent that is missing has none."""


def policy_of(task: Task, defaults: Defaults) -> TaskPolicy:
    """Merge a task with the defaults of its agents.

    A retry policy is taken whole from the first place that has one. A task that requires
    capabilities has no defaults: what holds for it must not depend on which agent is chosen.
    """
    base = defaults.get(agent_of(task, 0)) or TaskDefaults()
    own = _policy(task, base, task.retry, task.timeout_seconds)
    if not task.fallback:
        return own
    return replace(own, fallbacks=tuple(_of_fallback(task, f, defaults) for f in task.fallback))


def _of_fallback(task: Task, fallback: Fallback, defaults: Defaults) -> TaskPolicy:
    base = defaults.get(fallback.agent) or TaskDefaults()
    timeout = fallback.timeout_seconds or task.timeout_seconds
    return _policy(task, base, fallback.retry, timeout)


def _policy(
    task: Task, base: TaskDefaults, retry: RetryPolicy | None, timeout: int | None
) -> TaskPolicy:
    return TaskPolicy(
        retry=retry or base.retry or _PLAIN,
        timeout=timeout or base.timeout_seconds,
        pending_timeout=task.pending_timeout_seconds or base.pending_timeout_seconds,
        on_node_lost=task.on_node_lost or base.on_node_lost or NodeLostPolicy.WAIT,
        outputs=task.outputs,
        planner=task.planner,
    )


def agents_of(task: Task) -> tuple[str, ...]:
    """Return the agents that a task names: its own, if it does, and those of its fallbacks."""
    own = () if task.agent is None else (task.agent,)
    return (*own, *(fallback.agent for fallback in task.fallback))


def agents_of_tasks(tasks: Iterable[Task]) -> frozenset[str]:
    """Return the agents that may do any of some tasks."""
    return frozenset(name for task in tasks for name in agents_of(task))


def agent_of(task: Task, way: int) -> str:
    """Return the agent of a way; empty where one is to be chosen."""
    if 0 < way <= len(task.fallback):
        return task.fallback[way - 1].agent
    return task.agent or ""


def required(task: Task, way: int) -> tuple[str, ...]:
    """Return the capabilities that the agent of a way must have; none where it is named."""
    if task.requires is None or 0 < way <= len(task.fallback):
        return ()
    return tuple(sorted(task.requires.capabilities))


def done_by(task: Task) -> str:
    """Return who does a task, for people and as a key: an agent, or `any with gpu and ocr`."""
    return task.agent or any_with(required(task, 0))


def any_with(capabilities: Iterable[str]) -> str:
    """Return the words for whichever agent has these capabilities; no agent has such a name."""
    return f"any with {' and '.join(sorted(capabilities))}"


def input_of(task: Task, way: int) -> Input:
    """Return the input that a way is given, as it was written."""
    own = task.fallback[way - 1].input if 0 < way <= len(task.fallback) else None
    return task.input if own is None else own


def most_failed(task: Task, total: int) -> int:
    """Return how many of a task's items may fail before it fails; percentages are rounded down."""
    limit = task.max_failed
    if limit is None:
        return 0
    return limit if isinstance(limit, int) else total * int(limit.rstrip("%")) // 100
