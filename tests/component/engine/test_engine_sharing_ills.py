"""Replicas that are ill: no shard is run twice, and none stays unrun."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from builders.engine import World, a_world
from builders.fake_api.faults import Match, Refuse
from builders.replica import SYSTEM
from component.engine.sharing_play import (
    LEASE_SECONDS,
    SHARDS,
    a_shared_world,
    joins,
    lists_of,
    locks_of,
    replica_leases,
    share,
    shares,
    sizes,
    until_sizes,
)
from spectra_operator.engine.leases import SHARD_LEASE
from spectra_operator.engine.sharing import ILL_SECONDS, REST_SECONDS
from spectra_operator.kube.resources import LEASES


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_shared_world() as world:
        yield world


async def test_a_shard_that_is_not_taken_by_whom_it_was_given_up_for_is_taken_back(
    world: World,
) -> None:
    refused = Refuse(403, "Forbidden")
    world.api.fault(locks_of("two"), refused, times=10_000)
    two = await joins(world, "two")
    await world.during(LEASE_SECONDS - 1)
    assert sizes(world) == [SHARDS - 1, 0]
    await until_sizes(world, SHARDS, 0, seconds=3)
    await world.during(ILL_SECONDS - 60)
    assert sizes(world) == [SHARDS, 0]
    world.api.clear_faults()
    await until_sizes(world, 3, 3)
    assert share(two)


async def test_a_replica_that_cannot_run_a_shard_leaves_them_to_the_others(world: World) -> None:
    two = await joins(world, "two")
    await until_sizes(world, 3, 3)
    await world.operators[0].stop()
    await until_sizes(world, SHARDS)
    world.api.fault(lists_of("three", "phases"), Refuse(500, "Oops"), times=10_000)
    three = await joins(world, "three")
    await world.during(REST_SECONDS / 2)
    assert share(two) == set(range(SHARDS))
    assert await replica_leases(world) == ["two"]
    world.api.clear_faults()
    await until_sizes(world, 3, 3)
    assert share(three)


async def test_a_replica_that_is_alone_tries_again_and_again() -> None:
    async with a_world() as world:
        world.api.fault(Match("list", "phases"), Refuse(500, "Oops"), times=40)
        await joins(world, "one")
        await until_sizes(world, SHARDS, seconds=60)


async def test_a_lease_of_a_replica_that_somebody_deletes_moves_nothing(world: World) -> None:
    await joins(world, "two")
    await until_sizes(world, 3, 3)
    before = shares(world)
    for identity in ("one", "two"):
        await world.api.delete(LEASES, f"spectra-operator-replica-{identity}", SYSTEM)
    await world.during(10)
    assert shares(world) == before
    assert await replica_leases(world) == ["one", "two"]


async def test_a_holder_whose_lease_is_deleted_stops_at_once_and_the_shard_is_run_again(
    world: World,
) -> None:
    two = await joins(world, "two")
    await until_sizes(world, 3, 3)
    shard = min(share(two))
    await world.api.delete(LEASES, SHARD_LEASE.format(shard=shard), SYSTEM)
    before = world.clock.monotonic()
    await until_sizes(world, 3, 3)
    assert world.clock.monotonic() - before <= 2


async def test_several_shards_have_one_watch_of_leases(world: World) -> None:
    await joins(world, "two")
    await until_sizes(world, 3, 3)
    await world.during(10)
    pages = len(world.operators)
    assert world.api.watches(LEASES) == pages + len(world.operators)
