"""How far tasks are, as the workers of their live attempts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..attempts.evidence import Attempt
from ..attempts.progress import Progress
from .records import PhaseRecord, TaskRecord


def with_progress(
    tasks: Mapping[str, TaskRecord], attempts: Iterable[Attempt]
) -> Mapping[str, TaskRecord]:
    """Return the tasks with what their live attempts say, and nothing where none says anything.

    Of a fan-out that is the mean percent of the attempts that say one.
    """
    said: dict[str, list[Progress]] = {}
    for attempt in attempts:
        if attempt.progress is not None and attempt.live and _is_current(tasks, attempt):
            said.setdefault(attempt.task, []).append(attempt.progress)
    if not said and all(task.progress is None for task in tasks.values()):
        return tasks
    return {name: _told(task, said.get(name, [])) for name, task in tasks.items()}


def differs_only_in_progress(one: PhaseRecord, other: PhaseRecord) -> bool:
    """Whether two records that differ tell the same but for how far their tasks are."""
    if one.tasks.keys() != other.tasks.keys() or replace(one, tasks=other.tasks) != other:
        return False
    return all(
        task is before or replace(task, progress=before.progress) == before
        for task, before in ((task, other.tasks[name]) for name, task in one.tasks.items())
    )


def _is_current(tasks: Mapping[str, TaskRecord], attempt: Attempt) -> bool:
    task = tasks.get(attempt.task)
    if task is None or task.ended:
        return False
    item = task.open.get(attempt.index)
    return item is not None and item.attempt == attempt.number


def _told(task: TaskRecord, said: list[Progress]) -> TaskRecord:
    progress = _mean(said) if task.fan_out else next(iter(said), None)
    return task if progress == task.progress else replace(task, progress=progress)


def _mean(said: list[Progress]) -> Progress | None:
    percents = [each.percent for each in said if each.percent is not None]
    return Progress(sum(percents) // len(percents)) if percents else None
