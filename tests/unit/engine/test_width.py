"""Fewer writes at once while the API server has too much to do, and slowly more again."""

from __future__ import annotations

import asyncio

import pytest

from spectra_operator.engine.width import LEAST, SLOW_SECONDS, Width


async def entered(width: Width, count: int) -> None:
    """Begin so many at once."""
    async with asyncio.timeout(5):
        for _ in range(count):
            await width.enter()


async def test_as_many_as_the_width_may_be_under_way() -> None:
    width = Width(3)
    await entered(width, 3)
    fourth = asyncio.ensure_future(width.enter())
    await asyncio.sleep(0)
    assert not fourth.done()

    width.leave(0.0, 0.1, well=True)

    async with asyncio.timeout(5):
        await fourth


@pytest.mark.parametrize(
    ("seconds", "well"), [(0.1, False), (SLOW_SECONDS + 0.1, True)], ids=["refused", "slow"]
)
async def test_a_refusal_and_a_slow_answer_halve_it(seconds: float, well: bool) -> None:
    width = Width(48)
    await entered(width, 1)
    width.leave(10.0, 10.0 + seconds, well=well)
    assert width.now == 24


async def test_all_that_were_under_way_together_halve_it_once() -> None:
    width = Width(48)
    await entered(width, 20)
    for number in range(20):
        width.leave(10.0, 11.0 + number / 100, well=False)
    assert width.now == 24

    await entered(width, 1)
    width.leave(11.5, 12.0, well=False)
    assert width.now == 12


async def test_it_never_falls_so_low_that_nothing_goes_on() -> None:
    width = Width(48)
    for moment in range(20):
        await entered(width, 1)
        width.leave(10.0 * moment + 1, 10.0 * moment + 2, well=False)
    assert width.now == LEAST


async def test_a_width_that_is_small_by_its_setting_stays_as_it_is() -> None:
    width = Width(2)
    await entered(width, 1)
    width.leave(1.0, 2.0, well=False)
    assert width.now == 2


async def test_each_round_of_good_answers_gives_one_more_up_to_the_most() -> None:
    width = Width(12)
    await entered(width, 1)
    width.leave(1.0, 2.0, well=False)
    assert width.now == 6

    await entered(width, 6)
    for _ in range(6):
        width.leave(3.0, 3.1, well=True)
    assert width.now == pytest.approx(7.0, abs=0.1)

    for _ in range(200):
        await entered(width, 1)
        width.leave(3.0, 3.1, well=True)
    assert width.now == 12


async def test_after_a_refusal_those_that_are_under_way_end_before_others_begin() -> None:
    width = Width(8)
    await entered(width, 8)
    width.leave(1.0, 2.0, well=False)
    assert width.now == 4
    fifth = asyncio.ensure_future(width.enter())
    for _ in range(3):
        width.leave(1.0, 2.1, well=True)
        await asyncio.sleep(0)
        assert not fifth.done()
    width.leave(1.0, 2.1, well=True)
    async with asyncio.timeout(5):
        await fifth
