"""Replicas share the shards evenly: they join, leave and die, and every task runs once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from builders.engine import World, a_world
from builders.fake_api.faults import HoldRequest, Refuse
from builders.kubelet import ok
from builders.replica import SYSTEM
from builders.replica_calls import Arrivals, Of
from builders.specs import a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, once
from component.engine.sharing_play import (
    HERE,
    LEASE_SECONDS,
    SHARDS,
    SPACES,
    a_run_in_each,
    a_shared_world,
    each_was_done_once,
    joins,
    lists_of,
    replica_leases,
    share,
    shares,
    sizes,
    until_all_ended,
    until_sizes,
)
from spectra_operator.engine.insides import insides
from spectra_operator.kube.resources import LEASES

TASKS = ("a", "b", "c")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_shared_world() as world:
        yield world


# Joining


async def test_a_replica_that_joins_gets_half_of_the_shards_without_any_time_passing(
    world: World,
) -> None:
    before = world.clock.monotonic()
    await joins(world, "two")
    await until_sizes(world, 3, 3)
    assert world.clock.monotonic() == before


async def test_only_what_evenness_demands_changes_hands(world: World) -> None:
    await joins(world, "two")
    await until_sizes(world, 3, 3)
    before = shares(world)
    await joins(world, "three")
    await until_sizes(world, 2, 2, 2)
    after = shares(world)
    assert after["one"] < before["one"]
    assert after["two"] < before["two"]
    leases = await world.api.objects(LEASES, SYSTEM)
    assert sum(lease["spec"].get("leaseTransitions", 0) for lease in leases) == 3 + 2


async def test_shards_are_handed_over_one_after_the_other(world: World) -> None:
    slow = HoldRequest()
    world.api.fault(lists_of("two", "phases"), slow, times=2)  # the intake's and the take-over's
    await joins(world, "two")
    await world.during(30)
    assert sizes(world) == [SHARDS - 1, 0]  # one waits for its take-over, and no other
    slow.release()
    await until_sizes(world, 3, 3)


async def test_a_replica_whose_caches_are_not_filled_is_given_nothing(world: World) -> None:
    world.api.fault(lists_of("two", "pods"), Refuse(500, "InternalError"), times=5)
    two = await joins(world, "two")
    assert share(two) == set()
    assert await replica_leases(world) == ["one"]
    assert sizes(world) == [SHARDS, 0]
    await until_sizes(world, 3, 3)


async def test_tasks_run_once_while_replicas_come_and_go(world: World) -> None:
    for shard in SPACES:
        for task in TASKS:
            world.kubelet.plan(f"{task}-{shard}", ok(seconds=4))
    await a_run_in_each(world, *TASKS)
    await world.during(2)
    two = await joins(world, "two")
    await world.during(3)
    await joins(world, "three")
    await world.during(3)
    await two.stop()
    await until_all_ended(world)
    assert each_was_done_once(world, *TASKS)


async def test_a_replica_writes_in_the_namespaces_of_its_share_alone(world: World) -> None:
    await joins(world, "two")
    await until_sizes(world, 3, 3)
    arrivals = Arrivals(world)
    await a_run_in_each(world, *TASKS, but=share(world.operator))
    await world.during(30)
    assert arrivals.of("two") == []
    assert len(arrivals.of("one")) > 5


# Leaving


async def test_the_shards_of_a_replica_that_stops_are_taken_at_once(world: World) -> None:
    two = await joins(world, "two")
    await joins(world, "three")
    await until_sizes(world, 2, 2, 2)
    before = world.clock.monotonic()
    await two.stop()
    await until_sizes(world, 3, 3)
    assert world.clock.monotonic() == before
    assert await replica_leases(world) == ["one", "three"]


async def test_the_last_replica_leaves_nothing_held(world: World) -> None:
    await world.operator.stop()
    leases = await world.api.objects(LEASES, SYSTEM)
    assert {lease["spec"]["holderIdentity"] for lease in leases} == {""}
    assert len(leases) == SHARDS
    before = world.api.count(plural="leases")
    await world.during(60)
    assert world.api.count(plural="leases") == before


@pytest.mark.parametrize("seconds", [0, 1, 7])
async def test_the_shards_of_a_replica_that_died_are_taken_when_its_leases_run_out(
    world: World, seconds: int
) -> None:
    two = await joins(world, "two")
    await joins(world, "three")
    await until_sizes(world, 2, 2, 2)
    await a_run_in_each(world, *TASKS)
    await world.during(seconds)
    kept = shares(world)
    two.kill()
    died = world.clock.monotonic()
    await until_sizes(world, 3, 3)
    assert world.clock.monotonic() - died <= LEASE_SECONDS
    assert kept["one"] < share(world.operators[0])
    await until_all_ended(world)
    assert each_was_done_once(world, *TASKS)
    await world.during(LEASE_SECONDS)
    assert await replica_leases(world) == ["one", "three"]  # that of the dead was cleared away


async def test_one_that_is_cut_off_writes_no_more_and_gets_its_share_again_when_it_is_back(
    world: World,
) -> None:
    two = await joins(world, "two")
    await until_sizes(world, 3, 3)
    silence = HoldRequest()
    world.api.fault(Of(plural="leases", identity="two"), silence, times=10_000)
    await world.until(lambda: sizes(world) == [SHARDS, 0])
    arrivals = Arrivals(world)
    await a_run_in_each(world, *TASKS)
    await until_all_ended(world)
    assert arrivals.of("two") == []
    assert each_was_done_once(world, *TASKS)
    world.api.clear_faults()
    silence.release()
    await until_sizes(world, 3, 3)
    assert share(two)


# Workers, and what is told


async def test_workers_lose_no_claim_and_repeat_none_when_their_shard_changes_hands(
    world: World,
) -> None:
    await world.apply(an_agent("warm", mode="Pool", replicas=3, slots=2))
    work = a_task("work", agent="warm", count=40)
    for index in range(40):
        world.workers.plan("work", Deed(seconds=3 + index % 3), index=index)
    await world.apply(a_workflow([a_step("build", [work])]))
    await world.until(lambda: len(world.workers.ended) > 5)
    two = await joins(world, "two")
    await world.until(lambda: HERE in share(two))
    await world.until(lambda: len(world.workers.ended) > 20)
    await two.stop()
    assert (await world.finished())["state"] == "Succeeded"
    assert once(world.workers.began)
    assert sorted(world.workers.ended) == sorted(world.workers.began)
    assert {attempt for _, _, attempt, _ in world.workers.began} == {1}
    assert not world.workers.refused


async def test_every_replica_tells_workers_who_holds_which_shard(world: World) -> None:
    two = await joins(world, "two")
    await until_sizes(world, 3, 3)
    await world.settle()
    told = [[o.keeper.address(shard) for shard in range(SHARDS)] for o in world.operators]
    expected = ["http://two" if shard in share(two) else "http://one" for shard in range(SHARDS)]
    assert told == [expected, expected]


async def test_the_status_page_tells_of_all_replicas(world: World) -> None:
    two = await joins(world, "two")
    await until_sizes(world, 3, 3)
    await world.settle()
    (table,) = two.keeper.tables()
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [(r["replica"], r["present"], r["holds"], r["share"]) for r in rows] == [
        ("one", True, 3, 3),
        ("two", True, 3, 3),
    ]
    assert "shards" in {each.title for each in insides(two.engine, world.clock, 0.0)}


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_befalls_the_replicas_every_task_runs_once_and_shares_are_even(
    world: World, seed: int
) -> None:
    dice = random.Random(seed)
    for shard in SPACES:
        for task in TASKS:
            world.kubelet.plan(f"{task}-{shard}", ok(seconds=dice.randint(1, 25)))
    await a_run_in_each(world, *TASKS)
    for number in range(8):
        await world.during(dice.choice([0, 0.5, 3, 11]))
        sizes(world)
        await _befalls(world, dice, number)
    await until_all_ended(world)
    alive = sum(operator.running for operator in world.operators)
    least, odd = divmod(SHARDS, alive)
    await until_sizes(world, *[least + (place < odd) for place in range(alive)])
    assert each_was_done_once(world, *TASKS)


async def _befalls(world: World, dice: random.Random, number: int) -> None:
    """Let something happen to a replica; one is always left."""
    alive = [operator for operator in world.operators if operator.running]
    what = dice.choice(["join", "stop", "kill", "cut", "refuse"])
    one = dice.choice(alive)
    if what == "join" or (what in ("stop", "kill") and len(alive) == 1):
        await joins(world, f"r{number}")
    elif what == "stop":
        await one.stop()
    elif what == "kill":
        one.kill()
    elif what == "cut":
        silence = HoldRequest()
        world.api.fault(Of(plural="leases", identity=one.identity), silence, times=10_000)
        await world.during(dice.choice([3, 12, 20]))
        world.api.clear_faults()
        silence.release()
    else:
        refused = Refuse(500, "InternalError")
        world.api.fault(Of(identity=one.identity), refused, times=dice.choice([1, 5, 20]))


async def test_a_single_shard_is_not_shared_and_costs_no_request_more() -> None:
    async with a_world() as world:
        await world.start("one")
        await world.start("two", leads=False)
        await world.during(60)
        assert await replica_leases(world) == []
        asked = [entry.call for entry in world.api.log if entry.call.namespace == SYSTEM]
        verbs = Counter(call.verb for call in asked)
        assert verbs.keys() == {"get", "create", "update", "watch", "list"}
        assert verbs["list"] == 1  # since nobody is known to have had the Lease before
