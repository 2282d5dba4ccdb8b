"""A lock that is told of its Lease by somebody who watches many, and competes more than once."""

from __future__ import annotations

import asyncio

import pytest

from builders.clock import FakeClock
from spectra_operator.kube.lease import LeaseLock
from spectra_operator.kube.lease_watch import ToldElsewhere
from spectra_operator.kube.resources import Body
from unit.kube.lease_cases import OneLease, a_lock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> OneLease:
    return OneLease(clock)


@pytest.fixture
def lock(server: OneLease, clock: FakeClock) -> LeaseLock:
    return a_lock(server, clock, labels={"kind": "shard"}, watch=ToldElsewhere())


def a_lease(version: int, holder: str = "two", uid: str = "u", renewed: str = "now") -> Body:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed}
    return {"metadata": {"resourceVersion": str(version), "uid": uid}, "spec": spec}


async def forever() -> None:
    await asyncio.Event().wait()


def nothing() -> None:
    pass


def test_a_lease_that_nobody_told_of_may_be_tried(lock: LeaseLock) -> None:
    assert (lock.free_in(), lock.holder) == (0.0, "")


def test_what_is_told_says_who_holds_it_and_for_how_long_it_is_to_be_left_alone(
    lock: LeaseLock, clock: FakeClock
) -> None:
    lock.observe(a_lease(5))
    assert (lock.free_in(), lock.holder) == (15.0, "two")
    clock.advance(14)
    assert lock.free_in() == 1.0
    lock.observe(a_lease(6, renewed="later"))
    assert lock.free_in() == 15.0
    clock.advance(15)
    assert lock.free_in() == 0.0


def test_old_news_is_no_news(lock: LeaseLock) -> None:
    lock.observe(a_lease(5))
    lock.observe(a_lease(4, holder="three"))
    assert lock.holder == "two"


@pytest.mark.parametrize(("uid", "holder"), [("u", ""), ("an older one", "two")])
def test_only_the_end_of_the_lease_that_is_known_makes_it_free(
    lock: LeaseLock, uid: str, holder: str
) -> None:
    lock.observe(a_lease(5))
    lock.forget(a_lease(5, uid=uid))
    assert lock.holder == holder


async def test_who_waits_takes_it_as_soon_as_it_is_told_free(
    server: OneLease, lock: LeaseLock, clock: FakeClock
) -> None:
    server.make("two")
    server.spec["leaseDurationSeconds"] = 15
    task = asyncio.create_task(lock.run(forever, nothing))
    await clock.settle()
    assert not lock.held()
    server.write_in("")
    assert server.lease is not None
    lock.observe(server.lease)
    await clock.settle()
    assert lock.held()
    assert server.lease["metadata"]["labels"] == {"kind": "shard"}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_holder_stops_as_soon_as_it_is_told_of_another(
    server: OneLease, lock: LeaseLock, clock: FakeClock
) -> None:
    lost: list[bool] = []
    task = asyncio.create_task(lock.run(forever, lambda: lost.append(lock.held())))
    await clock.settle()
    assert lock.held()
    server.write_in("two")
    assert server.lease is not None
    lock.observe(server.lease)
    assert not lock.held()
    await clock.settle()
    assert (lost, task.done()) == ([False], True)


async def test_a_lock_that_was_given_back_can_be_taken_again(
    server: OneLease, lock: LeaseLock, clock: FakeClock
) -> None:
    first = asyncio.create_task(lock.run(forever, nothing))
    await clock.settle()
    await lock.release()
    await first
    assert (server.spec["holderIdentity"], lock.held()) == ("", False)

    lock.reopen()
    second = asyncio.create_task(lock.run(forever, nothing))
    await clock.settle()

    assert (server.spec["holderIdentity"], lock.held()) == ("one", True)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
