"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTLE_TURNS = 100


class FakeClock:
    """A `kube.clock.Clock` in the hands of a test.

    `advance` moves the time in one step and wakes whoever is due, earliest deadline first;
    sleepers do not run before the test awaits something, best `settle`. `run_for` moves from
    deadline to deadline and settles at each, as real time would.
    """

    def __init__(self, start: datetime = START) -> None:
        """Stop the clock at the given moment (aware, in UTC)."""
        self._start = start
        self._elapsed = 0.0
        self._count = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Return the wall-clock time."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        return self._elapsed

    def busy(self) -> float:
        """Return the same: work takes no time unless a test says so."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced so far; at zero or less, yield once."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._elapsed + seconds, self._count, woken))
        await woken

    @property
    def sleepers(self) -> int:
        """How many are asleep now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def next_deadline(self) -> float | None:
        """Return the monotonic time at which the next sleeper is due; None if nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def forget_woken(self) -> None:
        """Drop those who sleep no longer, such as cancelled ones, before their deadlines."""
        self._sleepers = [each for each in self._sleepers if not each[2].done()]
        heapq.heapify(self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move the time on and wake whoever is due.

        Raises:
            ValueError: The time would run backwards.
        """
        if seconds < 0:
            raise ValueError(f"cannot advance by {seconds} s: time does not run backwards")
        self._elapsed += seconds
        while (due := self.next_deadline()) is not None and due <= self._elapsed:
            _, _, woken = heapq.heappop(self._sleepers)
            woken.set_result(None)

    async def settle(self, turns: int = SETTLE_TURNS) -> None:
        """Let the event loop turn, so that all that can run without time passing has run.

        Args:
            turns: Bound of loop turns; raise it for long chains of hand-overs. Work that waits
                for a socket is not waited for: wait for its outcome instead.
        """
        for _ in range(turns):
            await asyncio.sleep(0)

    async def run_for(self, seconds: float) -> None:
        """Let the time pass as real time would: deadline by deadline, settling at each."""
        end = self._elapsed + seconds
        await self.settle()
        while (due := self.next_deadline()) is not None and due <= end:
            self.advance(due - self._elapsed)
            await self.settle()
        self.advance(end - self._elapsed)
        await self.settle()
