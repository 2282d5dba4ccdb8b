"""How late the event loop is, on a clock that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from builders.clock import FakeClock
from spectra_operator.observability.loop_lag import LoopLag


class _Measured:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.observed: list[float] = []
        self.lag = LoopLag(self.clock.monotonic, self.clock.sleep, self.observed.append)

    async def pass_in_one_go(self, seconds: float) -> None:
        """Let time pass in which nobody else gets a turn."""
        self.clock.advance(seconds)
        await self.clock.settle()


@pytest.fixture
async def measured() -> AsyncIterator[_Measured]:
    measured = _Measured()
    task = asyncio.create_task(measured.lag.run())
    await measured.clock.settle()
    yield measured
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_loop_that_turns_is_not_late(measured: _Measured) -> None:
    await measured.clock.run_for(60)
    assert measured.lag.worst() == 0


async def test_the_longest_lag_counts_until_it_is_ten_seconds_ago(measured: _Measured) -> None:
    await measured.pass_in_one_go(7.25)
    await measured.pass_in_one_go(1.25)
    assert measured.lag.worst() == pytest.approx(7)
    await measured.clock.run_for(9)
    assert measured.lag.worst() == pytest.approx(1)
    await measured.clock.run_for(2)
    assert measured.lag.worst() == 0


async def test_a_lag_that_still_lasts_counts_before_it_is_measured(measured: _Measured) -> None:
    measured.clock.advance(0.2)
    await measured.clock.settle()
    measured.clock.advance(6)
    assert measured.lag.worst() == pytest.approx(5.95)


async def test_what_is_remembered_does_not_grow_with_time(measured: _Measured) -> None:
    await measured.clock.run_for(600)
    assert len(measured.lag._seen) <= 41


async def test_each_measurement_is_told(measured: _Measured) -> None:
    await measured.pass_in_one_go(0.25)
    await measured.pass_in_one_go(1.25)
    assert measured.observed == pytest.approx([0, 1])
