"""Measures how late the event loop is: what every other thing in the process waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

PROBE_SECONDS = 0.5


async def measure_lag(
    observe: Callable[[float], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Tell `observe` twice a second by how many seconds a pause was too long, until cancelled."""
    while True:
        due = now() + PROBE_SECONDS
        await sleep(PROBE_SECONDS)
        observe(max(now() - due, 0.0))
