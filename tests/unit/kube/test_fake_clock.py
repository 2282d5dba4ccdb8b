"""The clock of the tests is itself to be trusted."""

from __future__ import annotations

import asyncio

import pytest

from builders.clock import START, FakeClock


async def _note(clock: FakeClock, seconds: float, notes: list[tuple[float, float]]) -> None:
    await clock.sleep(seconds)
    notes.append((seconds, clock.monotonic()))


async def test_nobody_wakes_before_the_time_has_come() -> None:
    clock = FakeClock()
    notes: list[tuple[float, float]] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_note(clock, 5, notes))
        await clock.settle()
        clock.advance(4.999)
        await clock.settle()
        assert notes == []
        clock.advance(0.001)
    assert notes == [(5, 5.0)]


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock = FakeClock()
    notes: list[tuple[float, float]] = []
    async with asyncio.TaskGroup() as tasks:
        for seconds in (3, 1, 2):
            tasks.create_task(_note(clock, seconds, notes))
        await clock.settle()
        clock.advance(10)
    assert [seconds for seconds, _ in notes] == [1, 2, 3]


async def test_running_for_a_while_stops_at_every_deadline() -> None:
    clock, ticks = FakeClock(), []

    async def tick() -> None:
        while True:
            await clock.sleep(2)
            ticks.append(clock.monotonic())

    task = asyncio.create_task(tick())
    await clock.run_for(7)
    task.cancel()
    assert ticks == [2.0, 4.0, 6.0]
    assert clock.monotonic() == 7.0


async def test_who_sleeps_no_longer_can_be_forgotten_and_the_others_still_wake() -> None:
    clock = FakeClock()
    notes: list[tuple[float, float]] = []
    gone = asyncio.create_task(clock.sleep(5))
    async with asyncio.TaskGroup() as tasks:
        for seconds in (7, 3):
            tasks.create_task(_note(clock, seconds, notes))
        await clock.settle()
        gone.cancel()
        await clock.settle()

        clock.forget_woken()

        assert len(clock._sleepers) == clock.sleepers == 2
        clock.advance(10)
    assert [seconds for seconds, _ in notes] == [3, 7]


async def test_a_cancelled_sleeper_is_no_deadline() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(5))
    await clock.settle()
    assert (clock.sleepers, clock.next_deadline()) == (1, 5.0)
    task.cancel()
    await clock.settle()
    assert (clock.sleepers, clock.next_deadline()) == (0, None)


async def test_wall_clock_and_monotonic_time_move_together() -> None:
    clock = FakeClock()
    clock.advance(90)
    assert (clock.now() - START).total_seconds() == clock.monotonic() == 90.0


async def test_sleeping_for_nothing_needs_no_advance() -> None:
    clock = FakeClock()
    await clock.sleep(0)
    await clock.sleep(-1)
    assert clock.monotonic() == 0.0


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        FakeClock().advance(-1)
