"""Small texts: ages, ranges that are too long, counts of many."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from spectra_operator.core.attempts.evidence import instant
from spectra_operator.core.insight.estimate import in_words

RANGE_TEXT = 48
"""Characters of index ranges that are shown before they are folded."""


def age(since: Any, now: datetime) -> str:
    """Return how long ago a timestamp of an object was; empty without one."""
    began = instant(since)
    return in_words((now - began).total_seconds()) if began else ""


def took(started: Any, finished: Any, now: datetime) -> str:
    """Return how long something took, or has taken so far; empty before its start."""
    end = instant(finished)
    return age(started, end or now)


def folded(ranges: str, limit: int = RANGE_TEXT) -> str:
    """Return index ranges, cut after a whole range if they are long: 0-3,7,… (12 more)."""
    if len(ranges) <= limit:
        return ranges
    parts = ranges.split(",")
    shown = ranges[:limit].rsplit(",", 1)[0] if "," in ranges[:limit] else parts[0]
    return f"{shown},… ({len(parts) - len(shown.split(','))} more)"


def counted(words: Iterable[str]) -> str:
    """Return how often each word comes, the most frequent first: 700 Succeeded, 3 Waiting."""
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count:,} {word}" for word, count in ordered)


def one_line(text: str, limit: int = 120) -> str:
    """Return a text on one line, cut if it is long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
