"""When the next attempt may start: exponential pauses with deterministic jitter."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from ..api.common import Backoff


def not_before(backoff: Backoff, ended: datetime, tries: int, key: str) -> datetime:
    """Return when the attempt after the `tries`-th unsuccessful one may start.

    The pause is initialSeconds * factor^(tries-1), at most maxSeconds, less a share of at most
    jitterPercent that depends on `key` and `tries` alone, so that every replica and every restart
    computes the same instant.
    """
    exponent = min(tries - 1, 64)
    pause = min(float(backoff.initial_seconds) * backoff.factor**exponent, backoff.max_seconds)
    spread = backoff.jitter_percent / 100
    return ended + timedelta(seconds=pause * (1 - spread + spread * jitter(f"{key}/{tries}")))


def jitter(key: str) -> float:
    """Return a number in [0, 1) that depends on the key alone."""
    digest = hashlib.sha256(key.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
