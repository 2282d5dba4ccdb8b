"""Phases wait for room among the writes, in turn, and none is left behind."""

from __future__ import annotations

import asyncio

from builders.clock import FakeClock
from builders.specs import NAMESPACE
from spectra_operator.engine.crowd import FEW, MOST_AT_ONCE, Crowd
from spectra_operator.engine.keys import Key
from spectra_operator.engine.queue import WorkQueue


def a_crowd(phases: int) -> tuple[Crowd, WorkQueue]:
    """Return a crowd of so many phases, and the queue that they go on in."""
    queue = WorkQueue(FakeClock())
    crowd = Crowd(queue)
    for number in range(phases):
        crowd.join(Key("Phase", NAMESPACE, f"p{number}"))
    return crowd, queue


async def woken(queue: WorkQueue) -> list[str]:
    """Take out of a queue whatever wants a pass."""
    async with asyncio.timeout(5):
        return [(await queue.get()).name for _ in range(len(queue))]


async def test_nobody_goes_on_while_many_writes_are_left() -> None:
    crowd, queue = a_crowd(3)
    crowd.drained(FEW + 1)
    assert await woken(queue) == []
    crowd.drained(0)
    assert await woken(queue) == ["p0", "p1", "p2"]  # and nobody was forgotten


async def test_those_that_came_first_go_on_first_and_only_as_many_as_there_is_room_for() -> None:
    crowd, queue = a_crowd(MOST_AT_ONCE)
    crowd.drained(FEW)
    assert await woken(queue) == [f"p{number}" for number in range(MOST_AT_ONCE - FEW)]
    crowd.drained(FEW)
    assert await woken(queue) == [
        f"p{number}" for number in range(MOST_AT_ONCE - FEW, MOST_AT_ONCE)
    ]


async def test_who_joins_twice_goes_on_once() -> None:
    crowd, queue = a_crowd(1)
    crowd.join(Key("Phase", NAMESPACE, "p0"))
    crowd.drained(FEW)
    crowd.drained(FEW)
    assert await woken(queue) == ["p0"]


async def test_when_no_write_is_left_all_go_on_since_nothing_would_wake_them_later() -> None:
    crowd, queue = a_crowd(3 * MOST_AT_ONCE)
    crowd.drained(0)
    assert len(await woken(queue)) == 3 * MOST_AT_ONCE
    crowd.drained(0)
    assert await woken(queue) == []
