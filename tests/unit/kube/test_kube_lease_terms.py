"""How a term of the Lease ends, by itself or given back, and what runs for as long as it."""

from __future__ import annotations

import asyncio

import pytest

from builders.clock import FakeClock
from spectra_operator.kube.errors import Unreachable
from unit.kube.lease_cases import Contender, OneLease, a_lock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> OneLease:
    return OneLease(clock)


async def test_a_released_lease_changes_hands_without_any_time_passing(
    server: OneLease, clock: FakeClock
) -> None:
    one, two = Contender(server, clock, "one"), Contender(server, clock, "two")
    await clock.run_for(3)
    await one.lock.release()
    assert not one.lock.held()
    await clock.settle()
    assert two.lock.held()
    assert server.spec["leaseTransitions"] == 1
    assert one.diary == ["acquired"]
    assert one.task.done()
    await two.stop()


async def test_releasing_what_was_never_held_ends_the_competition(
    server: OneLease, clock: FakeClock
) -> None:
    one, two = Contender(server, clock, "one"), Contender(server, clock, "two")
    await clock.run_for(3)
    await two.lock.release()
    await clock.settle()
    assert two.task.done()
    assert server.spec["holderIdentity"] == "one"
    await one.stop()


async def test_a_lease_acquired_while_it_is_released_is_given_back(
    server: OneLease, clock: FakeClock
) -> None:
    server.latency = 1.0
    one = Contender(server, clock, "one")
    await clock.run_for(1.5)
    releasing = asyncio.create_task(one.lock.release())
    await clock.run_for(5)
    await releasing
    assert server.spec["holderIdentity"] == ""
    assert one.diary == []
    assert one.task.done()


async def test_release_gets_past_a_renewal_that_is_under_way(
    server: OneLease, clock: FakeClock
) -> None:
    one = Contender(server, clock, "one")
    await clock.settle()
    server.latency = 0.5
    await clock.run_for(2.25)
    releasing = asyncio.create_task(one.lock.release())
    await clock.run_for(6)
    await releasing
    assert server.spec["holderIdentity"] == ""


async def test_release_does_not_fail_when_the_server_is_out_of_reach(
    server: OneLease, clock: FakeClock
) -> None:
    one = Contender(server, clock, "one")
    await clock.settle()
    server.down = Unreachable("gone")
    await one.lock.release()
    assert not one.lock.held()
    await clock.settle()
    assert one.task.done()


async def test_a_failing_start_ends_the_term_and_is_raised(
    server: OneLease, clock: FakeClock
) -> None:
    lost: list[str] = []

    async def fail() -> None:
        raise RuntimeError("cannot start")

    lock = a_lock(server, clock)
    task = asyncio.create_task(lock.run(fail, lambda: lost.append("lost")))
    await clock.settle()
    with pytest.raises(RuntimeError, match="cannot start"):
        await task
    assert lost == ["lost"]
    assert not lock.held()


async def test_after_a_failing_start_another_replica_leads_without_any_time_passing(
    server: OneLease, clock: FakeClock
) -> None:
    async def fail() -> None:
        started.set()
        await failing.wait()
        raise Unreachable("cannot list")

    started, failing = asyncio.Event(), asyncio.Event()
    lock = a_lock(server, clock)
    task = asyncio.create_task(lock.run(fail, lambda: None))
    await clock.settle()
    assert started.is_set()
    other = Contender(server, clock, "two")
    await clock.run_for(3)
    assert other.diary == []

    failing.set()
    await clock.settle()

    assert other.diary == ["acquired"]
    with pytest.raises(Unreachable):
        await task
    await other.stop()


async def test_what_runs_for_the_term_is_cancelled_when_the_term_is_over(
    server: OneLease, clock: FakeClock
) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    lock = a_lock(server, clock)
    task = asyncio.create_task(lock.run(work, lambda: ended.append("lost")))
    await clock.settle()
    server.down = Unreachable("gone")
    await clock.run_for(11)
    await task
    assert ended == ["lost", "work"]


async def test_one_can_compete_again_after_a_loss(server: OneLease, clock: FakeClock) -> None:
    one = Contender(server, clock, "one")
    await clock.settle()
    server.down = Unreachable("gone")
    await clock.run_for(11)
    server.down = None
    again = asyncio.create_task(one.run())
    await clock.settle()
    assert one.lock.held()
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
