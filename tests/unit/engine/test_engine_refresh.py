"""Lists are shared by all who asked for them before they began, and by nobody else."""

from __future__ import annotations

import asyncio

import pytest

from spectra_operator.engine.refresh import Refresh


class Steps:
    """Notes what is done, and lets it last until it is let go."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gate = asyncio.Event()
        self.broken = False

    async def pods(self) -> None:
        self.done.append("pods")
        await self.gate.wait()
        if self.broken:
            raise OSError

    async def objects(self) -> None:
        self.done.append("objects")


@pytest.fixture
def steps() -> Steps:
    return Steps()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_steps_are_done_in_order(steps: Steps) -> None:
    steps.gate.set()
    await Refresh(steps.pods, steps.objects)()
    assert steps.done == ["pods", "objects"]


async def test_who_asks_while_a_run_goes_on_shares_the_next_one(steps: Steps) -> None:
    refresh = Refresh(steps.pods, steps.objects)
    first = asyncio.create_task(refresh())
    await turns()
    later = [asyncio.create_task(refresh()) for _ in range(5)]
    await turns()
    steps.gate.set()
    await asyncio.gather(first, *later)
    assert steps.done == ["pods", "objects"] * 2


async def test_who_asks_after_a_run_gets_one_of_its_own(steps: Steps) -> None:
    steps.gate.set()
    refresh = Refresh(steps.pods)
    await refresh()
    await refresh()
    assert steps.done == ["pods"] * 2


async def test_a_run_that_fails_is_no_run_for_those_who_wait(steps: Steps) -> None:
    steps.broken = True
    refresh = Refresh(steps.pods)
    tasks = [asyncio.create_task(refresh()) for _ in range(3)]
    await turns()
    steps.gate.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in found] == [OSError] * 3
    assert len(steps.done) == 3


async def test_one_that_is_cancelled_holds_nobody_up(steps: Steps) -> None:
    refresh = Refresh(steps.pods)
    first = asyncio.create_task(refresh())
    await turns()
    second = asyncio.create_task(refresh())
    await turns()
    first.cancel()
    steps.gate.set()
    await second
    assert steps.done == ["pods"] * 2
