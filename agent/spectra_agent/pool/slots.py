"""The slots: threads that each do one claim after the other and bring back the results."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from threading import Event, Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from spectra_agent.contract import shorten
from spectra_agent.pool.book import Book
from spectra_agent.pool.claim import Claim, read_claims
from spectra_agent.pool.heart import Heart
from spectra_agent.pool.held import Held
from spectra_agent.pool.line import Answer, CallError, Line
from spectra_agent.pool.perform import Outcome, perform
from spectra_agent.pool.settings import Settings, say
from spectra_agent.pool.tries import Tries

if TYPE_CHECKING:
    from spectra_agent.pool.loop import Loop
    from spectra_agent.registry import Handler

REFUSED = frozenset({400, 413, 415, 422})
"""The operator will not read this result, but waits for one."""

REASON_CHARACTERS = 200
"""What is kept of the reason of a release."""


class Slots:
    """What all slots of a worker share."""

    def __init__(
        self,
        book: Book,
        heart: Heart,
        settings: Settings,
        find: Callable[[str], Handler],
    ) -> None:
        self._book = book
        self._heart = heart
        self._backoff = settings.backoff
        self._find = find
        self._gone = Event()
        self._lock = Lock()
        self._loop: Loop | None = None

    def run(self, line: Line) -> None:
        """Work in this thread until there is nothing more to do, ever."""
        while held := self._book.take():
            self._do(held, line)
        line.done()

    def give_back(self, held: Held, line: Line, reason: str = "the worker is ending") -> None:
        """Release a claim whose work is not done. Returns when that is known or given up."""
        claim = held.claim
        body = {"epoch": claim.epoch, "reason": reason[:REASON_CHARACTERS]}
        if self._until_answered(line, f"{_path(claim)}/release", lambda: body) is not None:
            self._book.end(held)

    def stop(self) -> None:
        """Give up what has not been answered yet. For other threads."""
        self._gone.set()
        if self._loop is not None:
            self._loop.stop()

    def _do(self, held: Held, line: Line) -> None:
        outcome = None
        if not held.cancelled:
            outcome = perform(held, self._find, self._async, os.environ)
            if not outcome.succeeded and not held.cancelled:
                self._heart.flush(held)
        if not self._book.begin_report(held):
            return  # it is being given back
        if outcome is not None and not held.cancelled:
            self._report(held, outcome, line)
            return
        say(f"{held.claim.id} was cancelled by the operator")
        self.give_back(held, line, "cancelled")

    def _report(self, held: Held, outcome: Outcome, line: Line) -> None:
        """Bring back the result; one that is not read becomes a failure that says so."""
        answer = self._tell(held.claim, outcome, line)
        if answer is not None and answer.status in REFUSED:
            said = f"the operator refused the result: {answer.said}"
            refused = Outcome(False, "ResultRefused", {"message": shorten(said)})
            answer = self._tell(held.claim, refused, line)
        if answer is None:
            return  # given up: the claim stays in the book, and the worker does not end well
        if answer.status in REFUSED:
            self.give_back(held, line, f"the operator refused the result: {answer.said}")
            return
        if answer.status != 200:
            say(f"the result of {held.claim.id} was not taken: {answer.said}")
        self._book.end(held, _following(answer))

    def _tell(self, claim: Claim, outcome: Outcome, line: Line) -> Answer | None:
        def body() -> dict[str, Any]:
            told: dict[str, Any] = {
                "epoch": claim.epoch,
                "succeeded": outcome.succeeded,
                "result": outcome.document,
                "slots": self._book.next_slots(),
            }
            return told | ({"reason": outcome.reason} if outcome.reason else {})

        return self._until_answered(line, f"{_path(claim)}/result", body)

    def _until_answered(
        self, line: Line, path: str, body: Callable[[], Mapping[str, Any]]
    ) -> Answer | None:
        """Say it again and again; None when the worker ended before there was an answer."""
        tries = Tries(f"POST {path}", self._backoff)
        while not self._gone.is_set():
            try:
                answer = line.call(path, body())
            except CallError as error:
                self._gone.wait(tries.failed(error))
                continue
            tries.worked()
            return answer
        return None

    def _async(self) -> Loop:
        from spectra_agent.pool.loop import Loop  # noqa: PLC0415  # asyncio: only when needed

        with self._lock:
            if self._loop is None:
                self._loop = Loop()
            return self._loop


def _path(claim: Claim) -> str:
    return f"/v1/claims/{quote(claim.id, safe='')}"


def _following(answer: Answer) -> list[Claim]:
    """The claims that came with the answer; what cannot be read will be offered again."""
    if answer.status != 200 or "claims" not in answer.body:
        return []
    try:
        return read_claims(answer.body)
    except ValueError as error:
        say(f"claims that came with a result: {error}")
        return []
