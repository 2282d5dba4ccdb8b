"""What can be made to go wrong, to which calls, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from builders.fake_api.failure import ApiFailure


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as far as faults and the log look at it.

    Attributes:
        verb: The RBAC verb: get, list, watch, create, update, patch, delete.
        plural: Such as `pods`; empty for discovery.
        namespace: None for all namespaces and cluster-scoped kinds.
        name: The object; of a create, the name in the body; empty for a collection.
        subresource: Such as `status`.
        bytes_in: Length of the body.
        user_agent: Of the client.
        authorization: The header of that name.
        body: The decoded body; None without one.
    """

    verb: str
    plural: str
    namespace: str | None = None
    name: str = ""
    subresource: str = ""
    bytes_in: int = 0
    user_agent: str = ""
    authorization: str = field(default="", repr=False)
    body: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One answered request; `status` is 0 when the connection was cut instead."""

    call: Call
    status: int


@dataclass(frozen=True, slots=True)
class Match:
    """Which calls; None means any."""

    verb: str | None = None
    plural: str | None = None
    name: str | None = None
    subresource: str | None = None
    user_agent: str | None = None

    def __call__(self, call: Call) -> bool:
        """Return whether a call is meant."""
        pairs = (
            (self.verb, call.verb),
            (self.plural, call.plural),
            (self.name, call.name),
            (self.subresource, call.subresource),
            (self.user_agent, call.user_agent),
        )
        return all(wanted is None or wanted == is_ for wanted, is_ in pairs)


Which = Callable[[Call], bool]
"""Says which calls are meant; a `Match`, or any function."""


class Cut(Exception):  # noqa: N818 - not an error: a thing to do
    """Cut the connection instead of answering."""


class Fault:
    """Something that happens around the handling of a call. This one does nothing."""

    async def before(self) -> None:
        """Act before anything is committed; may raise instead of handling the call."""

    async def after(self) -> None:
        """Act after everything is committed; may raise instead of answering."""


class Refuse(Fault):
    """Answer with a failure; nothing is committed."""

    def __init__(
        self,
        code: int,
        reason: str = "",
        message: str = "a fault of the test",
        *,
        causes: list[dict[str, str]] | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Take the parts of the Status; see `ApiFailure`."""
        self._failure = ApiFailure(code, reason, message, causes=causes, retry_after=retry_after)

    async def before(self) -> None:
        """Refuse."""
        raise self._failure


class CutBefore(Fault):
    """Cut the connection; nothing is committed."""

    async def before(self) -> None:
        """Cut."""
        raise Cut


class CommitThenCut(Fault):
    """Commit, then cut the connection: the client cannot know."""

    async def after(self) -> None:
        """Cut."""
        raise Cut


class CommitThenFail(Fault):
    """Commit, then answer 500 (or another code): the client cannot know."""

    def __init__(self, code: int = 500, reason: str = "InternalError") -> None:
        self._failure = ApiFailure(code, reason, "failed after the commit (a fault of the test)")

    async def after(self) -> None:
        """Fail."""
        raise self._failure


class _Hold(Fault):
    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    async def reached(self) -> None:
        """Wait until a call is held."""
        await self._reached.wait()

    def release(self) -> None:
        """Let go of the held calls, and of all to come."""
        self._released.set()

    async def _hold(self) -> None:
        self._reached.set()
        await self._released.wait()


class HoldRequest(_Hold):
    """Keep calls waiting before they are handled, until released."""

    async def before(self) -> None:
        """Hold."""
        await self._hold()


class HoldAnswer(_Hold):
    """Handle calls, but keep the answers back until released."""

    async def after(self) -> None:
        """Hold."""
        await self._hold()


class Faults:
    """The faults that are armed."""

    def __init__(self) -> None:
        self._armed: list[tuple[Which, Fault, list[int]]] = []

    def arm(self, match: Which, fault: Fault, times: int) -> None:
        """Let a fault befall the next so many matching calls."""
        self._armed.append((match, fault, [times]))

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def take(self, call: Call) -> Fault:
        """Return the fault that befalls this call and count it; mostly one that does nothing."""
        for match, fault, left in self._armed:
            if left[0] > 0 and match(call):
                left[0] -= 1
                return fault
        return _NOTHING


_NOTHING = Fault()
