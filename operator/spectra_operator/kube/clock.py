"""Time as a dependency, so that everything that waits can be tested without waiting."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Return the wall-clock time: aware, in UTC. For people and API fields only."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards. For every duration and deadline."""
        ...

    def busy(self) -> float:
        """Return the seconds of processor time that this thread has used. For what work costs.

        On a crowded machine they are fewer than those that pass while the work is done.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for the given number of seconds; at zero or less, yield once."""
        ...


_STEADY = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the wall-clock time: aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start, time spent suspended included.

        Python's monotonic clock stands still while a Linux machine is suspended; a lease
        measured by it would look held after the machine wakes up.
        """
        return time.clock_gettime(_STEADY)

    def busy(self) -> float:
        """Return the seconds of processor time that this thread has used."""
        return time.thread_time()

    async def sleep(self, seconds: float) -> None:
        """Wait for the given number of seconds; at zero or less, yield once."""
        await asyncio.sleep(max(0.0, seconds))
