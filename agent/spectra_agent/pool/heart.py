"""The thread of heartbeats: also while all slots are busy, and until the last claim is back."""

from __future__ import annotations

from threading import Event
from typing import Any

from spectra_agent.pool.book import Book
from spectra_agent.pool.held import Held, Mark
from spectra_agent.pool.line import Answer, CallError, Line
from spectra_agent.pool.polls import Polls
from spectra_agent.pool.settings import Settings, say
from spectra_agent.pool.tries import Tries

CHECKPOINTS_BYTES = 20_000
"""Checkpoints in one heartbeat; the operator reads 64 KiB, and progress needs room too."""

REFUSED = frozenset({400, 413, 415, 422})
"""The operator will not read this heartbeat."""

FIRST_SECONDS = 5.0
SHORTEST_SECONDS = 0.01
LONGEST_SECONDS = 60.0


class Heart:
    """Tells the operator which claims are held, and hears what it wants of them.

    Args:
        line: For the heartbeats.
        book: Which claims these are.
        settings: How long the pauses are.
        polls: Who is told when the operator is elsewhere; None: nobody asks for claims.
    """

    def __init__(
        self, line: Line, book: Book, settings: Settings, polls: Polls | None = None
    ) -> None:
        self._line = line
        self._book = book
        self._polls = polls
        self._wake = Event()
        self._stopping = Event()
        self._seconds = FIRST_SECONDS
        self._tries = Tries("heartbeat", settings.backoff)

    def run(self) -> None:
        """Beat until stopped."""
        while not self._stopping.is_set():
            place = self._line.place
            try:
                pause = 0.0 if self.beat() else self._seconds
                self._tries.worked()
            except CallError as error:
                self._say_again()
                if error.unreachable and self._polls:
                    self._polls.hang_up()
                pause = self._tries.failed(error)
            if self._line.place != place:
                self._say_again()
                if self._polls:
                    self._polls.follow()
            self._wake.wait(pause)
            self._wake.clear()
        for held in self._book.all():
            held.forget()
        self._line.done()

    def flush(self, held: Held, seconds: float | None = None) -> None:
        """Wait until the operator has got the claim's last checkpoint. For other threads."""
        if held.unsent and not self._stopping.is_set():
            self._wake.set()
            held.wait_sent(seconds)

    def stop(self) -> None:
        """End at once. For other threads."""
        self._stopping.set()
        self._wake.set()
        self._line.close()

    def beat(self) -> bool:
        """One heartbeat; whether another must follow at once, because not all had room in it."""
        room = CHECKPOINTS_BYTES
        beats: list[dict[str, Any]] = []
        marks: list[tuple[Held, Mark]] = []
        left = False
        told = self._book.all()
        for held in told:
            beat, mark = held.news(room)
            beats.append(beat)
            left |= mark is None and held.unsent
            if mark is not None:
                marks.append((held, mark))
                room -= mark.size
        answer = self._line.call("/v1/heartbeat", {"claims": beats})
        if answer.status != 200:
            self._refused(answer, told)
        for held, mark in marks:
            held.sent(mark)
        self._obey(answer)
        return left

    def _obey(self, answer: Answer) -> None:
        cancel, drain = answer.body.get("cancel"), answer.body.get("drain")
        seconds = answer.body.get("heartbeatSeconds")
        if isinstance(cancel, list):
            self._book.cancel(cancel)
        if isinstance(drain, bool):
            self._book.drain(on=drain)
        if isinstance(seconds, int | float) and not isinstance(seconds, bool):
            self._seconds = min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS)

    def _refused(self, answer: Answer, told: list[Held]) -> None:
        """Drop what the tasks said, so that no claim is lost for what is refused each time."""
        if answer.status in REFUSED:
            for held in told:
                held.forget()
            say(f"progress and checkpoints were dropped: {answer.said}")
        raise CallError(f"the operator answered {answer.said}")

    def _say_again(self) -> None:
        """Whoever answers next may have begun anew, and know of no checkpoint."""
        for held in self._book.all():
            held.send_again()
