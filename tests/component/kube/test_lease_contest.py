"""Contenders for a Lease, through the real client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from builders.clock import FakeClock
from builders.fake_api.faults import CommitThenCut, CutBefore, HoldRequest, Match, Refuse
from builders.fake_api.server import FakeApi
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.lease import LeaseLock
from spectra_operator.kube.lease_record import Candidacy
from spectra_operator.kube.resources import LEASES

NAME = "spectra-shard-0"


class _Contender:
    def __init__(self, client: AiohttpClient, clock: FakeClock, identity: str) -> None:
        self.acquired = asyncio.Event()
        self.lost = asyncio.Event()
        self.lock = LeaseLock(client, clock, Candidacy("default", NAME, identity))
        self.task = asyncio.create_task(self.lock.run(self._on_acquired, self.lost.set))

    async def _on_acquired(self) -> None:
        self.acquired.set()

    async def has_acquired(self) -> None:
        async with asyncio.timeout(10):
            await self.acquired.wait()


Compete = Callable[[str], Awaitable[_Contender]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def compete(api: FakeApi, clock: FakeClock) -> AsyncIterator[Compete]:
    """Start contenders, each with a client of its own."""
    contenders: list[_Contender] = []
    async with AsyncExitStack() as stack:

        async def start(identity: str) -> _Contender:
            client = await stack.enter_async_context(AiohttpClient(api.access()))
            contenders.append(_Contender(client, clock, identity))
            return contenders[-1]

        yield start
        for contender in contenders:
            contender.task.cancel()
        await asyncio.gather(*(c.task for c in contenders), return_exceptions=True)


async def _answered(api: FakeApi, verb: str) -> None:
    """Wait until one more call of that kind on leases was answered."""
    before = api.count(verb, "leases")
    await api.wait_until(lambda: api.count(verb, "leases") > before)


async def _pass_time(clock: FakeClock, seconds: int) -> None:
    """Let the time pass second by second, with turns enough for the calls of each.

    Client and server share the loop, and loopback delivers at once: a call takes some ten turns.
    """
    for _ in range(seconds):
        await clock.settle(300)
        clock.advance(1)
    await clock.settle(300)


async def test_the_first_contender_writes_itself_into_a_new_lease(
    api: FakeApi, compete: Compete
) -> None:
    one = await compete("one")
    await one.has_acquired()
    spec = (await api.get(LEASES, NAME))["spec"]
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == ("one", 15)
    assert (spec["acquireTime"], spec["leaseTransitions"]) == ("2026-01-01T00:00:00.000000Z", 0)
    assert one.lock.held()


async def test_of_two_that_come_at_once_only_one_holds_the_lease(
    api: FakeApi, compete: Compete
) -> None:
    held = HoldRequest()
    api.fault(Match(verb="create", plural="leases"), held, times=2)
    one, two = await compete("one"), await compete("two")
    await api.wait_until(lambda: api.count("get", "leases") == 2)
    held.release()
    await api.wait_until(lambda: api.count("create", "leases") == 2)
    await asyncio.wait(
        [asyncio.create_task(one.acquired.wait()), asyncio.create_task(two.acquired.wait())],
        return_when=asyncio.FIRST_COMPLETED,
        timeout=10,
    )
    assert one.lock.held() != two.lock.held()
    assert sorted(entry.status for entry in api.log if entry.call.verb == "create") == [201, 409]


async def test_released_it_changes_hands_without_any_time_passing(
    api: FakeApi, clock: FakeClock, compete: Compete
) -> None:
    one = await compete("one")
    await one.has_acquired()
    two = await compete("two")
    await _answered(api, "get")
    await clock.settle()
    clock.advance(2)
    await api.wait_watched(LEASES)
    await one.lock.release()
    await two.has_acquired()
    assert (one.lock.held(), two.lock.held()) == (False, True)
    assert (await api.get(LEASES, NAME))["spec"]["leaseTransitions"] == 1
    assert not one.lost.is_set()


async def test_a_lease_deleted_by_hand_changes_hands_without_any_time_passing(
    api: FakeApi, clock: FakeClock, compete: Compete
) -> None:
    one = await compete("one")
    await one.has_acquired()
    two = await compete("two")
    await _answered(api, "get")
    await _pass_time(clock, 2)
    await api.wait_until(lambda: api.watches(LEASES) == 2)
    await api.delete(LEASES, NAME)
    async with asyncio.timeout(10):
        await one.lost.wait()
    assert not one.lock.held()
    await two.has_acquired()
    assert (one.lock.held(), two.lock.held()) == (False, True)


async def test_a_holder_that_is_cut_off_stops_before_its_successor_starts(
    api: FakeApi, clock: FakeClock, compete: Compete
) -> None:
    one = await compete("one")
    await one.has_acquired()
    two = await compete("two")
    await _answered(api, "get")
    api.fault(Match(verb="update", plural="leases"), CutBefore(), times=1000)
    await _pass_time(clock, 9)
    assert not one.lost.is_set()
    await _pass_time(clock, 1)
    assert one.lost.is_set()
    assert not one.lock.held()
    api.clear_faults()
    await _pass_time(clock, 4)
    assert not two.lock.held()
    await _pass_time(clock, 2)
    assert two.lock.held()
    assert two.acquired.is_set()


async def test_when_the_server_is_gone_it_is_not_held_any_more_in_time(
    api: FakeApi, clock: FakeClock, compete: Compete
) -> None:
    one = await compete("one")
    await one.has_acquired()
    held = HoldRequest()
    api.fault(Match(plural="leases"), held, times=1000)
    await clock.settle()
    clock.advance(2)
    await held.reached()
    clock.advance(7.9)
    await clock.settle()
    assert one.lock.held()
    clock.advance(0.1)
    async with asyncio.timeout(10):
        await one.lost.wait()
    assert not one.lock.held()
    held.release()


async def test_a_renewal_whose_answer_was_lost_costs_nothing(
    api: FakeApi, clock: FakeClock, compete: Compete
) -> None:
    one = await compete("one")
    await one.has_acquired()
    api.fault(Match(verb="update", plural="leases"), CommitThenCut())
    await clock.settle()
    await _pass_time(clock, 8)
    assert one.lock.held()
    assert not one.lost.is_set()
    assert (await api.get(LEASES, NAME))["spec"]["leaseTransitions"] == 0


async def test_without_the_right_to_watch_it_still_changes_hands(
    api: FakeApi, clock: FakeClock, compete: Compete
) -> None:
    api.fault(Match(verb="watch", plural="leases"), Refuse(403, "Forbidden"), times=1000)
    one = await compete("one")
    await one.has_acquired()
    two = await compete("two")
    await _answered(api, "get")
    await one.lock.release()
    await clock.settle()
    clock.advance(2)
    await two.has_acquired()
    assert two.lock.held()
