"""Which attempts say something that the records do not; of a wide fan-out most say nothing new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..attempts.evidence import Attempt
from .attention import is_current, is_left_behind
from .records import TaskRecord


def news(attempts: Iterable[Attempt], tasks: Mapping[str, TaskRecord]) -> list[Attempt]:
    """Return the attempts whose folding may change a record; tasks by name."""
    return [a for a in attempts if a.task in tasks and not _is_shown(tasks[a.task], a)]


def _is_shown(record: TaskRecord, attempt: Attempt) -> bool:
    """Whether an item's record already says all that an attempt proves."""
    if not attempt.live:
        return is_left_behind(record, attempt)
    if not record.fan_out or attempt.node_lost:
        return False
    return is_current(record, attempt)
