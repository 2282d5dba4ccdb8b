"""How the attempts of one revision ended: counts, cost, and a bounded sample of durations.

Durations are those of attempts that succeeded: one that fails fast must not make a revision
look fast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from ...api.rollout import RevisionFigures
from ..attempts.evidence import Kind

KEPT = 100
"""Durations that are kept, the newest."""
CRASHES = frozenset({"WorkerRestarted", "GivenBack"})
"""Reasons of losses that speak against the revision itself."""
_LONGEST = 10**12
_MOST_COST = Decimal(10) ** 12 - Decimal("0.000000000001")
_ENDLESS = 1e9

Figures = Mapping[str, float | None]
"""What conditions read of a revision, by name; None for what is not known."""


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How one attempt ended. `seconds` is how long it took, if known."""

    kind: Kind
    seconds: float | None = 0
    cost: Decimal = Decimal(0)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RevisionStats:
    """The ended attempts of a revision; those that crashed their worker are among the lost.

    `sample` holds milliseconds, newest last, at most KEPT of them. `counted` has the ids of those
    attempts that must not be counted twice, whatever happens between their end and its record.
    """

    succeeded: int = 0
    failed: int = 0
    lost: int = 0
    crashed: int = 0
    cost: Decimal = Decimal(0)
    sample: tuple[int, ...] = ()
    counted: frozenset[str] = frozenset()

    @property
    def judged(self) -> int:
        """Attempts that succeeded or failed."""
        return self.succeeded + self.failed

    @property
    def ended(self) -> int:
        """Attempts that say something of the revision: all but those that others lost."""
        return self.judged + self.crashed

    def add_once(self, attempt: str, end: AttemptEnd) -> RevisionStats:
        """Return the statistics with the end of an attempt, unless its id was counted before."""
        if attempt in self.counted:
            return self
        return replace(self.add(end), counted=self.counted | {attempt})

    def add(self, end: AttemptEnd) -> RevisionStats:
        """Return the statistics with one more attempt."""
        cost = min(self.cost + end.cost, _MOST_COST)
        if end.kind is Kind.SUCCEEDED:
            sample = (*self.sample, *_millis(end.seconds))[-KEPT:]
            return replace(self, succeeded=self.succeeded + 1, cost=cost, sample=sample)
        if end.kind is Kind.FAILED:
            return replace(self, failed=self.failed + 1, cost=cost)
        crashed = self.crashed + (end.reason in CRASHES)
        return replace(self, lost=self.lost + 1, crashed=crashed, cost=cost)

    def quantile(self, share: float) -> float | None:
        """Return the seconds that this share of the successful attempts took at most."""
        return _quantile([each / 1000 for each in self.sample], share)

    def figures(self) -> Figures:
        """Return what conditions read."""
        return self._figures(self.failed, self.judged, float(self.cost), ())

    def best(self, rest: int) -> Figures:
        """Return the figures if so many more attempts succeed in no time and cost nothing."""
        return self._figures(self.failed, self.judged + rest, float(self.cost), (0.0,) * rest)

    def worst(self, rest: int) -> Figures:
        """Return the figures if so many more attempts are as bad as can be, each in its way."""
        cost = float(self.cost) + (_ENDLESS * rest)
        times = (_ENDLESS,) * rest
        return self._figures(self.failed + rest, self.judged + rest, cost, times)

    def _figures(self, failed: int, judged: int, cost: float, more: tuple[float, ...]) -> Figures:
        times = [*(each / 1000 for each in self.sample), *more]
        return {
            "failureRatio": failed / judged if judged else None,
            "p50Seconds": _quantile(times, 0.5),
            "p95Seconds": _quantile(times, 0.95),
            "costPerTask": cost / judged if judged else None,
            "attempts": float(judged + self.crashed),
            "losses": float(self.lost),
        }


NO_STATS = RevisionStats()


def _millis(seconds: float | None) -> tuple[int, ...]:
    return () if seconds is None else (min(max(round(seconds * 1000), 0), _LONGEST),)


def counted_of(stats: Mapping[str, RevisionStats]) -> frozenset[str]:
    """Return the ids of the attempts that must not be counted again."""
    return frozenset[str]().union(*(each.counted for each in stats.values()))


def _quantile(values: Iterable[float], share: float) -> float | None:
    """Return the nearest rank, or None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def render_stats(revision: str, stats: RevisionStats) -> dict[str, Any]:
    """Return statistics as a status has them, see `RevisionFigures`.

    Some 1,500 bytes at most, and 11 for each attempt of the revision under way.
    """
    figures = RevisionFigures(
        revision=revision,
        succeeded=stats.succeeded,
        failed=stats.failed,
        lost=stats.lost,
        crashed=stats.crashed,
        cost=f"{stats.cost:f}",
        p50_seconds=_shown(stats.quantile(0.5)),
        p95_seconds=_shown(stats.quantile(0.95)),
        sample=" ".join(str(each) for each in stats.sample),
        counted=" ".join(sorted(stats.counted)),
    )
    return figures.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def parse_stats(documents: Iterable[Any]) -> dict[str, RevisionStats]:
    """Return the statistics of each revision; what cannot be read counts as none."""
    found: dict[str, RevisionStats] = {}
    for document in documents:
        try:
            figures = RevisionFigures.model_validate(document)
            found[figures.revision] = _stats(figures)
        except (ValidationError, InvalidOperation, ValueError):
            continue
    return found


def _stats(figures: RevisionFigures) -> RevisionStats:
    return RevisionStats(
        succeeded=figures.succeeded,
        failed=figures.failed,
        lost=figures.lost,
        crashed=min(figures.crashed, figures.lost),
        cost=Decimal(figures.cost),
        sample=tuple(min(int(each), _LONGEST) for each in figures.sample.split())[-KEPT:],
        counted=frozenset(figures.counted.split()),
    )


def _shown(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}"
