"""The thread that asks for claims: one long poll after the other, for the slots that are free."""

from __future__ import annotations

from threading import Event
from time import monotonic

from spectra_agent.pool.book import Book
from spectra_agent.pool.claim import Claim, read_claims
from spectra_agent.pool.line import CallError, Line
from spectra_agent.pool.settings import Settings
from spectra_agent.pool.tries import Tries

SPARE_SECONDS = 5.0
"""How much longer than the poll itself its answer may take."""

EMPTY_TOO_SOON = 1.0
"""An answer without anything new that came faster than this is followed by a pause."""


class Polls:
    """Fills the book with claims.

    Args:
        line: For the polls; closed in the midst of one when the worker ends.
        last: For one more call after that.
        book: What they fill.
        settings: How long a poll and the pauses are.
    """

    def __init__(self, line: Line, last: Line, book: Book, settings: Settings) -> None:
        self._line = line
        self._last = last
        self._book = book
        self._settings = settings
        self._closing = Event()
        self._moved = Event()
        self._tries = Tries("asking for claims", settings.backoff)

    def run(self) -> None:
        """Ask until the worker is closed."""
        vain = 0
        while room := self._book.room():
            began = monotonic()
            self._moved.clear()
            try:
                new = self._book.accept(self._ask(self._line, room, self._settings.poll_seconds))
            except CallError as error:
                if self._closing.is_set():
                    break
                if not self._moved.is_set():
                    self._closing.wait(self._tries.failed(error))
                continue
            self._tries.worked()
            vain = vain + 1 if not new and monotonic() - began < EMPTY_TOO_SOON else 0
            if vain:
                pause = self._settings.backoff.seconds(vain)
                self._closing.wait(min(pause, EMPTY_TOO_SOON))
        self._line.done()
        self._gather()

    def close(self) -> None:
        """End the poll that is under way; there will be no other. For other threads."""
        self._closing.set()
        self._line.close()

    def stop(self) -> None:
        """End at once. For other threads."""
        self._last.close()
        self.close()

    def hang_up(self) -> None:
        """Make the open poll begin anew, for the operator is out of reach. For other threads."""
        self._moved.set()
        self._line.hang_up()

    def follow(self) -> None:
        """Make the open poll begin anew unless it is where the operator is. For other threads."""
        self._moved.set()
        self._line.follow()

    def _gather(self) -> None:
        """Fetch what was given to the poll that was hung up: without waiting, nothing new comes."""
        try:
            self._book.accept(self._ask(self._last, 1, 0))
        except CallError:
            return  # then it counts as a loss once this worker is gone
        finally:
            self._last.done()

    def _ask(self, line: Line, room: int, wait: int) -> list[Claim]:
        body = {"slots": room, "waitSeconds": wait, "known": self._book.known()}
        answer = line.call("/v1/claims", body, wait + SPARE_SECONDS)
        if answer.status != 200:
            raise CallError(f"the operator answered {answer.said}")
        if isinstance(answer.body.get("drain"), bool):
            self._book.drain(on=answer.body["drain"])
        try:
            return read_claims(answer.body)
        except ValueError as error:
            raise CallError(str(error)) from error
