"""The items of a task, as far as its spec alone tells them."""

from __future__ import annotations

import math

from ...api.task import Task


def has_items(task: Task) -> bool:
    """Whether a task is done once for each of its items."""
    return task.count is not None or task.for_each is not None or task.matrix is not None


def items_known_before(task: Task) -> int | None:
    """Return how many items a task has if its spec alone says so; None if a run must tell."""
    if task.count is not None:
        return task.count
    axes = list(task.matrix.values()) if task.matrix is not None else [task.for_each]
    if not all(isinstance(axis, list) for axis in axes):
        return None
    return math.prod(len(axis) for axis in axes)
