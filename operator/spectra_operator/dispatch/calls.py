"""The calls of the worker API: a body in, the desk's answer out."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from ..engine.desk_calls import Caller, Desk, Work
from . import answers
from .models import ClaimsCall, HeartbeatCall, ReleaseCall, ResultCall
from .refusal import Refusal

T = TypeVar("T")


class Calls:
    """Carries calls to the desk. All raise `DeskError` or `Refusal`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._polls: set[asyncio.Future[tuple[Work, ...]]] = set()
        self._ending = asyncio.Event()

    @property
    def are_ending(self) -> bool:
        """Whether nobody is to wait for work any more."""
        return self._ending.is_set()

    def end(self) -> None:
        """Answer open polls with nothing, now and from now on."""
        self._ending.set()
        for poll in tuple(self._polls):
            poll.cancel()

    async def claims(self, caller: Caller, _: str, call: ClaimsCall) -> str:
        """Wait for work."""
        if self._ending.is_set():
            return answers.claims_text((), drain=False)
        poll = self._desk.claims(caller, call.slots, frozenset(call.known))
        work = await self._polled(poll, call.wait_seconds)
        if self._ending.is_set():
            return answers.claims_text(work, drain=False)
        return answers.claims_text(work, drain=self._desk.beat(caller, ()).drain)

    async def heartbeat(self, caller: Caller, _: str, call: HeartbeatCall) -> str:
        """Pass a sign of life on."""
        return answers.heartbeat_text(self._desk.beat(caller, call.beats()))

    async def result(self, caller: Caller, claim: str, call: ResultCall) -> str:
        """Pass a result on; answered when it is durable."""
        work = await _settled(self._desk.report(caller, call.report(claim)))
        return answers.result_text(work)

    async def release(self, caller: Caller, claim: str, call: ReleaseCall) -> str:
        """Give a claim back; answered when that is durable."""
        await _settled(self._desk.release(caller, claim, call.epoch, call.reason))
        return "{}"

    async def _polled(
        self, poll: asyncio.Future[tuple[Work, ...]], seconds: float
    ) -> tuple[Work, ...]:
        self._polls.add(poll)
        try:
            await asyncio.wait((poll,), timeout=seconds)
        finally:
            self._polls.discard(poll)
            if not poll.cancel() and not poll.cancelled():
                poll.exception()  # seen, even if the worker has hung up
        return () if poll.cancelled() else poll.result()


async def _settled(future: asyncio.Future[T]) -> T:
    """Return what a future gets; one that the desk gives up is no hang-up of the worker."""
    try:
        return await future
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Refusal(503, "Interrupted", "the operator is ending; say it again") from None
