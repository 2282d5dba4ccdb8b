"""Brings caches up to now, once for all who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Refresh:
    """Does some steps, one after the other; a run is for all who asked before it began.

    Shards that are taken over together need the same lists. One that began before somebody asked
    is none for them: what they wait for may have happened since.
    """

    def __init__(self, *steps: Callable[[], Awaitable[None]]) -> None:
        self._steps = steps
        self._turn = asyncio.Lock()
        self._begun = 0
        self._done = 0

    async def __call__(self) -> None:
        """Return when a run has ended that began after the call."""
        wanted = self._begun + 1
        async with self._turn:
            if self._done >= wanted:
                return
            self._begun += 1
            run = self._begun
            for step in self._steps:
                await step()
            self._done = run
