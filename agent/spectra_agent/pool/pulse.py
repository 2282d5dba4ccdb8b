"""The heartbeats of a pod that does one attempt: the same as a worker's, for this one claim."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from threading import Thread
from uuid import uuid4

from spectra_agent.errors import InputError
from spectra_agent.pool.book import Book
from spectra_agent.pool.claim import Claim
from spectra_agent.pool.heart import Heart
from spectra_agent.pool.held import Held
from spectra_agent.pool.line import Line, Place, Token
from spectra_agent.pool.settings import Backoff, Settings, say

EPOCH = 1


class Pulse:
    """Tells the operator how the attempt of this pod is getting on, from a thread of its own."""

    def __init__(self, claim: str, settings: Settings) -> None:
        book = Book(1)
        book.accept([_claim(claim)])
        self.held: Held = book.all()[0]
        line = Line(Place(settings.url), Token(settings.token_file), uuid4().hex)
        self._heart = Heart(line, book, settings)
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, if it has not begun."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="spectra-heartbeat", daemon=True)
            self._thread.start()

    def flush(self, seconds: float) -> None:
        """Wait at most so long until the operator has got the last checkpoint.

        From another thread, so that it is safe in the handler of a signal: what that has
        interrupted may hold any lock.
        """
        last = Thread(target=self._heart.flush, args=(self.held, seconds), daemon=True)
        last.start()
        last.join(seconds)

    def stop(self) -> None:
        """End the thread."""
        self._heart.stop()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._heart.run()
        except Exception:  # noqa: BLE001, RUF100  # a fault of the SDK must not fail the task
            traceback.print_exc()
            self.held.forget()


def connect(env: Mapping[str, str], backoff: Backoff | None = None) -> Pulse | None:
    """The heartbeats of the attempt that SPECTRA_CLAIM names; None if there is no way to send."""
    try:
        found = Settings.from_env(env)
    except InputError as error:
        say(f"progress and checkpoints are not sent: {error}")
        return None
    settings = Settings(found.url, found.token_file, backoff=backoff or Backoff())
    return Pulse(env["SPECTRA_CLAIM"], settings)


def _claim(name: str) -> Claim:
    """The claim of a pod; what it is about stands in the environment, and is not asked for."""
    return Claim(name, EPOCH, "", "", "", "", 0, 1, {}, None)
