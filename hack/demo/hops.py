"""Hops: how long a task whose predecessors have finished waits for its pod. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple


class TaskKey(NamedTuple):
    """A task of a workflow: the names of its phase and its own."""

    phase: str
    task: str


@dataclass(frozen=True, slots=True)
class Spread:
    """A measured distribution.

    Attributes:
        count: How many were measured.
        p50: The median, in seconds.
        p99: The 99th percentile by nearest rank, in seconds.
    """

    count: int
    p50: float
    p99: float


def predecessors(workflow: Mapping[str, Any]) -> dict[TaskKey, tuple[TaskKey, ...]]:
    """Return what each task of a Workflow waits for, in the order in which they are written.

    A task that waits for no other of its phase waits for all tasks of the phases before it.
    """
    phases = workflow["spec"]["phases"]
    tasks = {p["name"]: [TaskKey(p["name"], t["name"]) for t in p["tasks"]] for p in phases}
    found: dict[TaskKey, tuple[TaskKey, ...]] = {}
    for phase in phases:
        before = [key for name in phase.get("dependsOn") or () for key in tasks[name]]
        for task in phase["tasks"]:
            own = [TaskKey(phase["name"], name) for name in task.get("dependsOn") or ()]
            found[TaskKey(phase["name"], task["name"])] = tuple(own or before)
    return found


def hops(
    waits_for: Mapping[TaskKey, Sequence[TaskKey]],
    finished: Mapping[TaskKey, float],
    added: Mapping[TaskKey, float],
) -> list[float]:
    """Return the hops of a run, in seconds: last predecessor seen finished to own pod seen.

    Args:
        waits_for: What each task waits for; one that waits for nothing has no hop.
        finished: When the last pod of a task was first seen finished.
        added: When the first pod of a task was first seen at all.
    """
    measured = []
    for task, before in waits_for.items():
        if before and task in added and all(key in finished for key in before):
            measured.append(added[task] - max(finished[key] for key in before))
    return measured


def newer(before: Sequence[float], after: Sequence[float]) -> list[float]:
    """Return what a bounded log of measurements has gained between two looks at it."""
    for length in range(min(len(before), len(after)), 0, -1):
        if list(before[-length:]) == list(after[:length]):
            return list(after[length:])
    return list(after)


def spread(values: Sequence[float]) -> Spread | None:
    """Return the distribution of the values, or None when there are none."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(len(ordered), _rank(ordered, 0.5), _rank(ordered, 0.99))


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(ceil(share * len(ordered)), 1) - 1]
