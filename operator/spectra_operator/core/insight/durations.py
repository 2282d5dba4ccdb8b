"""How long attempts took: the newest samples of each task and agent, and what follows from them.

A sample is the time from the creation of an attempt's pod to its end: what its slot was held for,
and what its successors waited for.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ...api.task import Task
from ..policy import agent_of

KEPT = 32
"""Samples that are kept of one task or agent, the newest."""
MAX_PATHS = 1024
"""Tasks that a template's status keeps samples of."""

Samples = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Durations:
    """Milliseconds that attempts took, newest last, at most 32.

    `planned` tells that the one sample is a person's word and was not seen.
    """

    samples: Samples
    planned: bool = False

    @property
    def count(self) -> int:
        """How many attempts were seen."""
        return 0 if self.planned else len(self.samples)

    @property
    def median(self) -> float:
        """Seconds that half of the attempts took at most."""
        return statistics.median(self.samples) / 1000

    @property
    def p90(self) -> float:
        """Seconds that nine of ten attempts took at most (nearest rank)."""
        return sorted(self.samples)[math.ceil(0.9 * len(self.samples)) - 1] / 1000

    @property
    def mean(self) -> float:
        """Mean in seconds."""
        return _moments(self.samples)[0]

    @property
    def variance(self) -> float:
        """Variance in square seconds; 0 for one sample."""
        return _moments(self.samples)[1]

    def after(self, elapsed: float) -> Durations | None:
        """Return what those attempts still needed that took longer than `elapsed` seconds.

        None if none did.
        """
        passed = round(elapsed * 1000)
        left = tuple(s - passed for s in self.samples if s > passed)
        return Durations(left, self.planned) if left else None


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen: `tasks` by `phase/task`, `agents` by name."""

    tasks: Mapping[str, Durations] = field(default_factory=dict)
    agents: Mapping[str, Durations] = field(default_factory=dict)

    def of(self, phase: str, task: Task) -> Durations | None:
        """Return the best that is known of a task: seen, else planned, else its agent's."""
        seen = self.tasks.get(task_path(phase, task.name))
        return seen or planned(task) or self.agents.get(agent_of(task, 0))

    @property
    def usual(self) -> float | None:
        """Seconds that an attempt of which nothing is known is weighed with: all agents' mean."""
        means = [d.mean for d in self.agents.values()] or [d.mean for d in self.tasks.values()]
        return sum(means) / len(means) if means else None


def task_path(phase: str, task: str) -> str:
    """Return the name of a task within its workflow."""
    return f"{phase}/{task}"


def planned(task: Task) -> Durations | None:
    """Return the duration that a task's plan gives, or None."""
    seconds = task.plan.duration_seconds if task.plan else None
    return Durations((seconds * 1000,), planned=True) if seconds else None


def add(known: Durations | None, milliseconds: int) -> Durations:
    """Return the samples with one more; the oldest leaves when there are too many."""
    before = known.samples if known else ()
    return Durations((*before, max(milliseconds, 0))[-KEPT:])


def joined(older: Mapping[str, Durations], newer: Mapping[str, Durations]) -> dict[str, Durations]:
    """Return the samples of both, for each task the newest 32; what ran last stands last."""
    found = {path: known for path, known in older.items() if path not in newer}
    for path, known in newer.items():
        before = older[path].samples if path in older else ()
        found[path] = Durations((*before, *known.samples)[-KEPT:])
    return found


def merge(
    stored: Mapping[str, list[int]] | None, noted: Mapping[str, Durations]
) -> dict[str, list[int]]:
    """Return a template's `status.observed` with the samples noted since it was written.

    Tasks that ran last stand last; when there are too many, those that ran longest ago go.
    """
    merged = joined(parse(stored), noted)
    return {path: list(known.samples) for path, known in list(merged.items())[-MAX_PATHS:]}


def parse(stored: Mapping[str, list[int]] | None) -> dict[str, Durations]:
    """Return the samples that a template's `status.observed` holds."""
    return {path: Durations(tuple(s)[-KEPT:]) for path, s in (stored or {}).items() if s}


@lru_cache(maxsize=4096)
def _moments(samples: Samples) -> tuple[float, float]:
    """Mean in seconds and variance in square seconds; asked for the same samples every second."""
    mean = sum(samples) / len(samples)
    spread = sum((s - mean) ** 2 for s in samples)
    return mean / 1000, spread / max(len(samples) - 1, 1) / 1e6
