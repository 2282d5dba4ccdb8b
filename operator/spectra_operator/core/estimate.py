"""About how long the rest takes, from the durations seen so far."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .graph import Graph, longest_paths
from .records import TaskRecord

MeanSeconds = Callable[[str], float | None]
"""Mean duration of an agent's attempts in seconds; None while none was seen."""


@dataclass(frozen=True, slots=True)
class Width:
    """How many attempts may run at once: by agent, and in the phase. None for no limit."""

    agents: Mapping[str, int | None] = field(default_factory=dict)
    phase: int | None = None

    def of(self, agent: str, items: int) -> int:
        """Return how many of a task's items can run at once."""
        limits = (self.agents.get(agent), self.phase)
        return max(min([items, *(limit for limit in limits if limit)]), 1)


NO_LIMITS = Width()


def phase_seconds(
    graph: Graph,
    agents: Mapping[str, str],
    records: Mapping[str, TaskRecord],
    mean: MeanSeconds,
    width: Width = NO_LIMITS,
) -> float | None:
    """Return about how many seconds what is not done will take, or None without a clue.

    That is the longest path, with a fan-out taken in rounds as wide as the limits allow; and at
    least the work of all tasks of an agent, or of the phase, divided by its limit. `agents` maps a
    task to its agent. An agent that was never seen is taken to be like the mean of the others.
    """
    known = [m for m in (mean(agent) for agent in set(agents.values())) if m is not None]
    if not known:
        return None
    usual = sum(known) / len(known)
    rounds: dict[str, float] = {}
    work: dict[str, float] = defaultdict(float)
    for name, agent in agents.items():
        left = _left(records.get(name))
        seen = mean(agent)
        seconds = usual if seen is None else seen
        rounds[name] = seconds * math.ceil(left / width.of(agent, left))
        work[agent] += seconds * left
    shares = [total / limit for a, total in work.items() if (limit := width.agents.get(a))]
    if width.phase:
        shares.append(sum(work.values()) / width.phase)
    path = max(longest_paths(graph, lambda name: rounds[name]).values(), default=0.0)
    return max([path, *shares])


def _left(record: TaskRecord | None) -> int:
    """Return how many items of a task have not ended."""
    if record is None:
        return 1
    return 0 if record.ended else record.total - record.ended_mask.bit_count()


def path_seconds(graph: Graph, seconds: Mapping[str, float]) -> float:
    """Return the length of the longest path through phases of the given lengths."""
    return max(longest_paths(graph, lambda name: seconds[name]).values(), default=0.0)


def in_words(seconds: float) -> str:
    """Return a duration as kubectl writes one: 40s, 3m, 2h, 4d."""
    whole = max(round(seconds), 0)
    if whole < 120:
        return f"{whole}s"
    if whole < 7_200:
        return f"{whole // 60}m"
    if whole < 172_800:
        return f"{whole // 3600}h"
    return f"{whole // 86_400}d"
