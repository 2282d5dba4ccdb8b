"""Keeps the checkpoints of a phase within a budget: the oldest go, and their task says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ...api.constants import MAX_CHECKPOINTS_BYTES
from .. import indexes
from .records import Checkpoint, TaskRecord

_NOTE = "dropped the checkpoint of item "
_MAX_MESSAGE = 1024


def within_budget(
    tasks: Mapping[str, TaskRecord], budget: int = MAX_CHECKPOINTS_BYTES
) -> Mapping[str, TaskRecord]:
    """Return the tasks with checkpoints of at most so many bytes (of JSON, as UTF-8) together."""
    held = list(_checkpoints(tasks))
    size = sum(len(each.text.encode()) for each, _, _ in held)
    if size <= budget:
        return tasks
    dropped: dict[str, list[int]] = {}
    for each, name, index in sorted(held, key=lambda found: (found[0].at, *found[1:])):
        if size <= budget:
            break
        size -= len(each.text.encode())
        dropped.setdefault(name, []).append(index)
    return {
        name: _without(task, dropped[name], budget) if name in dropped else task
        for name, task in tasks.items()
    }


def _checkpoints(tasks: Mapping[str, TaskRecord]) -> Iterator[tuple[Checkpoint, str, int]]:
    for name, task in tasks.items():
        if not (task.failures or task.losses):
            continue  # only bad ends leave one, and a fan-out may have thousands of open items
        for index, item in task.open.items():
            if item.checkpoint is not None:
                yield item.checkpoint, name, index


def _without(task: TaskRecord, dropped: list[int], budget: int) -> TaskRecord:
    items = dict(task.open)
    for index in dropped:
        items[index] = replace(items[index], checkpoint=None)
    ranges = indexes.render(indexes.of(dropped))
    note = f"{_NOTE}{ranges}: those of this phase would exceed {budget} bytes"
    said = task.message.partition(_NOTE)[0].removesuffix("; ")
    text = f"{said[: _MAX_MESSAGE - len(note) - 2]}; {note}" if said else note
    return replace(task, open=items, message=text[:_MAX_MESSAGE])
