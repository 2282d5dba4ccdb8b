"""A holder that watches its Lease stops as soon as others may take it, and not for old news."""

from __future__ import annotations

import asyncio
import logging

import pytest

from builders.clock import FakeClock
from spectra_operator.kube.lease_watch import is_free, loss
from spectra_operator.kube.resources import Body
from spectra_operator.kube.watching import WatchEvent
from unit.kube.lease_cases import Contender, OneLease


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> OneLease:
    return OneLease(clock)


def a_lease(version: int, holder: str = "one") -> Body:
    return {"metadata": {"resourceVersion": str(version)}, "spec": {"holderIdentity": holder}}


async def test_a_deleted_lease_is_lost_without_any_time_passing(
    server: OneLease, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    one = Contender(server, clock, "one")
    await clock.run_for(2.5)
    assert one.diary == ["acquired"]

    with caplog.at_level(logging.ERROR):
        server.delete()
        await clock.settle()

    assert (one.diary, one.lock.held(), one.task.done()) == (["acquired", "lost"], False, True)
    assert caplog.messages == ["lease shard-0 lost: it was deleted"]


async def test_of_holder_and_successor_only_one_holds_at_each_moment_after_a_deletion(
    server: OneLease, clock: FakeClock
) -> None:
    one, two = Contender(server, clock, "one"), Contender(server, clock, "two")
    await clock.run_for(2.5)
    server.latency = 0.1
    server.delete()
    held: list[tuple[bool, bool]] = []
    for _ in range(30):
        await clock.run_for(0.01)
        held.append((one.lock.held(), two.lock.held()))
    assert (True, True) not in held
    assert held[-1] == (False, True)
    await two.stop()


@pytest.mark.parametrize(("holder", "told"), [("two", "two"), ("", "nobody")])
async def test_a_holder_written_in_by_hand_ends_the_term_without_any_time_passing(
    server: OneLease,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    holder: str,
    told: str,
) -> None:
    one = Contender(server, clock, "one")
    await clock.run_for(2.5)

    with caplog.at_level(logging.ERROR):
        server.write_in(holder)
        await clock.settle()

    assert one.diary == ["acquired", "lost"]
    assert caplog.messages == [f"lease shard-0 lost: it is held by {told}"]


async def test_what_a_watch_tells_late_of_the_holder_before_changes_nothing(
    server: OneLease, clock: FakeClock
) -> None:
    one = Contender(server, clock, "one")
    await clock.run_for(2.5)
    server.tell_again("the one before")
    await clock.run_for(20)
    assert one.diary == ["acquired"]
    assert one.lock.held()
    await one.stop()


async def test_after_a_loss_that_the_watch_told_of_one_can_compete_again(
    server: OneLease, clock: FakeClock
) -> None:
    one = Contender(server, clock, "one")
    await clock.run_for(2.5)
    server.delete()
    await clock.settle()

    one.task = asyncio.create_task(one.run())
    await clock.settle()

    assert one.lock.held()
    assert one.diary == ["acquired", "lost", "acquired"]
    await one.stop()


async def test_a_lease_that_went_unseen_is_lost_where_another_was_faster_to_make_it(
    server: OneLease, clock: FakeClock
) -> None:
    one = Contender(server, clock, "one")
    await clock.run_for(1)  # before its watch
    server.delete()
    server.latency = 0.5
    await clock.run_for(1.75)  # it has looked, and found none
    server.make("two")
    await clock.run_for(0.5)
    assert one.diary == ["acquired", "lost"]


def test_a_deleted_lease_and_one_without_a_holder_are_free() -> None:
    assert is_free(WatchEvent("DELETED", a_lease(3)))
    assert is_free(WatchEvent("MODIFIED", a_lease(3, holder="")))
    assert not is_free(WatchEvent("MODIFIED", a_lease(3)))


@pytest.mark.parametrize(
    ("kind", "version", "holder", "why"),
    [
        ("MODIFIED", 6, "one", ""),
        ("MODIFIED", 6, "two", "it is held by two"),
        ("ADDED", 6, "two", "it is held by two"),
        ("MODIFIED", 6, "", "it is held by nobody"),
        ("DELETED", 6, "one", "it was deleted"),
        ("MODIFIED", 5, "two", ""),
        ("DELETED", 4, "two", ""),
    ],
)
def test_a_loss_is_what_came_after_the_lease_as_it_was_seen_last(
    kind: str, version: int, holder: str, why: str
) -> None:
    event = WatchEvent(kind, a_lease(version, holder))
    assert loss(event, a_lease(5), "one") == why
