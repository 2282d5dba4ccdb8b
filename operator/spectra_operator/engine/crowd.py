"""Phases that may start more, and wait until fewer writes wait: a pod's body takes memory."""

from __future__ import annotations

from itertools import islice

from .keys import Key
from .queue import WorkQueue

MOST_AT_ONCE = 256
"""Writes that runs wait for which may be held in memory; a pod's has its whole input."""
FEW = MOST_AT_ONCE // 2
"""Phases go on when so few are left: by then each pass has room for many."""


class Crowd:
    """Phases in the order in which they found no room."""

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self._phases: dict[Key, None] = {}

    def join(self, phase: Key) -> None:
        """Let a phase wait. Only for one that found no room: as many writes are still to end."""
        self._phases[phase] = None

    def drained(self, left: int) -> None:
        """Let phases go on, since so many writes are left; none waits any longer than the last."""
        if not self._phases or left > FEW:
            return
        for phase in list(islice(self._phases, MOST_AT_ONCE - left if left else None)):
            del self._phases[phase]
            self._queue.add(phase)
