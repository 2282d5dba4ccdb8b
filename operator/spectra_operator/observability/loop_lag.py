"""How late the event loop is: everything that the operator does waits for its turn in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

TICK_SECONDS = 0.25
"""How often it is measured."""
WINDOW_SECONDS = 10.0
"""How long a measurement counts: as long as the pause between two probes, so that one late turn is
seen by one of them, and only a loop that is late again and again is given up."""


class LoopLag:
    """Measures by how many seconds a sleep of a known length was too long."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        observe: Callable[[float], None],
    ) -> None:
        """Prepare; the first two are those of a clock, `observe` is told each measured lag."""
        self._observe = observe
        self._monotonic = monotonic
        self._sleep = sleep
        self._due = monotonic() + TICK_SECONDS
        self._seen: deque[tuple[float, float]] = deque()
        """When and by how much, the largest first: what a later one exceeds is not kept."""

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            self._due = self._monotonic() + TICK_SECONDS
            await self._sleep(TICK_SECONDS)
            self._note(self._monotonic())

    def worst(self) -> float:
        """Return the longest lag of the last 10 s in seconds, one that still lasts included."""
        now = self._monotonic()
        self._forget(now)
        known = self._seen[0][1] if self._seen else 0.0
        return max(known, now - self._due, 0.0)

    def _note(self, now: float) -> None:
        lag = max(now - self._due, 0.0)
        self._observe(lag)
        while self._seen and self._seen[-1][1] <= lag:
            self._seen.pop()
        self._seen.append((now, lag))
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._seen and self._seen[0][0] < now - WINDOW_SECONDS:
            self._seen.popleft()
