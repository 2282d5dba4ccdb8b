"""What is expected of one phase: the time it still takes, its critical path, the work in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ...api.phase import TaskState
from ...api.task import Task
from ..graph import Graph
from ..phase.records import TaskRecord
from ..phase.settle import is_benign
from ..policy import done_by
from ..spec.items import has_items, items_known_before
from .durations import Observed
from .estimate import (
    NO_LIMITS,
    NOTHING,
    Estimate,
    Rest,
    Width,
    paths,
    phase_time,
    slack,
    task_time,
)
from .expectations import Outlook

_NO_CLUE = 1.0
"""Seconds that every attempt counts on paths while no duration at all is known."""


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """A phase as estimates see it: its tasks, what happened to them, what was seen before."""

    name: str
    tasks: Mapping[str, Task]
    graph: Graph
    observed: Observed
    width: Width = NO_LIMITS
    records: Mapping[str, TaskRecord] = field(default_factory=dict)

    @property
    def usual(self) -> float:
        """Seconds that an attempt of which nothing is known counts on paths; no estimate."""
        usual = self.observed.usual
        return _NO_CLUE if usual is None else usual


def phase_outlook(facts: PhaseFacts, now: datetime) -> Outlook:
    """Return what is expected of a phase, whether it has begun or not."""
    rests = rests_of(facts, now)
    usual = facts.usual
    tails = paths(facts.graph, _times(facts, rests))
    critical = _critical(facts.graph, tails, rests)
    path = tails[critical[0]] if critical else NOTHING
    done, total = _work(facts, rests)
    left = [rest.durations for rest in rests.values() if rest.items]
    return Outlook(
        rest=phase_time(path, rests, facts.width, usual),
        task=critical[0] if critical else "",
        steps=len(critical),
        done=done,
        total=total,
        samples=sum(durations.count for durations in {known for known in left if known}),
        clue=None not in left,
    )


def rests_of(facts: PhaseFacts, now: datetime) -> dict[str, Rest]:
    """Return what is left of each task."""
    return {name: _rest(facts, task, facts.records.get(name), now)
            for name, task in facts.tasks.items()}  # fmt: skip


def task_slack(facts: PhaseFacts, now: datetime) -> dict[str, float]:
    """Return by how many seconds each task may be delayed without delaying its phase."""
    times = _times(facts, rests_of(facts, now))
    return slack(facts.graph, lambda name: times[name].seconds)


def expected_items(task: Task) -> int:
    """Return how many items a task has, as far as its spec says so; 1 if it depends on outputs."""
    known = items_known_before(task) if has_items(task) else 1
    return 1 if known is None else known


def _rest(facts: PhaseFacts, task: Task, record: TaskRecord | None, now: datetime) -> Rest:
    items = _items_left(task, record)
    if not items:
        return Rest(done_by(task), 0)
    elapsed = _elapsed(record, now) if record else 0.0
    return Rest(done_by(task), items, facts.observed.of(facts.name, task), elapsed)


def _items_left(task: Task, record: TaskRecord | None) -> int:
    if record and record.ended:
        return 0
    return _total(task, record) - (record.ended_mask.bit_count() if record else 0)


def _total(task: Task, record: TaskRecord | None) -> int:
    """Return how many items a task has; as many as its spec tells until they are known."""
    known = record and (record.total or record.ended)
    return record.total if record and known else expected_items(task)


def _elapsed(record: TaskRecord, now: datetime) -> float:
    """Seconds that a task's first attempt has been running; 0 where that is not the live one."""
    first = not record.fan_out and record.attempt == 1 and record.state is TaskState.RUNNING
    if not first or record.started_at is None:
        return 0.0
    return max((now - record.started_at).total_seconds(), 0.0)


def _times(facts: PhaseFacts, rests: Mapping[str, Rest]) -> dict[str, Estimate]:
    usual = facts.usual
    return {
        name: task_time(
            rest, facts.width.of(rest.agent, rest.items, facts.tasks[name].parallelism), usual
        )
        for name, rest in rests.items()
    }


def _critical(
    graph: Graph, tails: Mapping[str, Estimate], rests: Mapping[str, Rest]
) -> tuple[str, ...]:
    """Return the tasks of the longest path that have not ended, in order."""
    found = []
    nodes: tuple[str, ...] = tuple(tails)
    while nodes:
        node = max(nodes, key=lambda name: tails[name].seconds)
        if rests[node].items:
            found.append(node)
        nodes = graph.children[node]
    return tuple(found)


def _work(facts: PhaseFacts, rests: Mapping[str, Rest]) -> tuple[float, float]:
    """Return the seconds of work that are done, and of all work."""
    done = total = 0.0
    for name, task in facts.tasks.items():
        record = facts.records.get(name)
        if record and is_benign(record):
            continue
        known = rests[name].durations or facts.observed.of(facts.name, task)
        each = known.mean if known else facts.usual
        total += each * _total(task, record)
        done += each * (record.ended_mask.bit_count() if record else 0)
    return done, total
