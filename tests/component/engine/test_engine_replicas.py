"""Two replicas, one Lease: who does not hold it writes nothing, and the other goes on."""

from __future__ import annotations

import pytest

from builders.campaign import check_history, end_state, plan_fates, the_workflow
from builders.engine import a_running_world
from builders.fake_api.faults import HoldRequest, Match, Refuse
from builders.kubelet import ok
from builders.replica import SYSTEM
from builders.replica_calls import Arrivals, Of
from builders.specs import a_chain, a_step, a_workflow
from spectra_operator.kube.resources import LEASES

LEASE_SECONDS, MARGIN, RETRY = 15, 3, 2


async def test_a_standby_keeps_nothing_of_what_another_replica_has_finished() -> None:
    async with a_running_world() as world:
        standby = await world.start("two", leads=False)
        await world.apply(a_workflow([a_step("build", a_chain("a", "b", "c"))]))
        await world.finished()
        await world.during(5)
        assert standby.memory() == {}
        assert not standby.leads()


async def test_a_standby_writes_nothing() -> None:
    async with a_running_world() as world:
        await world.start("two", leads=False)
        arrivals = Arrivals(world)
        await world.apply(a_workflow())
        await world.finished()
        assert arrivals.of("two") == []
        assert len(arrivals.of("one")) > 5


async def test_a_deposed_leader_writes_nothing_after_its_margin_and_the_other_goes_on() -> None:
    async with a_running_world() as world:
        one, two = world.operator, await world.start("two", leads=False)
        arrivals = Arrivals(world)
        names = [f"t{number}" for number in range(12)]
        for name in names:
            world.kubelet.plan(name, ok(seconds=3))
        await world.apply(a_workflow([a_step("build", a_chain(*names))]))
        await world.during(10)
        blocked = world.clock.monotonic()
        world.api.fault(Of(plural="leases", identity="one"), HoldRequest(), times=10_000)
        await world.until(two.leads)
        taken = world.clock.monotonic()
        assert not one.leads()
        assert taken - blocked <= LEASE_SECONDS + 2 * RETRY  # to see the last renewal, and to try
        assert (await world.finished())["state"] == "Succeeded"
        assert max(arrivals.of("one")) <= blocked + LEASE_SECONDS - MARGIN
        assert min(arrivals.of("two")) >= taken
        assert world.kubelet.tasks() == names
        assert world.kubelet.attempts("t5") == [1]
        await world.until(lambda: not two.memory())


async def test_writes_of_a_deposed_leader_that_arrive_late_do_no_harm() -> None:
    async with a_running_world() as world:
        plan_fates(world)
        await world.apply(the_workflow())
        await world.finished()
        expected = await end_state(world)
    async with a_running_world() as world:
        two = await world.start("two", leads=False)
        plan_fates(world)
        await world.apply(the_workflow())
        await world.until(lambda: "shard" in world.kubelet.tasks())
        silence = HoldRequest()
        world.api.fault(Of(identity="one"), silence, times=10_000)
        await world.until(two.leads)
        await world.until(lambda: "merge" in world.kubelet.tasks())
        silence.release()
        await world.finished()
        await world.until(lambda: not two.memory())
        check_history(world)
        assert await end_state(world) == expected


async def test_a_leader_that_stops_in_order_hands_over_at_once() -> None:
    async with a_running_world() as world:
        one, two = world.operator, await world.start("two", leads=False)
        await world.during(5)
        before = world.clock.monotonic()
        await one.stop()
        await world.until(two.leads)
        assert world.clock.monotonic() == before


@pytest.mark.parametrize("seconds", [1, 8], ids=["at once", "after a while"])
async def test_a_replica_that_died_is_replaced_when_its_lease_runs_out(seconds: int) -> None:
    async with a_running_world() as world:
        one, two = world.operator, await world.start("two", leads=False)
        await world.apply(a_workflow([a_step("build", a_chain("a", "b", "c"))]))
        await world.during(seconds)
        one.kill()
        await world.until(two.leads)
        assert (await world.finished())["state"] == "Succeeded"
        assert world.kubelet.tasks() == ["a", "b", "c"]


async def test_a_term_that_cannot_begin_is_tried_again_with_pauses() -> None:
    async with a_running_world() as world:
        await world.operator.stop()
        world.api.fault(Match("list", "workflows"), Refuse(500, "InternalError"), times=999)
        before = world.api.count("list", "workflows")
        two = await world.start("two", leads=False)
        await world.during(20)
        assert not two.leads()
        assert 5 < world.api.count("list", "workflows") - before < 35  # half of them the intake's
        world.api.clear_faults()
        await world.until(two.leads)
        assert (await world.api.get(LEASES, "spectra-operator-shard-0", SYSTEM))["spec"][
            "holderIdentity"
        ] == "two"


async def test_a_leader_that_has_given_its_lease_back_competes_no_more() -> None:
    async with a_running_world() as world:
        await world.operator.stop()
        before = world.api.count(plural="leases")
        await world.during(60)
        assert world.api.count(plural="leases") == before
