"""Recorded tasks: what a Phase object tells of tasks that can be done again and compared.

A task can if it was done well without a failure, by the agent's stable revision as far as status
tells, and if doing it needs nothing but its input. docs/adr/0013-replay.md has the reasons.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...api.constants import MAX_OUTPUT_BYTES
from ...api.phase import TaskState
from ...api.task import Task
from ...api.workflow import PhaseRole
from .. import indexes
from ..phase.inputs import InputError, TaskInputs
from ..phase.records import PhaseRecord, TaskRecord
from ..phase.resets import was_marked
from ..phase.status import parse_phase
from ..snapshot import PhaseShape
from ..spec.compile import compile_phase

MOST_INPUT_BYTES = 384 * 1024
"""Inputs of all tasks that are chosen; they stand in one object."""
MOST_RECORDED_BYTES = MAX_OUTPUT_BYTES // 2
"""Outputs of all tasks that are chosen: the new ones may be larger, and a phase has a budget."""
_ROLES = (PhaseRole.MAIN, PhaseRole.SPAWNED)
"""What ends or undoes a run is about that run, and is not done again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recorded tasks are looked for: the newest `last` of an agent's stable revision.

    Attributes:
        alone_since: Since when that revision got all new attempts; None if that is not known.
        usual_seconds: What its attempts take, for tasks of which status keeps no time.
    """

    agent: str
    revision: str
    last: int
    alone_since: datetime | None = None
    usual_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A task, or an item of one, that was done well.

    Attributes:
        phase: Name of its Phase object.
        index: None for a task without items.
        input: What the worker got, a JSON object.
        outputs: What it returned, the text of a JSON object.
        seconds: How long it took, if known.
        cost: What it cost, as a decimal.
        spec: The task as it was written.
    """

    phase: str
    task: str
    index: int | None
    input: Mapping[str, Any]
    outputs: str
    seconds: float | None
    cost: str
    spec: Task


def recorded_tasks(body: Mapping[str, Any], wanted: Wanted) -> list[Recorded]:
    """Return the tasks of a Phase object that can be done again, newest first.

    Nothing of a phase that cannot be read.
    """
    try:
        shape, record = compile_phase(body), parse_phase(body.get("status"))
    except (ValueError, TypeError, LookupError, ArithmeticError):
        return []
    if shape.problems or shape.spec.gate is not None or shape.spec.role not in _ROLES:
        return []
    fit = [n for n, task in record.tasks.items() if _is_fit(shape.tasks.get(n), task, wanted)]
    fit.sort(key=lambda name: (_end(record.tasks[name]), name), reverse=True)
    found: list[Recorded] = []
    for name in fit:
        items = _items(shape, record, name, wanted)
        found += (each for each, _ in zip(items, range(wanted.last - len(found)), strict=False))
    return found


def chosen(found: Iterable[Recorded], last: int) -> list[Recorded]:
    """Return the first `last` of those that fit into one object together; larger ones are left."""
    kept: list[Recorded] = []
    inputs, outputs = MOST_INPUT_BYTES, MOST_RECORDED_BYTES
    for each in found:
        given, returned = len(json.dumps(each.input)), len(each.outputs)
        if len(kept) < last and given <= inputs and returned <= outputs:
            kept.append(each)
            inputs, outputs = inputs - given, outputs - returned
    return kept


def _is_fit(task: Task | None, record: TaskRecord, wanted: Wanted) -> bool:
    """Whether a task was done by the stable revision, at once, and needs nothing but its input."""
    if task is None or task.workspace is not None or task.planner is not None:
        return False
    if record.failures or record.prior or record.way or was_marked(record):
        return False
    if record.revision != wanted.revision:
        return False
    if not record.fan_out:
        return record.state is TaskState.SUCCEEDED and record.agent == wanted.agent
    return task.agent == wanted.agent and _is_all_of_it(record, wanted.alone_since)


def _is_all_of_it(record: TaskRecord, alone_since: datetime | None) -> bool:
    """Whether all items are of one revision: status names that of the last attempt alone."""
    begun = record.started_at
    return begun is not None and alone_since is not None and begun > alone_since


def _end(record: TaskRecord) -> str:
    """Return when a task ended, for an order; what goes on is the newest."""
    return record.finished_at.isoformat() if record.finished_at else "~"


def _items(shape: PhaseShape, record: PhaseRecord, name: str, wanted: Wanted) -> Iterator[Recorded]:
    """Yield the items of a task that can be done again, the last one first."""
    task, inputs = record.tasks[name], TaskInputs(shape, record.tasks, name)
    seconds = wanted.usual_seconds if task.fan_out or task.losses else _seconds(task)
    cost = task.usage.cost / max(task.succeeded.bit_count(), 1)
    for index in reversed(list(indexes.iterate(task.succeeded))):
        try:
            given = json.loads(inputs.text(index))
        except InputError:
            continue
        yield Recorded(
            phase=shape.name,
            task=name,
            index=index if task.fan_out else None,
            input=given,
            outputs=task.outputs.get(index) or "{}",
            seconds=seconds,
            cost=f"{cost:.12f}",
            spec=shape.tasks[name],
        )


def _seconds(task: TaskRecord) -> float | None:
    if task.started_at is None or task.finished_at is None:
        return None
    return (task.finished_at - task.started_at).total_seconds()
