"""Which claims this process holds. All threads of a worker meet here, and only here."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from threading import Condition

from spectra_agent.pool.claim import Claim
from spectra_agent.pool.held import Held, Stage

REMEMBERED = 4096
"""How many ended claims are known, so that a late answer does not start them again."""


class Book:
    """The claims in hand, from their arrival until the operator has taken back each one.

    More than there are slots can arrive, when the operator repeats answers that were lost: they
    queue, and no further ones are asked for.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._changed = Condition()
        self._held: dict[str, Held] = {}
        self._queue: deque[Held] = deque()
        self._ended: dict[str, None] = {}
        self._drain = False
        self._closing = False
        self._over = False

    def room(self) -> int:
        """Wait until claims can be asked for; how many, or 0 when never again."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closing or (not self._drain and len(self._held) < self._slots)
            )
            return 0 if self._closing else self._slots - len(self._held)

    def next_slots(self) -> int:
        """How many claims the report of one that has ended may ask for: 1 or 0."""
        with self._changed:
            stay = self._closing or self._drain or len(self._held) > self._slots
            return 0 if stay else 1

    def known(self) -> list[str]:
        """The ids of all claims in hand."""
        with self._changed:
            return list(self._held)

    def all(self) -> list[Held]:
        """All claims in hand."""
        with self._changed:
            return list(self._held.values())

    def accept(self, claims: Iterable[Claim]) -> int:
        """Take in what the operator gave; how many of it were new."""
        with self._changed:
            before = len(self._queue)
            for claim in claims:
                if claim.id not in self._held and claim.id not in self._ended:
                    held = Held(claim)
                    self._held[claim.id] = held
                    self._queue.append(held)
            self._changed.notify_all()
            return len(self._queue) - before

    def take(self) -> Held | None:
        """Wait for a claim to work on; None when no more come."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._over)
            if self._over:
                return None
            held = self._queue.popleft()
            held.stage = Stage.RUNNING
            return held

    def begin_report(self, held: Held) -> bool:
        """Whether the result of this claim is to be told: not if it was released meanwhile."""
        with self._changed:
            if held.stage is not Stage.RUNNING:
                return False
            held.stage = Stage.REPORTING
            return True

    def end(self, held: Held, following: Iterable[Claim] = ()) -> None:
        """The operator has taken back this claim, and given others for it."""
        held.forget()
        with self._changed:
            self._held.pop(held.claim.id, None)
            self._ended[held.claim.id] = None
            if len(self._ended) > REMEMBERED:
                del self._ended[next(iter(self._ended))]
            self.accept(following)

    def cancel(self, ids: Iterable[object]) -> None:
        """The operator no longer wants these."""
        wanted = {text for text in ids if isinstance(text, str)}
        for held in self.all():
            if held.claim.id in wanted:
                held.cancel()

    def drain(self, *, on: bool) -> None:
        """Whether the operator wants this worker to ask for no claims."""
        with self._changed:
            self._drain = on
            self._changed.notify_all()

    def close(self) -> None:
        """Ask for no claims, ever."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def wait_empty(self, seconds: float) -> bool:
        """Wait until no claim is in hand; False when that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._held, seconds)

    def release(self) -> list[Held]:
        """Take every claim that has no result yet from its slot; these are to be given back."""
        with self._changed:
            found = [
                held for held in self._held.values() if held.stage in {Stage.QUEUED, Stage.RUNNING}
            ]
            for held in found:
                held.stage = Stage.RELEASED
            self._queue.clear()
            return found

    def stop(self) -> None:
        """Send the slots home."""
        with self._changed:
            self._closing = self._over = True
            self._changed.notify_all()
