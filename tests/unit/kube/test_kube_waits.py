"""What is awaited has until a time of the clock, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from builders.clock import FakeClock
from spectra_operator.kube.waits import bounded, cancelled


class _Call:
    """A call that lasts until it is answered, and knows whether it was cancelled."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def made(self) -> Any:
        return await self.answer


async def _begun(wait: Coroutine[Any, Any, bool], clock: FakeClock) -> asyncio.Task[bool]:
    task = asyncio.ensure_future(wait)
    await clock.settle()
    return task


@pytest.mark.parametrize("seconds", [5.0, None], ids=["bounded", "unbounded"])
@pytest.mark.parametrize(("answer", "expected"), [(True, True), ("", False), (None, False)])
async def test_what_is_awaited_has_the_word_when_it_comes_first(
    seconds: float | None, answer: object, expected: bool
) -> None:
    clock, call = FakeClock(), _Call()
    waiting = await _begun(bounded(clock, call.made(), seconds), clock)
    call.answer.set_result(answer)
    assert await waiting is expected
    assert clock.next_deadline() is None


async def test_the_clock_ends_the_wait_and_what_was_awaited() -> None:
    clock, call = FakeClock(), _Call()
    waiting = await _begun(bounded(clock, call.made(), 5.0), clock)
    await clock.run_for(4.9)
    assert not waiting.done()
    await clock.run_for(0.1)
    assert await waiting is False
    assert call.answer.cancelled()


async def test_without_a_bound_no_time_is_too_long() -> None:
    clock, call = FakeClock(), _Call()
    waiting = await _begun(bounded(clock, call.made(), None), clock)
    await clock.run_for(1_000_000)
    assert not waiting.done()
    call.answer.set_result(True)
    assert await waiting


@pytest.mark.parametrize("seconds", [5.0, None], ids=["bounded", "unbounded"])
async def test_an_error_of_what_is_awaited_is_raised(seconds: float | None) -> None:
    clock, call = FakeClock(), _Call()
    waiting = await _begun(bounded(clock, call.made(), seconds), clock)
    call.answer.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await waiting
    assert clock.next_deadline() is None


@pytest.mark.parametrize("seconds", [5.0, None], ids=["bounded", "unbounded"])
async def test_who_is_cancelled_takes_along_what_is_awaited(seconds: float | None) -> None:
    clock, call = FakeClock(), _Call()
    waiting = await _begun(bounded(clock, call.made(), seconds), clock)
    await cancelled(waiting)
    assert call.answer.cancelled()
    assert clock.next_deadline() is None


async def test_an_error_of_what_is_cancelled_is_of_no_interest() -> None:
    async def failing_at_its_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("no")

    clock = FakeClock()
    work = asyncio.ensure_future(failing_at_its_end())
    await clock.settle()
    await cancelled(work)
    assert isinstance(work.exception(), ValueError)
