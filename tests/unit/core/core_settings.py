"""How property tests of the core run: always the same examples, few enough to stay quick."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def steady(examples: int = 100) -> settings:
    """Return settings for a property test with that many examples."""
    return settings(
        derandomize=True,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
