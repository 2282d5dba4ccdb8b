"""How late the event loop is."""

from __future__ import annotations

import asyncio

import pytest

from spectra_operator.observability.loop_lag import PROBE_SECONDS, measure_lag


async def test_each_pause_tells_by_how_much_it_was_too_long() -> None:
    late, seen, time = [0.0, 0.25, 3.0], list[float](), [100.0]

    async def sleep(seconds: float) -> None:
        if not late:
            raise asyncio.CancelledError
        time[0] += seconds + late.pop(0)

    with pytest.raises(asyncio.CancelledError):
        await measure_lag(seen.append, sleep, lambda: time[0])
    assert seen == [0.0, 0.25, 3.0]


async def test_a_pause_that_was_too_short_is_no_lag() -> None:
    seen, times = list[float](), iter([0.0, PROBE_SECONDS / 2])

    async def sleep(_: float) -> None:
        if seen:
            raise asyncio.CancelledError

    with pytest.raises((asyncio.CancelledError, RuntimeError)):
        await measure_lag(seen.append, sleep, lambda: next(times))
    assert seen == [0.0]
