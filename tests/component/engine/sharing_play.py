"""Replicas that share shards, with a namespace and a workflow in each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from builders.engine import World, a_world
from builders.fake_api.faults import Which
from builders.replica import SYSTEM, Operator
from builders.replica_calls import Of
from builders.specs import NAMESPACE, a_chain, a_step, a_workflow, an_agent
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import WORKFLOWS, shard_of
from spectra_operator.kube.resources import LEASES

SHARDS = 6
HERE = shard_of(NAMESPACE, SHARDS)
"""The shard of the namespace that most helpers look at; the second replica to come gets it."""
SPACES = {
    shard: next(
        name
        for name in (NAMESPACE, *(f"space-{n}" for n in range(99)))
        if shard_of(name, SHARDS) == shard
    )
    for shard in range(SHARDS)
}
LEASE_SECONDS = 15


@asynccontextmanager
async def a_shared_world() -> AsyncIterator[World]:
    """A cluster with one replica, which has all shards."""
    async with a_world() as world:
        await joins(world, "one")
        await until_sizes(world, SHARDS)
        yield world


async def joins(world: World, identity: str) -> Operator:
    """Start a replica that shares the shards; it is not waited for."""
    return await world.start(identity, leads=False, shards=SHARDS)


def share(operator: Operator) -> set[int]:
    """Return the shards that a replica runs."""
    standings = operator.engine.terms.standings() if operator.running else ()
    return {each.shard for each in standings if each.held and each.admitting}


def shares(world: World) -> dict[str, set[int]]:
    """Return what each replica runs."""
    return {operator.identity: share(operator) for operator in world.operators if operator.running}


def sizes(world: World) -> list[int]:
    """Return how many shards each replica runs, most first; each shard may run once only."""
    found = shares(world)
    held = [shard for shards in found.values() for shard in shards]
    assert len(held) == len(set(held)), f"a shard is run twice: {found}"
    return sorted(map(len, found.values()), reverse=True)


async def until_sizes(world: World, *wanted: int, seconds: float = 120) -> None:
    """Let time pass until the replicas run so many shards each."""
    await world.until(lambda: sizes(world) == list(wanted), seconds=seconds)


async def a_run_in_each(world: World, *tasks: str, but: Collection[int] = ()) -> None:
    """Apply a workflow in the namespace of each shard: a chain of tasks, named by the shard."""
    for shard, namespace in SPACES.items():
        if shard in but:
            continue
        if namespace != NAMESPACE:
            await world.api.create_namespace(namespace)
        chain = a_chain(*(f"{task}-{shard}" for task in tasks))
        await world.apply(an_agent(), a_workflow([a_step("build", chain)]), namespace=namespace)


def ended(world: World) -> list[str]:
    """Return the namespaces whose workflow has succeeded."""
    flows = {
        body["metadata"]["namespace"]: body.get("status") or {}
        for body in world.api._store.all(WORKFLOWS)
    }
    return sorted(name for name, status in flows.items() if status.get("state") == "Succeeded")


async def until_all_ended(world: World) -> None:
    """Let time pass until the workflow of every namespace has succeeded."""
    await world.until(lambda: ended(world) == sorted(SPACES.values()), seconds=300)


def each_was_done_once(world: World, *tasks: str) -> bool:
    """Whether every task had one attempt, and they were begun in order."""
    expected = {f"{task}-{shard}" for task in tasks for shard in SPACES}
    done = [world.kubelet.attempts(name) for name in expected]
    return done == [[1]] * len(expected) and set(world.kubelet.tasks()) == expected


async def replica_leases(world: World) -> list[str]:
    """Return who the Leases of replicas name."""
    found = await world.api.objects(LEASES, SYSTEM)
    return sorted(
        lease["spec"]["holderIdentity"]
        for lease in found
        if (lease["metadata"].get("labels") or {}).get(c.LABEL_LEASE) == "replica"
    )


def lists_of(identity: str, plural: str) -> Which:
    """Match the lists of a kind that a replica asks for."""
    theirs = Of(plural=plural, identity=identity)
    return lambda call: theirs(call) and call.verb == "list"


def locks_of(identity: str) -> Which:
    """Match the writes of a replica to the Leases of shards."""
    theirs = Of(plural="leases", identity=identity)
    return lambda call: theirs(call) and call.verb == "update"
