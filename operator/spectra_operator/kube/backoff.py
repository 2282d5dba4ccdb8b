"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable


def _system_jitter() -> float:
    return random.random()  # noqa: S311 - spreads load, guards nothing


class Backoff:
    """Delays that double from failure to failure, up to a ceiling.

    The first retry is immediate: most failures are one cut connection, and nobody gains
    from waiting then. From the second on, delays are drawn from the upper half of the step,
    so that clients which failed together do not come back together.
    """

    def __init__(
        self,
        *,
        initial: float = 0.25,
        maximum: float = 30.0,
        jitter: Callable[[], float] = _system_jitter,
    ) -> None:
        """Start without failures.

        Args:
            initial: The second retry's delay in seconds.
            maximum: The longest delay in seconds.
            jitter: Returns numbers in [0, 1).
        """
        self._initial = initial
        self._maximum = maximum
        self._jitter = jitter
        self._failures = 0

    def reset(self) -> None:
        """Forget the failures: something worked."""
        self._failures = 0

    def next(self) -> float:
        """Count a failure and return the seconds to wait before the retry."""
        self._failures += 1
        if self._failures == 1:
            return 0.0
        exponent = min(self._failures - 2, 32)  # far past the ceiling, far from overflow
        step = min(self._maximum, self._initial * float(2**exponent))
        return step * (0.5 + 0.5 * self._jitter())
