"""A claim that this worker holds: what its task says, and what the operator says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from threading import Condition
from typing import Any

from spectra_agent import workspace
from spectra_agent.errors import CheckpointError, ResultError
from spectra_agent.pool.claim import Claim

CHECKPOINT_BYTES = 4096
MESSAGE_CHARACTERS = 200


class Stage(Enum):
    """How far a held claim is."""

    QUEUED = "queued"
    RUNNING = "running"
    REPORTING = "reporting"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Mark:
    """A checkpoint: its value, and its size as compact JSON in bytes."""

    value: Any
    size: int


class Held:
    """One held claim; every thread may ask and tell it.

    It is what a task's `progress`, `checkpoint` and `cancelled` talk to.
    """

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.stage = Stage.QUEUED
        """Changed by the book alone."""
        self._changed = Condition()
        self._progress: dict[str, Any] = {}
        self._mark: Mark | None = None
        self._unsent = False
        self._cancelled = False
        self._on_cancel: Callable[[], object] | None = None

    @property
    def checkpoint_before(self) -> Any:
        """What the last attempt left."""
        return self.claim.checkpoint

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the result any more."""
        return self._cancelled

    def progress(self, percent: float | None, message: str | None) -> None:
        """See `Task.progress`."""
        news: dict[str, Any] = {}
        if percent is not None:
            news["percent"] = round(min(100, max(0, percent)))
        if message is not None:
            safe = str(message).encode(errors="replace").decode()
            news["message"] = safe[:MESSAGE_CHARACTERS]
        with self._changed:
            self._progress |= news

    def checkpoint(self, value: Any) -> None:
        """See `Task.checkpoint`."""
        if value is None:
            raise CheckpointError("None cannot be a checkpoint: it says that there is none")
        try:
            data = workspace.encoded(value)
        except (ResultError, RecursionError) as error:
            raise CheckpointError("the checkpoint is not JSON, or is nested too deeply") from error
        if len(data) > CHECKPOINT_BYTES:
            raise CheckpointError(
                f"the checkpoint is {len(data):,} bytes of JSON, the limit is "
                f"{CHECKPOINT_BYTES:,}; keep what is large elsewhere and leave its place here"
            )
        with self._changed:
            self._mark = Mark(json.loads(data), len(data))
            self._unsent = True

    def news(self, room: int) -> tuple[dict[str, Any], Mark | None]:
        """This claim's part of a heartbeat, and the checkpoint in it.

        Args:
            room: Bytes that a checkpoint may have.
        """
        with self._changed:
            beat: dict[str, Any] = {"id": self.claim.id, "epoch": self.claim.epoch}
            if self._progress:
                beat["progress"] = dict(self._progress)
            if not self._unsent or self._mark is None or self._mark.size > room:
                return beat, None
            beat["checkpoint"] = self._mark.value
            return beat, self._mark

    @property
    def unsent(self) -> bool:
        """Whether there is a checkpoint that the operator has not got."""
        return self._unsent

    def sent(self, mark: Mark) -> None:
        """The operator has got this checkpoint."""
        with self._changed:
            if self._mark is mark:
                self._unsent = False
                self._changed.notify_all()

    def send_again(self) -> None:
        """Whom we talk to may not know the checkpoint."""
        with self._changed:
            self._unsent = self._mark is not None

    def forget(self) -> None:
        """Drop what was said: it is refused, or nobody is left to send it."""
        with self._changed:
            self._progress = {}
            self._mark = None
            self._unsent = False
            self._changed.notify_all()

    def wait_sent(self, seconds: float | None) -> None:
        """Return when no checkpoint is left to be sent."""
        with self._changed:
            self._changed.wait_for(lambda: not self._unsent, seconds)

    def cancel(self) -> None:
        """Nobody wants the result any more."""
        with self._changed:
            self._cancelled = True
            if self._on_cancel is not None:
                self._on_cancel()
                self._on_cancel = None

    def when_cancelled(self, then: Callable[[], object] | None) -> None:
        """Call this as soon as nobody wants the result, also if that is so already.

        None takes back what was asked for.
        """
        with self._changed:
            self._on_cancel = then
            if then is not None and self._cancelled:
                self._on_cancel = None
                then()
