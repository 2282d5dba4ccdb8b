"""Figures of a run in print."""

from __future__ import annotations

from collections.abc import Sequence


def spread(name: str, seconds: Sequence[float]) -> str:
    """Return the distribution of a measure in milliseconds, in a line."""
    if not seconds:
        return f"{name}: none"
    found = sorted(seconds)
    last = len(found) - 1
    shown = [f"p{p} {1000 * found[min(len(found) * p // 100, last)]:.1f}" for p in (50, 90, 99)]
    return f"{name}: {', '.join(shown)}, max {1000 * found[last]:.1f} ms ({len(found)})"
