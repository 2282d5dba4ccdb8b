"""A worker: the threads, how they begin, and how they end."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from spectra_agent.pool.book import Book
from spectra_agent.pool.heart import Heart
from spectra_agent.pool.held import Held
from spectra_agent.pool.line import Line, Place, Token
from spectra_agent.pool.polls import Polls
from spectra_agent.pool.settings import Settings, say
from spectra_agent.pool.slots import Slots

if TYPE_CHECKING:
    from spectra_agent.registry import Handler

JOIN_SECONDS = 0.5
"""How long all threads together are waited for when they have been told to end."""

FLUSH_SECONDS = 1.0
"""How long a checkpoint may take on its way when its claim is given back."""


class Worker:
    """Claims tasks, serves them, and hands back every one.

    Args:
        settings: Where the operator is, and how much to do at once.
        find: Gives the handler for a task's name.
        broken: Called when a thread fails by a fault of the SDK; the process should end then.
    """

    def __init__(
        self,
        settings: Settings,
        find: Callable[[str], Handler],
        broken: Callable[[], object] = lambda: None,
    ) -> None:
        self.instance = uuid4().hex
        """What tells this process from an earlier one in the same pod."""
        self._settings = settings
        self._broken = broken
        self._place = Place(settings.url)
        self._token = Token(settings.token_file)
        self._book = Book(settings.slots)
        self._polls = Polls(self._line(), self._line(), self._book, settings)
        self._heart = Heart(self._line(), self._book, settings, self._polls)
        self._slots = Slots(self._book, self._heart, settings, find)
        self._lines = [self._line() for _ in range(settings.slots)]
        self._threads = [
            self._thread("claims", self._polls.run),
            self._thread("heartbeat", self._heart.run),
            *(self._thread("slot", partial(self._slots.run, line)) for line in self._lines),
        ]

    def start(self) -> None:
        """Begin to claim."""
        for thread in self._threads:
            thread.start()

    def close(self, grace: float | None = None) -> bool:
        """Claim nothing more, let tasks end within the grace, and give back what has not.

        Args:
            grace: Seconds, instead of those of the settings.

        Returns:
            Whether the operator has taken back everything.
        """
        until = monotonic() + (self._settings.grace if grace is None else grace)
        self._book.close()
        self._polls.close()
        self._threads[0].join(JOIN_SECONDS)
        if not self._book.wait_empty(max(0.0, until - monotonic())):
            self._give_back(monotonic() + self._settings.hand_back)
        left = self._book.known()
        self.stop()
        if left:
            say(f"the operator has not taken back {', '.join(left)}")
        return not left

    def stop(self) -> None:
        """End all threads, but for those in which a handler still runs."""
        self._book.stop()
        self._polls.stop()
        self._slots.stop()
        self._heart.stop()
        for line in self._lines:
            line.close()
        until = monotonic() + JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))

    @property
    def busy(self) -> bool:
        """Whether a thread could not be ended."""
        return any(thread.is_alive() for thread in self._threads)

    def _give_back(self, until: float) -> None:
        """Release what runs on, and wait for reports that are still under way."""
        released = self._book.release()
        for held in released:
            say(f"{held.claim.id} did not end in time; it is given back")
            held.cancel()
        line = self._line()
        self._lines.append(line)
        giving = self._thread("release", partial(self._release, released, line))
        giving.start()
        self._threads.append(giving)
        self._book.wait_empty(max(0.0, until - monotonic()))

    def _release(self, released: list[Held], line: Line) -> None:
        for held in released:
            self._heart.flush(held, FLUSH_SECONDS)
            self._slots.give_back(held, line)
        line.done()

    def _line(self) -> Line:
        return Line(self._place, self._token, self.instance)

    def _thread(self, name: str, run: Callable[[], None]) -> Thread:
        def guarded() -> None:
            try:
                run()
            except Exception:
                traceback.print_exc()
                self._broken()

        return Thread(target=guarded, name=f"spectra-{name}", daemon=True)
