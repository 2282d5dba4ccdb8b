"""The work queue: keys that want a pass now, and keys that want one later.

A key stands in it once, however often it was added; what happens while it waits is taken up in
the one pass. Passes are synchronous, so a key is never worked on twice at a time.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import Any

from ..kube.clock import Clock
from .keys import Key

logger = logging.getLogger(__name__)

_FIRST_BACKOFF = 0.05
_LONGEST_BACKOFF = 60.0
_TURNS = 4


def backoff(tries: int) -> float:
    """Return the seconds to pause after this many failures in a row (1 or more)."""
    return min(_FIRST_BACKOFF * 2.0 ** min(tries - 1, 20), _LONGEST_BACKOFF)


@dataclass(frozen=True, slots=True)
class QueuePicture:
    """How a queue stands: how many keys want a pass now, later, or again after a failure.

    `oldest_seconds` is what the key that waits longest has waited. The keys shown are the first of
    those that wait now, with their seconds, and those whose passes failed most often in a row, with
    how often.
    """

    ready: int
    later: int
    failing: int
    oldest_seconds: float
    heads: tuple[tuple[Key, float], ...]
    failures: tuple[tuple[Key, int], ...]


class WorkQueue:
    """Keys in the order in which they became due. Times are seconds of the monotonic clock."""

    def __init__(self, clock: Clock, waits: Callable[[str], bool] = lambda _: False) -> None:
        """Prepare; `waits` says of a namespace whether its keys get no turn until `let_in`."""
        self._clock = clock
        self._waits = waits
        self._outside: dict[Key, float] = {}
        self._ready: OrderedDict[Key, float] = OrderedDict()
        self._behind: OrderedDict[Key, float] = OrderedDict()
        self._taken = 0
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = count()
        self._failures: dict[Key, int] = {}
        self._rests: dict[Key, float] = {}
        self._heavy: set[Key] = set()
        self._quiet_until = 0.0
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._ready) + len(self._behind) + len(self._outside)

    def add(self, key: Key) -> None:
        """Ask for a pass as soon as possible: now, or when the key has rested."""
        if key in self._ready:
            return
        if self._waits(key.namespace):
            self._outside.setdefault(key, self._clock.monotonic())
            return
        rested = self._rests.get(key)
        if rested is not None and rested > self._clock.monotonic():
            self.add_at(key, rested)
            return
        self._behind.pop(key, None)
        self._ready[key] = self._clock.monotonic()
        self._changed.set()

    def add_behind(self, key: Key) -> None:
        """Ask for a pass that others need not wait behind: it has every fourth turn at least."""
        if key in self._ready:
            return
        self.add(key)
        since = self._ready.pop(key, None)
        if since is not None:
            self._behind[key] = since

    def add_first(self, key: Key) -> None:
        """Ask for a pass before all others, unless the key rests: a whole phase waits for it."""
        self.add(key)
        if key in self._ready:
            self._ready.move_to_end(key, last=False)

    def let_in(self, concerns: Callable[[str], bool]) -> list[Key]:
        """Return the keys of namespaces that had to wait, in their order, and keep them no more."""
        found = [key for key in self._outside if concerns(key.namespace)]
        for key in found:
            del self._outside[key]
        return found

    def add_at(self, key: Key, due: float) -> None:
        """Ask for a pass at a time; the earliest of several wishes counts.

        A pass says anew when it wants the next one, so a later wish need not be kept.
        """
        known = self._due.get(key)
        if known is not None and known <= due:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._order), key))
        self._changed.set()

    def rest(self, key: Key, seconds: float) -> None:
        """Give a key whose pass was long a rest, in which its events gather for one pass.

        It holds for what the pass itself asked for, too. For a third of the time no other key
        whose last pass was long gets a turn either: together they leave others most of the loop.
        """
        now = self._clock.monotonic()
        rested = self._rests[key] = now + seconds
        self._quiet_until = now + seconds / 3
        self._heavy.add(key)
        waits = self._ready.pop(key, None), self._behind.pop(key, None)
        if waits != (None, None):
            self.add_at(key, rested)

    def rested_at(self, key: Key) -> float:
        """Return when a key will have rested, in monotonic seconds; 0.0 if it does not rest."""
        return self._rests.get(key, 0.0)

    def back_off(self, key: Key) -> None:
        """Ask for a pass after a pause that doubles with every failure in a row."""
        tries = self._failures.get(key, 0) + 1
        self._failures[key] = tries
        pause = backoff(tries)
        logger.debug("%s: again in %.2f s, after failure %d in a row", key, pause, tries)
        self.add_at(key, self._clock.monotonic() + pause)

    def succeeded(self, key: Key) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    def is_failing(self, key: Key) -> bool:
        """Whether the last that was tried for a key failed."""
        return key in self._failures

    def discard(self, key: Key) -> None:
        """Take a key out."""
        self._ready.pop(key, None)
        self._behind.pop(key, None)
        self._outside.pop(key, None)
        self._due.pop(key, None)
        self._failures.pop(key, None)
        self._rests.pop(key, None)
        self._heavy.discard(key)

    def oldest_age(self) -> float:
        """Return the seconds that the key that waits longest has waited; 0 for an empty queue."""
        since = chain(self._ready.values(), self._behind.values(), self._outside.values())
        first = min(since, default=None)
        return 0.0 if first is None else self._clock.monotonic() - first

    def picture(self, most: int) -> QueuePicture:
        """Return how it stands, with at most so many keys of each sort."""
        now = self._clock.monotonic()
        waiting = chain(self._ready.items(), self._behind.items(), self._outside.items())
        return QueuePicture(
            ready=len(self),
            later=len(self._due),
            failing=len(self._failures),
            oldest_seconds=self.oldest_age(),
            heads=tuple((key, now - since) for key, since in islice(waiting, most)),
            failures=tuple(heapq.nlargest(most, self._failures.items(), key=lambda kept: kept[1])),
        )

    async def get(self) -> Key:
        """Wait for a key that wants a pass and take it."""
        while True:
            self._promote()
            key = self._next()
            if key is not None:
                self._ready.pop(key, None)
                self._behind.pop(key, None)
                self._rests.pop(key, None)
                self._heavy.discard(key)
                return key
            self._changed.clear()
            await self._wait()

    def _next(self) -> Key | None:
        """Return the key whose turn it is; while it is quiet, one whose pass was short."""
        self._taken += 1
        turn_of_behind = self._taken % _TURNS == 0
        lanes = (self._behind, self._ready) if turn_of_behind else (self._ready, self._behind)
        waiting = chain(*lanes)
        if self._clock.monotonic() >= self._quiet_until:
            return next(waiting, None)
        return next((key for key in waiting if key not in self._heavy), None)

    def _promote(self) -> None:
        """Move what is due to the ready ones."""
        now = self._clock.monotonic()
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)

    async def _wait(self) -> None:
        """Wait until something was added or the next key is due."""
        waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._changed.wait())}
        due = [self._quiet_until] if self._ready or self._behind else []
        due += [self._heap[0][0]] if self._heap else []
        if due:
            pause = min(due) - self._clock.monotonic()
            waits.add(asyncio.ensure_future(self._clock.sleep(pause)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
