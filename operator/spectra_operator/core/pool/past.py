"""What scaling remembers: past recommendations, changes and failures, bounded and as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

MAX_TEXT = 8192
"""Bytes of a past as text; what is kept fits in it."""
MAX_ENTRIES = 64
"""Entries of each sort that are kept."""
MAX_REVISIONS = 4
"""Revisions whose failures are kept."""
LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A number of workers that the tasks made wanted, and when it was last wanted."""

    at: datetime
    replicas: int


@dataclass(frozen=True, slots=True)
class ScaleChange:
    """A change of the number of workers that there should be: by how many, and when."""

    at: datetime
    by: int


@dataclass(frozen=True, slots=True)
class Failures:
    """How often in a row new workers of a revision failed; `at` is when one last did."""

    revision: str = ""
    rounds: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What a decision leaves to the next one. The empty one stands for a start without memory.

    Attributes:
        target: How many workers there should be, as last decided; None: as many as there are.
        wanted: The recommendation that holds now; None: none was made yet.
        history: Recommendations that held before, oldest first, as far as they still count.
        changes: Changes of the target, oldest first, as far as they still count.
        failures: Failures in a row, of each revision that has any.
    """

    target: int | None = None
    wanted: int | None = None
    history: tuple[Recommendation, ...] = ()
    changes: tuple[ScaleChange, ...] = ()
    failures: tuple[Failures, ...] = ()


NO_PAST = Past()


@dataclass(frozen=True, slots=True)
class Windows:
    """How far back recommendations count: for growth, for shrinking, for the step to zero."""

    up: timedelta
    down: timedelta
    cooldown: timedelta


def recorded(
    history: tuple[Recommendation, ...], wanted: int, windows: Windows, now: datetime
) -> tuple[Recommendation, ...]:
    """Return what of a history can still be the largest or the smallest beside `wanted`.

    A recommendation cannot be the largest any more once a later one was as large. When more are
    left than fit, neighbours become one that errs towards the slower change.
    """
    known = [Recommendation(min(each.at, now), each.replicas) for each in history]
    tops = list(_steps(known, wanted, lambda new, best: new > best))
    kept = [each for each in tops if each.at > now - windows.down]
    if tops and tops[-1] not in kept and tops[-1].at > now - windows.cooldown:
        kept = [tops[-1]]
    bottoms = _steps(known, wanted, lambda new, best: new < best)
    low = [each for each in bottoms if each.at > now - windows.up]
    both = {*_bounded(kept, _later), *_bounded(low, _later)}
    return tuple(sorted(both, key=lambda each: (each.at, each.replicas)))


def remembered(
    changes: Iterable[ScaleChange], longest: timedelta, now: datetime
) -> tuple[ScaleChange, ...]:
    """Return the changes that a policy's period can still reach back to."""
    known = [ScaleChange(min(each.at, now), each.by) for each in changes]
    recent = [each for each in known if each.at > now - longest]
    up = _bounded([each for each in recent if each.by > 0], _together)
    down = _bounded([each for each in recent if each.by < 0], _together)
    return tuple(sorted([*up, *down], key=lambda each: each.at))


def render_history(past: Past) -> str:
    """Return a past as compact JSON of at most MAX_TEXT bytes."""
    document: dict[str, Any] = {
        "target": past.target,
        "wanted": past.wanted,
        "history": [[_millis(each.at), each.replicas] for each in past.history],
        "changes": [[_millis(each.at), each.by] for each in past.changes],
    }
    failures = [[f.revision, f.rounds, _millis(f.at)] for f in past.failures if f.at is not None]
    if failures:
        document["failures"] = failures[-MAX_REVISIONS:]
    return json.dumps(document, separators=(",", ":"))


def parse_history(text: str) -> Past:
    """Return the past that a text tells of.

    A text that is none, is too long, or was changed by somebody into something else is a start
    without memory: scaling must not stop because of it.
    """
    if len(text) > MAX_TEXT:
        return NO_PAST
    try:
        return _past(json.loads(text))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        return NO_PAST


def _past(document: dict[str, Any]) -> Past:
    return Past(
        target=_optional(document.get("target")),
        wanted=_optional(document.get("wanted")),
        history=tuple(
            Recommendation(_at(at), _count(replicas)) for at, replicas in document["history"]
        )[-2 * MAX_ENTRIES :],
        changes=tuple(ScaleChange(_at(at), _number(by)) for at, by in document["changes"])[
            -2 * MAX_ENTRIES :
        ],
        failures=tuple(
            Failures(str(revision), _count(rounds), _at(at))
            for revision, rounds, at in document.get("failures") or ()
        )[-MAX_REVISIONS:],
    )


def _number(value: Any) -> int:
    if type(value) is not int or abs(value) > LARGEST:
        raise ValueError(f"no number of workers: {value!r}")
    return value


def _count(value: Any) -> int:
    if _number(value) < 0:
        raise ValueError(f"no number of workers: {value!r}")
    return int(value)


def _optional(value: Any) -> int | None:
    return None if value is None else _count(value)


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _at(value: Any) -> datetime:
    if type(value) is not int:
        raise ValueError(f"no time: {value!r}")
    return datetime.fromtimestamp(value / 1000, UTC)


def _steps(
    known: list[Recommendation], wanted: int, beats: Callable[[int, int], bool]
) -> list[Recommendation]:
    """Return, oldest first, those that beat everything that came after them."""
    best, steps = wanted, []
    for each in reversed(known):
        if beats(each.replicas, best):
            best = each.replicas
            steps.append(each)
    return steps[::-1]


_Entry = TypeVar("_Entry", Recommendation, ScaleChange)


def _bounded(entries: list[_Entry], merged: Callable[[_Entry, _Entry], _Entry]) -> list[_Entry]:
    """Make neighbours in time one until few enough are left."""
    kept = list(entries)
    while len(kept) > MAX_ENTRIES:
        gaps = [after.at - before.at for before, after in pairwise(kept)]
        place = gaps.index(min(gaps))
        kept[place : place + 2] = [merged(kept[place], kept[place + 1])]
    return kept


def _later(before: Recommendation, after: Recommendation) -> Recommendation:
    return Recommendation(after.at, before.replicas)


def _together(before: ScaleChange, after: ScaleChange) -> ScaleChange:
    return ScaleChange(after.at, before.by + after.by)
