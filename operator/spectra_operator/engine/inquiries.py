"""Asks the queries of analyses, beside the writes: whoever is slow to answer delays no write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..core.rollout.queries import QueryError, Question, read_answer, refusal
from ..core.rollout.records import Reading
from ..kube.clock import Clock
from ..observability.prometheus import NoAnswerError
from .keys import Key

logger = logging.getLogger(__name__)

AT_ONCE = 8
"""Agents whose queries are asked at the same time."""

Readings = Mapping[Question, Reading]


class AsksPrometheus(Protocol):
    """Whoever carries a query to a server."""

    async def ask(self, address: str, query: str) -> tuple[int, bytes]:
        """Return the HTTP status and the body of the answer; see `PrometheusClient`."""
        ...


class Nobody:
    """Answers nothing: there is no client."""

    async def ask(self, address: str, query: str) -> tuple[int, bytes]:
        """Refuse.

        Raises:
            NoAnswerError: always.
        """
        raise NoAnswerError(f"there is no client to ask {address} about {query}")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The queries about the revision that an agent has under way."""

    key: Key
    questions: tuple[Question, ...]


class Inquiries:
    """Inquiries that wait, and those who ask them."""

    def __init__(
        self,
        client: AsksPrometheus,
        allowed: frozenset[str],
        clock: Clock,
        on_read: Callable[[Key, Readings], None],
    ) -> None:
        """`allowed` are the addresses that may be asked, `on_read` takes the answers."""
        self._client = client
        self._allowed = allowed
        self._clock = clock
        self._on_read = on_read
        self._queue: asyncio.Queue[Inquiry] = asyncio.Queue()

    def __len__(self) -> int:
        return self._queue.qsize()

    def submit(self, inquiry: Inquiry) -> None:
        """Ask as soon as somebody is free."""
        self._queue.put_nowait(inquiry)

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            inquiry = await self._queue.get()
            readings = await asyncio.gather(*map(self._reading, inquiry.questions))
            self._on_read(inquiry.key, dict(zip(inquiry.questions, readings, strict=True)))

    async def _reading(self, question: Question) -> Reading:
        """Ask one query; whatever goes wrong is the answer to it, and ends nothing else."""
        at = self._clock.now()
        refused = refusal(question.address, self._allowed)
        if refused:
            return Reading(at, error=refused)
        try:
            status, body = await self._client.ask(question.address, question.query)
            return Reading(at, value=read_answer(status, body))
        except (NoAnswerError, QueryError) as error:
            return Reading(at, error=f"{question.address}: {error}")
        except Exception as error:
            logger.exception("query %s to %s broke", question.name, question.address)
            return _broken(at, error)


def _broken(at: datetime, error: Exception) -> Reading:
    return Reading(at, error=f"asking it broke: {type(error).__name__}")
