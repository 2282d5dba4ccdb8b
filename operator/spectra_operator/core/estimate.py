"""About how long the rest takes, from the durations seen so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .graph import Graph, longest_paths
from .records import TaskRecord

MeanSeconds = Callable[[str], float | None]
"""Mean duration of an agent's attempts in seconds; None while none was seen."""


def phase_seconds(
    graph: Graph, agents: Mapping[str, str], records: Mapping[str, TaskRecord], mean: MeanSeconds
) -> float | None:
    """Return the seconds on the longest path of what is not done, or None without a clue.

    `agents` maps a task to its agent. An agent that was never seen is taken to be like the mean
    of the others.
    """
    known = [m for m in (mean(agent) for agent in set(agents.values())) if m is not None]
    if not known:
        return None
    usual = sum(known) / len(known)

    def weight(name: str) -> float:
        record = records.get(name)
        if record and record.ended:
            return 0.0
        seconds = mean(agents[name])
        return usual if seconds is None else seconds

    return max(longest_paths(graph, weight).values(), default=0.0)


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
