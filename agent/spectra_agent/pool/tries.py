"""Failures in a row: how long to wait after each, and what to say of them."""

from __future__ import annotations

from spectra_agent.pool.line import CallError
from spectra_agent.pool.settings import Backoff, say


class Tries:
    """The failures of one thread. The first one and the end of an outage go to the log."""

    def __init__(self, what: str, backoff: Backoff) -> None:
        self._what = what
        self._backoff = backoff
        self._failures = 0

    def failed(self, error: CallError) -> float:
        """Count one more; the seconds to wait before the next try."""
        self._failures += 1
        if self._failures == 1:
            say(f"{self._what}: {error}; trying again")
        return max(error.wait, self._backoff.seconds(self._failures))

    def worked(self) -> None:
        """The outage, if there was one, is over."""
        if self._failures:
            say(f"{self._what}: works again after {self._failures} failed tries")
        self._failures = 0
