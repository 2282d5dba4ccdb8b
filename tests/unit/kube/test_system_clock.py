"""The machine's clock."""

from __future__ import annotations

from datetime import timedelta

from spectra_operator.kube.clock import SystemClock


def test_wall_clock_time_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


async def test_sleeping_for_nothing_or_less_returns() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0)
    await clock.sleep(-5)
    assert 0 <= clock.monotonic() - before < 5
