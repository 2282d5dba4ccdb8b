"""Replicas that have different numbers of shards: they never work beside each other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from builders.engine import World, a_world
from builders.fake_api.faults import CommitThenCut, HoldRequest, Refuse, Which
from builders.kubelet import ok
from builders.replica import SYSTEM, Operator
from component.engine.sharing_play import (
    LEASE_SECONDS,
    SHARDS,
    SPACES,
    a_run_in_each,
    a_shared_world,
    each_was_done_once,
    joins,
    locks_of,
    share,
    sizes,
    until_all_ended,
    until_sizes,
)
from spectra_operator.engine.leases import SHARD_LEASE
from spectra_operator.kube.resources import LEASES

TASKS = ("a", "b", "c")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_shared_world() as world:
        yield world


async def has_one(world: World, identity: str) -> Operator:
    """Start a replica that has a single shard; it is not waited for."""
    return await world.start(identity, leads=False)


async def both_share(world: World) -> tuple[Operator, Operator]:
    """Let two replicas share; return them, the one with shard 0 first."""
    await joins(world, "two")
    await until_sizes(world, 3, 3)
    one, two = sorted(world.operators, key=lambda operator: 0 not in share(operator))
    return one, two


def leases_of(identity: str, verb: str) -> Which:
    """Match what a replica asks of Leases."""
    wanted = (verb, "leases", f"Bearer {identity}")
    return lambda call: (call.verb, call.plural, call.authorization) == wanted


def looks(world: World) -> int:
    """Return how often anybody listed the Leases of shards and replicas."""
    calls = (entry.call for entry in world.api.log)
    return sum(
        (call.verb, call.plural, call.namespace) == ("list", "leases", SYSTEM) for call in calls
    )


def runs_alone(single: Operator, *sharing: Operator) -> bool:
    """Whether the only shard is run; nobody else may run any then."""
    others = set().union(*map(share, sharing))
    runs = share(single) == {0}
    assert not (runs and others), f"run by one shard, and {others} beside it"
    return runs


# Raising the number


async def test_replicas_with_another_number_of_shards_never_run_beside_each_other() -> None:
    async with a_world() as world:
        old = [await has_one(world, name) for name in ("old-one", "old-two")]
        new = await joins(world, "new")
        for stopping in old:
            await world.during(40)
            assert share(new) == set()
            assert share(old[0]) | share(old[1]) == {0}  # one shard: all namespaces
            world.api.fault(locks_of("new"), Refuse(500, "Oops"), times=1)
            await stopping.stop()
        await until_sizes(world, SHARDS, seconds=5)
        assert share(new) == set(range(SHARDS))


async def test_who_shares_gives_all_up_when_somebody_with_another_number_gets_in(
    world: World,
) -> None:
    two = await joins(world, "two")
    await until_sizes(world, 3, 3)
    old = await has_one(world, "old")
    world.api.fault(locks_of("two"), Refuse(403, "Forbidden"), times=10_000)
    world.operators[0].kill()
    await world.until(lambda: share(old) == {0})
    assert share(two) == set()


async def test_the_lease_of_an_older_version_which_tells_no_number_is_waited_for() -> None:
    async with a_world() as world:
        await world.api.create(LEASES, _an_older_lease(0), SYSTEM)
        await joins(world, "new")
        await world.during(4)
        assert sizes(world) == [0]
        freed = {"spec": {"holderIdentity": ""}}
        await world.api.patch(LEASES, SHARD_LEASE.format(shard=0), freed, SYSTEM)
        before = world.clock.monotonic()
        await until_sizes(world, SHARDS)
        assert world.clock.monotonic() == before


# Lowering it to one


async def test_who_has_one_shard_waits_while_others_share_more(world: World) -> None:
    await joins(world, "two")
    await until_sizes(world, 3, 3)
    single = await has_one(world, "single")
    await world.during(60)
    assert share(single) == set()
    assert sizes(world) == [3, 3, 0]


@pytest.mark.parametrize("first", [0, 1], ids=["the holder of shard 0", "another"])
async def test_a_rollout_to_one_shard_runs_every_task_once_and_nothing_twice(
    world: World, first: int
) -> None:
    for shard in SPACES:
        for task in TASKS:
            world.kubelet.plan(f"{task}-{shard}", ok(seconds=4))
    sharing = await both_share(world)
    await a_run_in_each(world, *TASKS)
    singles = [await has_one(world, "single-one")]
    await world.during(3)
    stopping, other = sharing[first], sharing[1 - first]
    await stopping.stop()
    await world.during(3)
    runs_alone(singles[0], *sharing)
    singles.append(await has_one(world, "single-two"))
    await other.stop()
    await world.until(lambda: any(runs_alone(single, *sharing) for single in singles), seconds=10)
    await until_all_ended(world)
    assert each_was_done_once(world, *TASKS)


@pytest.mark.parametrize("lost", [0, 1], ids=["the answer comes", "the answer is lost"])
async def test_one_shard_is_run_only_when_who_shared_has_learnt_of_it_and_given_all_up(
    world: World, lost: int
) -> None:
    one, two = await both_share(world)
    single = await has_one(world, "single")
    deaf = HoldRequest()
    world.api.fault(leases_of(two.identity, "watch"), deaf, times=10_000)
    world.api.drop_watches(LEASES)
    world.api.fault(leases_of("single", "update"), CommitThenCut(), times=lost)
    await one.stop()
    await world.during(8)
    assert share(two)
    assert share(single) == set()
    world.api.clear_faults()
    deaf.release()
    await world.until(lambda: runs_alone(single, two), seconds=30)


async def test_the_leases_of_one_that_shared_and_died_run_out_before_one_shard_is_run(
    world: World,
) -> None:
    one, two = await both_share(world)
    two.kill()
    await one.stop()
    single = await has_one(world, "single")
    await world.during(LEASE_SECONDS - 1)
    assert share(single) == set()
    await world.until(lambda: share(single) == {0}, seconds=4)


async def test_what_the_dead_left_behind_is_waited_for_once_and_not_at_every_change(
    world: World,
) -> None:
    world.operator.kill()
    first = await has_one(world, "first")
    second = await has_one(world, "second")
    await world.until(lambda: share(first) | share(second) == {0})
    holder, other = (first, second) if share(first) else (second, first)
    before, asked = world.clock.monotonic(), looks(world)
    await holder.stop()
    await world.until(lambda: share(other) == {0})
    assert world.clock.monotonic() == before
    assert looks(world) == asked


async def test_the_leases_of_an_older_version_are_waited_for_with_one_shard_too() -> None:
    async with a_world() as world:
        for shard in (0, 3):
            await world.api.create(LEASES, _an_older_lease(shard), SYSTEM)
        freed = {"spec": {"holderIdentity": ""}}
        await world.api.patch(LEASES, SHARD_LEASE.format(shard=0), freed, SYSTEM)
        single = await has_one(world, "single")
        await world.during(LEASE_SECONDS - 1)
        assert share(single) == set()
        await world.api.patch(LEASES, SHARD_LEASE.format(shard=3), freed, SYSTEM)
        await world.until(lambda: share(single) == {0}, seconds=3)


async def test_while_nobody_can_tell_whether_others_share_one_shard_is_not_run(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    single = await has_one(world, "single")
    refused = Refuse(403, "Forbidden")
    world.api.fault(leases_of("single", "list"), refused, times=10_000)
    await world.operators[0].stop()
    await world.during(30)
    assert share(single) == set()
    told = [each for each in caplog.messages if "the shard not run yet" in each]
    assert len(told) == 1, "every try is told"
    world.api.clear_faults()
    await world.until(lambda: share(single) == {0}, seconds=3)


async def test_who_takes_over_from_one_like_itself_asks_for_nobody_else() -> None:
    async with a_world() as world:
        one = await world.start("one")
        two = await has_one(world, "two")
        asked = looks(world)
        await one.stop()
        await world.until(two.leads)
        assert looks(world) == asked


def _an_older_lease(shard: int) -> dict[str, object]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": SHARD_LEASE.format(shard=shard), "namespace": SYSTEM},
        "spec": {
            "holderIdentity": "older",
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": "2026-01-01T00:00:00.000000Z",
            "leaseTransitions": 0,
        },
    }
