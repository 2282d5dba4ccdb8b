"""About how long the rest takes, from the durations seen so far.

The time of a task's attempt is taken as a mean and a variance. Along a path both add up, and a sum
of many times is spread about like a normal distribution: its median is then its mean, and nine of
ten sums lie below the mean and 1.28 standard deviations. Medians do not add up (the median of a sum
of skewed times is not the sum of their medians), so means are what is added. The items of a
fan-out that run side by side end with the slowest of them, which is reckoned with (Clark's formulas
for the larger of two normal times). That different paths may each turn out the longest is not, so
that a graph with many paths of nearly the same length takes a little longer than the estimate. In
return an estimate costs one walk over the graph, and the same samples always give the same answer.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..graph import Graph
from .durations import Durations

_Z90 = 1.2815515655446004
"""Standard deviations above the mean that nine of ten normal times stay below."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A time to come: mean in seconds, variance in square seconds."""

    seconds: float = 0.0
    variance: float = 0.0

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.seconds + other.seconds, self.variance + other.variance)

    @property
    def p90(self) -> float:
        """Seconds that nine of ten times stay below."""
        return self.seconds + _Z90 * math.sqrt(self.variance)


NOTHING = Estimate()


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a task: items that have not ended, and what is known of their times.

    `elapsed` is how many seconds its only item has been running.
    """

    agent: str
    items: int
    durations: Durations | None = None
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True)
class Width:
    """How many attempts may run at once: by agent, and in the phase. None for no limit.

    What several agents can do stands under the words that `policy.done_by` has for them.
    """

    agents: Mapping[str, int | None] = field(default_factory=dict)
    phase: int | None = None

    def of(self, agent: str, items: int, own: int | None = None) -> int:
        """Return how many of a task's items can run at once; `own` is the task's parallelism."""
        limits = (self.agents.get(agent), self.phase, own)
        return max(min([items, *(limit for limit in limits if limit)]), 1)


NO_LIMITS = Width()


def task_time(rest: Rest, width: int, usual: float) -> Estimate:
    """Return the time that a task still takes when `width` items of it run at once.

    `usual` stands in, in seconds, for durations that are not known.
    """
    if not rest.items:
        return NOTHING
    if rest.durations is None:
        return Estimate(usual * math.ceil(rest.items / width))
    if rest.elapsed:
        left = rest.durations.after(rest.elapsed)
        return Estimate(left.mean, left.variance) if left else NOTHING
    rounds = math.ceil(rest.items / width)
    each = Estimate(rest.durations.mean, rest.durations.variance)
    before = Estimate(each.seconds * (rounds - 1), each.variance * (rounds - 1))
    return before + slowest(each, width)


def slowest(each: Estimate, count: int) -> Estimate:
    """Return the time of the slowest of `count` independent attempts."""
    found = each
    for _ in range(count.bit_length() - 1):  # of two, of four, of eight
        found = _larger_of_two(found)
    return found


def _larger_of_two(time: Estimate) -> Estimate:
    """Clark's formulas for two independent times that are alike."""
    more = math.sqrt(time.variance / math.pi)
    return Estimate(time.seconds + more, time.variance * (1 - 1 / math.pi))


def paths(graph: Graph, times: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Return for each node the time of the longest path from it to an end, itself included."""
    found: dict[str, Estimate] = {}
    for name in reversed(graph.order):
        children = graph.children[name]
        rest = max((found[c] for c in children), key=_seconds) if children else NOTHING
        found[name] = times[name] + rest
    return found


def longest(graph: Graph, times: Mapping[str, Estimate]) -> Estimate:
    """Return the time of the longest path through a graph."""
    return max(paths(graph, times).values(), key=_seconds, default=NOTHING)


def _seconds(time: Estimate) -> float:
    return time.seconds


def phase_time(path: Estimate, rests: Mapping[str, Rest], width: Width, usual: float) -> Estimate:
    """Return the time of all that is left of a phase whose longest path is known.

    That is the path, and at least the work of all tasks of an agent, or of the phase, divided by
    its limit.
    """
    work: dict[str, Estimate] = defaultdict(Estimate)
    for rest in rests.values():
        work[rest.agent] += _work(rest, usual)
    shares = [_shared(w, limit) for a, w in work.items() if (limit := width.agents.get(a))]
    if width.phase:
        shares.append(_shared(sum(work.values(), NOTHING), width.phase))
    return max([path, *shares], key=_seconds)


def _work(rest: Rest, usual: float) -> Estimate:
    known = rest.durations
    if known is None:
        return Estimate(usual * rest.items)
    return Estimate(known.mean * rest.items, known.variance * rest.items)


def _shared(work: Estimate, limit: int) -> Estimate:
    return Estimate(work.seconds / limit, work.variance / limit**2)


def slack(graph: Graph, seconds: Callable[[str], float]) -> dict[str, float]:
    """Return how many seconds each node may be delayed without delaying the end of all."""
    ends: dict[str, float] = {}
    for name in graph.order:
        start = max((ends[p] for p in graph.parents[name]), default=0.0)
        ends[name] = start + seconds(name)
    after: dict[str, float] = {}
    for name in reversed(graph.order):
        children = graph.children[name]
        after[name] = max((after[c] + seconds(c) for c in children), default=0.0)
    end = max(ends.values(), default=0.0)
    return {name: max(end - ends[name] - after[name], 0.0) for name in graph.order}


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


def path_seconds(graph: Graph, seconds: Mapping[str, float]) -> float:
    """Return the length of the longest path through phases of the given lengths."""
    return longest(graph, {name: Estimate(length) for name, length in seconds.items()}).seconds
