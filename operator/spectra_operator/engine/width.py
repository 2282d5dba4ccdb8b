"""How many writes may be under way at once: fewer while the API server has too much to do.

Half as many after a refusal (429), a failure or an answer that took long, once for all that were
under way together; and one more for each round of answers that went well. That is additive
increase and multiplicative decrease, as congestion control has it (Chiu and Jain, 1989): several
clients that do so come to even shares.
"""

from __future__ import annotations

import asyncio

LEAST = 4
SLOW_SECONDS = 5.0
"""An answer that takes longer says that requests pile up: one that waits its turn in a queue of the
API server has long missed the moment for which it was meant."""


class Width:
    """Counts what is under way, and lets the rest wait.

    Attributes:
        most: The width while all goes well.
        now: The width as it is.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = float(most)
        self._busy = 0
        self._narrowed_at = -1.0
        self._room = asyncio.Event()

    async def enter(self) -> None:
        """Wait until one more may be under way, and count it."""
        while self._busy >= int(self.now):
            self._room.clear()
            await self._room.wait()
        self._busy += 1

    def leave(self, began: float, ended: float, *, well: bool) -> None:
        """Take in that something is no longer under way, and how it went.

        Args:
            began: When it was begun, in seconds of any clock that does not go back.
            ended: When it ended, by the same clock.
            well: Whether the API server did what was asked, or refused it for good.
        """
        self._busy -= 1
        if well and ended - began <= SLOW_SECONDS:
            self.now = min(self.now + 1 / self.now, float(self.most))
        elif began > self._narrowed_at:
            self._narrowed_at = ended
            self.now = max(self.now / 2, float(min(LEAST, self.most)))
        self._room.set()
