"""What the worker API asks of the engine: the seam between `dispatch` and the desk.

Everything runs on the engine's event loop. JSON crosses this seam as compact text, so that the
desk stores and compares what was said without reading it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        namespace: The namespace of the pod, proven by its token.
        pod: The name of the pod, proven by its token.
        uid: The UID of the pod, proven by its token.
        instance: Which process in that pod, as it says itself; unique to one start of it.
    """

    namespace: str
    pod: str
    uid: str
    instance: str


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life of one claim.

    Attributes:
        claim: Its id.
        epoch: Its epoch.
        progress: Compact JSON of how far it is; empty for no news.
        checkpoint: Compact JSON from which a later attempt may go on; empty for no news.
    """

    claim: str
    epoch: int
    progress: str = ""
    checkpoint: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """How one claim ended.

    Attributes:
        claim: Its id.
        epoch: Its epoch.
        succeeded: Whether the task was done.
        reason: Why it failed, in one word; empty when nothing was said.
        document: Compact JSON of the result, in the shape of a result document.
        slots: How many further claims the worker takes in the same answer; 0 for none.
    """

    claim: str
    epoch: int
    succeeded: bool
    reason: str
    document: str
    slots: int


@dataclass(frozen=True, slots=True)
class Work:
    """A claim as it is handed out.

    Attributes:
        id: Its id, which is the name of the attempt.
        epoch: Its epoch.
        document: Compact JSON of the whole claim, as the worker gets it.
    """

    id: str
    epoch: int
    document: str


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker must do now.

    Attributes:
        cancel: Ids of claims to stop work on, and then to release.
        drain: Whether to ask for no further claims, and end when the open ones have ended.
    """

    cancel: tuple[str, ...]
    drain: bool


class DeskError(Exception):
    """The desk does not do what was asked.

    Attributes:
        reason: Why, in one word.
        message: Why, in a sentence for the worker's log.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class NotHolderError(DeskError):
    """Another replica answers for this namespace.

    Attributes:
        address: Where it listens, as `http://ip:port`; empty while nobody is known to.
    """

    def __init__(self, reason: str, message: str, address: str) -> None:
        super().__init__(reason, message)
        self.address = address


class StrangerError(DeskError):
    """The pod is no worker of ours, or is one no more."""


class StaleError(DeskError):
    """The claim was fenced, belongs to another, or has ended with other content."""


class UnavailableError(DeskError):
    """What was said could not be made durable; saying it again is safe."""


class Desk(Protocol):
    """Where workers get their work from and bring its results to.

    Every call raises `DeskError`, at once or through its future. A caller that no longer wants
    an answer cancels the future; what was made durable stays so.
    """

    def claims(
        self, caller: Caller, slots: int, known: frozenset[str]
    ) -> asyncio.Future[tuple[Work, ...]]:
        """Ask for up to `slots` claims.

        Open claims of this instance that are not in `known` come first. The future gets at least
        one claim, or stays open until the caller cancels it. A later call of the same worker
        answers an earlier open one with `()`.
        """
        ...

    def beat(self, caller: Caller, beats: Sequence[Beat]) -> Orders:
        """Take in that the worker is alive, and how its claims are getting on."""
        ...

    def report(self, caller: Caller, report: Report) -> asyncio.Future[tuple[Work, ...]]:
        """Take in a result; resolved with the next claims once it is durable."""
        ...

    def release(self, caller: Caller, claim: str, epoch: int, reason: str) -> asyncio.Future[None]:
        """Take a claim back undone; resolved once that is durable."""
        ...
