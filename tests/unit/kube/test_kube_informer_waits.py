"""When the informer waits, and for how long it has heard nothing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from builders.clock import FakeClock
from spectra_operator.kube.client import KubeClient, Listing, WatchEvent
from spectra_operator.kube.errors import Gone, KubeError, ServerError, Throttled, Unreachable
from spectra_operator.kube.informer import Informer
from spectra_operator.kube.resources import PODS

BOOKMARK = WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": "11"}})


class _Script:
    """A server that does at each call what its script says, and hangs when it has ended."""

    def __init__(self, clock: FakeClock, *steps: KubeError | WatchEvent | None) -> None:
        self.calls: list[tuple[str, float]] = []
        self._clock = clock
        self._steps = list(steps)

    async def list(self, *_: Any, **__: Any) -> Listing:
        await self._step("list")
        return Listing([], "10")

    async def watch(self, *_: Any, **__: Any) -> AsyncGenerator[WatchEvent, None]:
        event = await self._step("watch")
        if event is not None:
            yield event

    async def _step(self, call: str) -> WatchEvent | None:
        self.calls.append((call, self._clock.monotonic()))
        if not self._steps:
            await asyncio.Event().wait()
        step = self._steps.pop(0)
        if isinstance(step, KubeError):
            raise step
        return step


def _names(script: _Script) -> list[str]:
    return [call for call, _ in script.calls]


def _pauses(script: _Script) -> list[float]:
    times = [time for _, time in script.calls]
    return [after - before for before, after in itertools.pairwise(times)]


async def _play(clock: FakeClock, script: _Script, seconds: float) -> Informer:
    informer = Informer(
        cast("KubeClient", script), PODS, clock=clock, on_change=lambda change: None
    )
    running = asyncio.create_task(informer.run())
    await clock.run_for(seconds)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return informer


async def test_failures_in_a_row_are_retried_ever_more_slowly() -> None:
    clock = FakeClock()
    script = _Script(clock, *[Unreachable("gone")] * 12)
    await _play(clock, script, 300)
    pauses = _pauses(script)
    assert pauses[0] == 0.0
    assert all(before < after for before, after in itertools.pairwise(pauses[:8]))
    assert max(pauses) <= 30.0
    assert len(script.calls) == 13


async def test_a_server_that_asks_for_time_gets_it() -> None:
    clock = FakeClock()
    slow_down = Throttled("slow down", status=429)
    slow_down.retry_after = 25.0
    script = _Script(clock, slow_down)
    await _play(clock, script, 60)
    assert _pauses(script) == [25.0]


async def test_a_watch_that_brought_something_is_resumed_without_a_pause() -> None:
    clock = FakeClock()
    script = _Script(clock, None, BOOKMARK, BOOKMARK, BOOKMARK)
    await _play(clock, script, 0)
    assert _names(script) == ["list", "watch", "watch", "watch", "watch"]


async def test_a_watch_that_always_ends_at_once_does_not_become_a_storm() -> None:
    clock = FakeClock()
    script = _Script(clock, *[None] * 1000)
    await _play(clock, script, 60)
    assert len(script.calls) < 15
    assert _names(script).count("list") == 1


async def test_a_moment_that_is_always_too_old_does_not_become_a_storm_of_lists() -> None:
    clock = FakeClock()
    script = _Script(clock, None, *[Gone("too old", status=410), None] * 1000)
    await _play(clock, script, 60)
    assert _names(script)[:4] == ["list", "watch", "list", "watch"]
    assert _names(script).count("list") < 15


async def test_progress_forgets_earlier_failures() -> None:
    clock = FakeClock()
    failures = [ServerError("sick", status=500)] * 5
    script = _Script(clock, *failures, None, BOOKMARK, *failures)
    await _play(clock, script, 200)
    pauses = _pauses(script)
    assert pauses[7] == 0.0
    assert pauses[8] < 0.5


async def test_silence_is_measured_from_the_last_sign_of_life() -> None:
    clock = FakeClock()
    script = _Script(clock, None, BOOKMARK)
    informer = await _play(clock, script, 70)
    assert informer.seconds_since_activity() == pytest.approx(70)


async def test_failing_calls_bring_nothing_but_are_no_silence() -> None:
    clock = FakeClock()
    script = _Script(clock, None, *[Unreachable("gone")] * 1000)
    informer = await _play(clock, script, 300)
    assert informer.synced.is_set()
    assert informer.seconds_since_activity() == pytest.approx(300)
    assert informer.seconds_of_silence() < 60


async def test_a_watch_that_neither_tells_nor_fails_is_silent() -> None:
    clock = FakeClock()
    informer = await _play(clock, _Script(clock, None, BOOKMARK), 200)
    assert informer.seconds_of_silence() == pytest.approx(200)
