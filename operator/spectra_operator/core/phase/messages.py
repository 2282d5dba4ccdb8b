"""Keeps the messages of a status within a budget: the longest are cut, the others stay whole.

Records are cut as they are decided on, not only when they are written: so an expression that
reads a message sees the same before and after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .records import TaskRecord

MAX_MESSAGE_BYTES = 128 * 1024
"""Bytes, as UTF-8, that the messages of all tasks of one status may have together."""
MAX_REFUSAL_BYTES = 32 * 1024
"""The same for the words in which actions were refused."""
ELLIPSIS = "…"
_ELLIPSIS_BYTES = len(ELLIPSIS.encode())
_WIDEST = 4


def shortened(tasks: Mapping[str, TaskRecord]) -> Mapping[str, TaskRecord]:
    """Return the tasks with messages that fit into a status."""
    if sum(len(task.message) for task in tasks.values()) * _WIDEST <= MAX_MESSAGE_BYTES:
        return tasks
    cut = cut_longest({name: task.message for name, task in tasks.items()})
    return {
        name: task if task.message == cut[name] else replace(task, message=cut[name])
        for name, task in tasks.items()
    }


def fit(parts: Iterable[dict[str, Any]], field: str, budget: int = MAX_MESSAGE_BYTES) -> None:
    """Cut a field of the parts of a status where it is there, so that all fit into the budget."""
    having = [part for part in parts if field in part]
    cut = cut_longest({str(place): part[field] for place, part in enumerate(having)}, budget)
    for place, part in enumerate(having):
        part[field] = cut[str(place)]


def cut_longest(messages: Mapping[str, str], budget: int = MAX_MESSAGE_BYTES) -> dict[str, str]:
    """Return messages by key, the longest cut to one length so that all fit into the budget.

    What was cut ends with an ellipsis. To cut what was cut before gives what cutting the whole
    would: so a status that is read and written again stays as it is.
    """
    sizes = {key: len(text.encode()) for key, text in messages.items()}
    if sum(sizes.values()) <= budget:
        return dict(messages)
    most = _level(sorted(sizes.values()), budget)
    return {key: text if sizes[key] <= most else _cut(text, most) for key, text in messages.items()}


def _level(sizes: list[int], budget: int) -> int:
    """Return the length that, if nothing is longer, fills the budget; `sizes` are ascending."""
    left = budget
    for place, size in enumerate(sizes):
        share = left // (len(sizes) - place)
        if size > share:
            return share
        left -= size
    return sizes[-1]


def _cut(text: str, most: int) -> str:
    """Return the beginning of a text, at most so many bytes long with its ellipsis."""
    room = most - _ELLIPSIS_BYTES
    if room <= 0:
        return ""
    return text.encode()[:room].decode(errors="ignore") + ELLIPSIS
