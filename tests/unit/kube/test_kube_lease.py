"""The algorithm of the Lease: who holds it and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders.clock import FakeClock
from spectra_operator.kube.errors import ServerError, Unreachable
from unit.kube.lease_cases import Contender, OneLease


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> OneLease:
    return OneLease(clock)


async def test_the_first_to_come_holds_the_lease(server: OneLease, clock: FakeClock) -> None:
    one = Contender(server, clock, "one")
    assert not one.lock.held()
    await clock.settle()
    assert one.lock.held()
    assert one.diary == ["acquired"]
    assert server.spec["holderIdentity"] == one.lock.holder == "one"
    await one.stop()


async def test_the_holder_renews_every_two_seconds(server: OneLease, clock: FakeClock) -> None:
    one = Contender(server, clock, "one")
    await clock.run_for(60)
    assert one.lock.held()
    assert server.writes == 31
    assert server.spec["leaseTransitions"] == 0
    await one.stop()


async def test_nobody_takes_a_lease_that_is_renewed(server: OneLease, clock: FakeClock) -> None:
    one, two = Contender(server, clock, "one"), Contender(server, clock, "two")
    await clock.run_for(120)
    assert (one.lock.held(), two.lock.held(), two.diary) == (True, False, [])
    assert two.lock.holder == "one"
    await one.stop()
    await two.stop()


async def test_a_silent_holder_is_succeeded_only_after_its_own_time_is_over(
    server: OneLease, clock: FakeClock
) -> None:
    one, two = Contender(server, clock, "one"), Contender(server, clock, "two")
    await clock.run_for(5)
    await one.stop()
    last_renewal = 4.0
    await clock.run_for(13.9)
    assert not two.lock.held()
    await clock.run_for(4)
    assert two.lock.held()
    assert clock.monotonic() >= last_renewal + 15
    assert server.spec["leaseTransitions"] == 1
    await two.stop()


async def test_who_takes_over_knows_when_the_one_before_was_last_heard_of(
    server: OneLease, clock: FakeClock
) -> None:
    one, two = Contender(server, clock, "one"), Contender(server, clock, "two")
    began = clock.now()
    await clock.run_for(5)
    await one.stop()
    await clock.run_for(20)
    assert one.lock.left_at is None  # nobody was before
    assert two.lock.left_at == began + timedelta(seconds=4)
    await clock.run_for(20)
    assert two.lock.left_at == began + timedelta(seconds=4)  # its own renewals are not asked for
    await two.stop()


async def test_the_clocks_of_other_machines_do_not_matter(
    server: OneLease, clock: FakeClock
) -> None:
    one = Contender(server, clock, "one")
    await clock.settle()
    await one.stop()
    server.spec["renewTime"] = "1999-01-01T00:00:00.000000Z"
    two = Contender(server, clock, "two")
    await clock.run_for(14)
    assert not two.lock.held()
    await clock.run_for(2)
    assert two.lock.held()
    await two.stop()


async def test_it_is_not_held_any_more_well_before_another_may_take_it(
    server: OneLease, clock: FakeClock
) -> None:
    one, two = Contender(server, clock, "one"), Contender(server, clock, "two")
    await clock.settle()
    held_by: list[set[str]] = []
    server_for_two = two.lock
    await one.stop()
    for _ in range(200):
        held_by.append(
            {name for name, lock in (("one", one.lock), ("two", two.lock)) if lock.held()}
        )
        await clock.run_for(0.1)
    assert {"one", "two"} not in held_by
    assert held_by[-1] == {"two"}
    assert server_for_two.held()
    await two.stop()


async def test_held_counts_from_the_start_of_the_renewal_not_from_its_answer(
    server: OneLease, clock: FakeClock
) -> None:
    server.latency = 3.0
    one = Contender(server, clock, "one")
    await clock.run_for(6.0)
    assert one.diary == ["acquired"]
    server.down = Unreachable("gone")
    clock.advance(5.9)
    assert one.lock.held()
    clock.advance(0.1)
    assert not one.lock.held()
    await one.stop()


async def test_without_renewal_the_term_ends_at_the_deadline(
    server: OneLease, clock: FakeClock
) -> None:
    one = Contender(server, clock, "one")
    await clock.settle()
    server.down = ServerError("sick", status=500)
    await clock.run_for(9.9)
    assert one.diary == ["acquired"]
    await clock.run_for(0.2)
    assert one.diary == ["acquired", "lost"]
    assert not one.lock.held()
    assert one.task.done()


async def test_a_renewal_that_hangs_does_not_outlast_the_deadline(
    server: OneLease, clock: FakeClock
) -> None:
    one = Contender(server, clock, "one")
    await clock.settle()
    server.latency = 1000.0
    await clock.run_for(10.1)
    assert one.diary == ["acquired", "lost"]


async def test_a_short_outage_costs_nothing(server: OneLease, clock: FakeClock) -> None:
    one = Contender(server, clock, "one")
    await clock.settle()
    server.down = Unreachable("gone")
    await clock.run_for(7)
    server.down = None
    await clock.run_for(20)
    assert one.lock.held()
    assert one.diary == ["acquired"]
    await one.stop()


async def test_a_lease_taken_by_another_is_lost_at_once(server: OneLease, clock: FakeClock) -> None:
    one = Contender(server, clock, "one")
    await clock.settle()
    server.spec["holderIdentity"] = "intruder"
    await clock.run_for(2)
    assert one.diary == ["acquired", "lost"]


async def test_a_write_whose_answer_is_lost_is_found_to_be_ours(
    server: OneLease, clock: FakeClock
) -> None:
    server.lose_answers = True
    one = Contender(server, clock, "one")
    await clock.settle()
    assert not one.lock.held()
    server.lose_answers = False
    await clock.run_for(2)
    assert one.lock.held()
    assert server.spec["leaseTransitions"] == 0
    await one.stop()
