"""The algorithm of the Lease, on a clock that stands still."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, cast

import pytest

from builders.clock import FakeClock
from spectra_operator.kube.client import KubeClient, WatchEvent
from spectra_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    KubeError,
    NotFound,
    ServerError,
    Unreachable,
)
from spectra_operator.kube.lease import LeaseLock
from spectra_operator.kube.resources import Body, Resource


class _OneLease:
    """A server with room for one Lease, which can be slow or out of reach."""

    def __init__(self, clock: FakeClock) -> None:
        self.lease: Body | None = None
        self.down: KubeError | None = None
        self.lose_answers = False
        self.latency = 0.0
        self.writes = 0
        self._clock = clock
        self._watchers: list[asyncio.Queue[Body]] = []

    async def get(self, resource: Resource, namespace: str, name: str) -> Body:
        await self._travel()
        if self.lease is None:
            raise NotFound("no lease", status=404)
        return copy.deepcopy(self.lease)

    async def create(self, resource: Resource, namespace: str, body: Body) -> Body:
        await self._travel()
        if self.lease is not None:
            raise AlreadyExists("there is one", status=409)
        return self._commit(body, 0)

    async def replace(self, resource: Resource, namespace: str, name: str, body: Body) -> Body:
        await self._travel()
        assert self.lease is not None
        version = self.lease["metadata"]["resourceVersion"]
        if body["metadata"]["resourceVersion"] != version:
            raise Conflict("changed since", status=409)
        return self._commit(body, int(version))

    async def watch(self, *args: Any, **selectors: str) -> AsyncGenerator[WatchEvent, None]:
        queue: asyncio.Queue[Body] = asyncio.Queue()
        self._watchers.append(queue)
        while True:
            yield WatchEvent("MODIFIED", await queue.get())

    async def _travel(self) -> None:
        if self.latency:
            await self._clock.sleep(self.latency)
        if self.down is not None:
            raise self.down

    def _commit(self, body: Body, version: int) -> Body:
        self.writes += 1
        metadata = body["metadata"] | {"resourceVersion": str(version + 1)}
        self.lease = copy.deepcopy(body) | {"metadata": metadata}
        for queue in self._watchers:
            queue.put_nowait(self.lease)
        if self.lose_answers:
            raise Unreachable("the answer is lost", ambiguous=True)
        return copy.deepcopy(self.lease)

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease is not None
        spec: dict[str, Any] = self.lease["spec"]
        return spec


class _Contender:
    """A lock that runs, and a diary of what it was told."""

    def __init__(self, server: _OneLease, clock: FakeClock, identity: str) -> None:
        self.diary: list[str] = []
        self.lock = LeaseLock(
            cast("KubeClient", server),
            namespace="ns",
            name="shard-0",
            identity=identity,
            clock=clock,
        )
        self.task = asyncio.create_task(self.lock.run(self._acquired, self._lost))

    async def _acquired(self) -> None:
        self.diary.append("acquired")

    def _lost(self) -> None:
        assert not self.lock.held()
        self.diary.append("lost")

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> _OneLease:
    return _OneLease(clock)


async def test_the_first_to_come_holds_the_lease(server: _OneLease, clock: FakeClock) -> None:
    one = _Contender(server, clock, "one")
    assert not one.lock.held()
    await clock.settle()
    assert one.lock.held()
    assert one.diary == ["acquired"]
    assert server.spec["holderIdentity"] == one.lock.holder == "one"
    await one.stop()


async def test_the_holder_renews_every_two_seconds(server: _OneLease, clock: FakeClock) -> None:
    one = _Contender(server, clock, "one")
    await clock.run_for(60)
    assert one.lock.held()
    assert server.writes == 31
    assert server.spec["leaseTransitions"] == 0
    await one.stop()


async def test_nobody_takes_a_lease_that_is_renewed(server: _OneLease, clock: FakeClock) -> None:
    one, two = _Contender(server, clock, "one"), _Contender(server, clock, "two")
    await clock.run_for(120)
    assert (one.lock.held(), two.lock.held(), two.diary) == (True, False, [])
    assert two.lock.holder == "one"
    await one.stop()
    await two.stop()


async def test_a_silent_holder_is_succeeded_only_after_its_own_time_is_over(
    server: _OneLease, clock: FakeClock
) -> None:
    one, two = _Contender(server, clock, "one"), _Contender(server, clock, "two")
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
    server: _OneLease, clock: FakeClock
) -> None:
    one, two = _Contender(server, clock, "one"), _Contender(server, clock, "two")
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
    server: _OneLease, clock: FakeClock
) -> None:
    one = _Contender(server, clock, "one")
    await clock.settle()
    await one.stop()
    server.spec["renewTime"] = "1999-01-01T00:00:00.000000Z"
    two = _Contender(server, clock, "two")
    await clock.run_for(14)
    assert not two.lock.held()
    await clock.run_for(2)
    assert two.lock.held()
    await two.stop()


async def test_it_is_not_held_any_more_well_before_another_may_take_it(
    server: _OneLease, clock: FakeClock
) -> None:
    one, two = _Contender(server, clock, "one"), _Contender(server, clock, "two")
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
    server: _OneLease, clock: FakeClock
) -> None:
    server.latency = 3.0
    one = _Contender(server, clock, "one")
    await clock.run_for(6.0)
    assert one.diary == ["acquired"]
    server.down = Unreachable("gone")
    clock.advance(5.9)
    assert one.lock.held()
    clock.advance(0.1)
    assert not one.lock.held()
    await one.stop()


async def test_without_renewal_the_term_ends_at_the_deadline(
    server: _OneLease, clock: FakeClock
) -> None:
    one = _Contender(server, clock, "one")
    await clock.settle()
    server.down = ServerError("sick", status=500)
    await clock.run_for(9.9)
    assert one.diary == ["acquired"]
    await clock.run_for(0.2)
    assert one.diary == ["acquired", "lost"]
    assert not one.lock.held()
    assert one.task.done()


async def test_a_renewal_that_hangs_does_not_outlast_the_deadline(
    server: _OneLease, clock: FakeClock
) -> None:
    one = _Contender(server, clock, "one")
    await clock.settle()
    server.latency = 1000.0
    await clock.run_for(10.1)
    assert one.diary == ["acquired", "lost"]


async def test_a_short_outage_costs_nothing(server: _OneLease, clock: FakeClock) -> None:
    one = _Contender(server, clock, "one")
    await clock.settle()
    server.down = Unreachable("gone")
    await clock.run_for(7)
    server.down = None
    await clock.run_for(20)
    assert one.lock.held()
    assert one.diary == ["acquired"]
    await one.stop()


async def test_a_lease_taken_by_another_is_lost_at_once(
    server: _OneLease, clock: FakeClock
) -> None:
    one = _Contender(server, clock, "one")
    await clock.settle()
    server.spec["holderIdentity"] = "intruder"
    await clock.run_for(2)
    assert one.diary == ["acquired", "lost"]


async def test_a_write_whose_answer_is_lost_is_found_to_be_ours(
    server: _OneLease, clock: FakeClock
) -> None:
    server.lose_answers = True
    one = _Contender(server, clock, "one")
    await clock.settle()
    assert not one.lock.held()
    server.lose_answers = False
    await clock.run_for(2)
    assert one.lock.held()
    assert server.spec["leaseTransitions"] == 0
    await one.stop()


async def test_a_released_lease_changes_hands_without_any_time_passing(
    server: _OneLease, clock: FakeClock
) -> None:
    one, two = _Contender(server, clock, "one"), _Contender(server, clock, "two")
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
    server: _OneLease, clock: FakeClock
) -> None:
    one, two = _Contender(server, clock, "one"), _Contender(server, clock, "two")
    await clock.run_for(3)
    await two.lock.release()
    await clock.settle()
    assert two.task.done()
    assert server.spec["holderIdentity"] == "one"
    await one.stop()


async def test_a_lease_acquired_while_it_is_released_is_given_back(
    server: _OneLease, clock: FakeClock
) -> None:
    server.latency = 1.0
    one = _Contender(server, clock, "one")
    await clock.run_for(1.5)
    releasing = asyncio.create_task(one.lock.release())
    await clock.run_for(5)
    await releasing
    assert server.spec["holderIdentity"] == ""
    assert one.diary == []
    assert one.task.done()


async def test_release_gets_past_a_renewal_that_is_under_way(
    server: _OneLease, clock: FakeClock
) -> None:
    one = _Contender(server, clock, "one")
    await clock.settle()
    server.latency = 0.5
    await clock.run_for(2.25)
    releasing = asyncio.create_task(one.lock.release())
    await clock.run_for(6)
    await releasing
    assert server.spec["holderIdentity"] == ""


async def test_release_does_not_fail_when_the_server_is_out_of_reach(
    server: _OneLease, clock: FakeClock
) -> None:
    one = _Contender(server, clock, "one")
    await clock.settle()
    server.down = Unreachable("gone")
    await one.lock.release()
    assert not one.lock.held()
    await clock.settle()
    assert one.task.done()


async def test_a_failing_start_ends_the_term_and_is_raised(
    server: _OneLease, clock: FakeClock
) -> None:
    lost: list[str] = []

    async def fail() -> None:
        raise RuntimeError("cannot start")

    lock = LeaseLock(
        cast("KubeClient", server), namespace="ns", name="shard-0", identity="one", clock=clock
    )
    task = asyncio.create_task(lock.run(fail, lambda: lost.append("lost")))
    await clock.settle()
    with pytest.raises(RuntimeError, match="cannot start"):
        await task
    assert lost == ["lost"]
    assert not lock.held()


async def test_what_runs_for_the_term_is_cancelled_when_the_term_is_over(
    server: _OneLease, clock: FakeClock
) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    lock = LeaseLock(
        cast("KubeClient", server), namespace="ns", name="shard-0", identity="one", clock=clock
    )
    task = asyncio.create_task(lock.run(work, lambda: ended.append("lost")))
    await clock.settle()
    server.down = Unreachable("gone")
    await clock.run_for(11)
    await task
    assert ended == ["lost", "work"]


async def test_one_can_compete_again_after_a_loss(server: _OneLease, clock: FakeClock) -> None:
    one = _Contender(server, clock, "one")
    await clock.settle()
    server.down = Unreachable("gone")
    await clock.run_for(11)
    server.down = None
    again = asyncio.create_task(one.lock.run(one._acquired, one._lost))
    await clock.settle()
    assert one.lock.held()
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
