"""The real kopf watches the fake API server and feeds the engine, as in the operator's process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import kopf

from builders.engine import World, a_world
from builders.kubelet import hangs
from builders.replica import Operator
from builders.specs import NAMESPACE, a_chain, a_phase, a_step, a_workflow, an_agent
from spectra_operator.engine.keys import AGENTS, PHASES, WORKFLOWS, key_of
from spectra_operator.handlers.app import run_kopf
from spectra_operator.kube.resources import PODS

PATIENCE = 20.0
WATCHED = ("watch", "agents")


@asynccontextmanager
async def _kopf(
    world: World, operator: Operator, namespaces: tuple[str, ...] = ()
) -> AsyncIterator[None]:
    """Run kopf beside an operator without an intake of its own.

    Enter it in the test itself, not in a fixture: when kopf ends it cancels every task that was
    begun after it, and the teardown of a fixture is such a task.
    """

    async def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=world.api.url)

    ready = asyncio.Event()
    shell = run_kopf(operator.engine, login, asyncio.Event(), ready, namespaces=namespaces)
    running = asyncio.create_task(shell)
    try:
        async with asyncio.timeout(PATIENCE):
            await ready.wait()
        await world.api.wait_watched(AGENTS, PHASES, WORKFLOWS)
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def a_world_with_kopf(*namespaces: str) -> AsyncIterator[World]:
    """Open a cluster whose only operator gets its objects from kopf alone, of some namespaces."""
    async with a_world() as world:
        operator = Operator(world.api, world.clock, "one")
        world.operators.append(operator)
        operator.start(intake=False)
        await world.until(operator.leads)
        async with _kopf(world, operator, namespaces):
            yield world


async def _seen(world: World, condition: Any) -> None:
    """Wait for real until kopf has handed over what it saw: it gathers events for a moment."""
    await world.api.wait_until(condition, seconds=PATIENCE)


async def _offered(operator: Operator, name: str) -> None:
    """Wait until kopf has offered a workflow to the engine."""
    offered, offer = asyncio.Event(), operator.engine.parts.store.offer

    def note(body: Any) -> bool:
        if body["metadata"]["name"] == name:
            offered.set()
        return offer(body)

    operator.engine.parts.store.offer = note  # type: ignore[method-assign]
    async with asyncio.timeout(PATIENCE):
        await offered.wait()


async def test_what_a_user_applies_runs_to_its_end() -> None:
    async with a_world_with_kopf() as world:
        await world.apply(an_agent(), a_workflow([a_step("build", a_chain("a", "b"))]))
        await _seen(world, lambda: world.kubelet.births)
        status = await world.finished()
        assert (status["state"], status["progress"]) == ("Succeeded", "2/2")
        assert world.kubelet.tasks() == ["a", "b"]


async def test_a_phase_that_stands_alone_runs_too() -> None:
    async with a_world_with_kopf() as world:
        await world.apply(an_agent(), a_phase())
        await _seen(world, lambda: world.kubelet.births)
        assert (await world.phase_finished())["state"] == "Succeeded"


async def test_a_changed_spec_reaches_the_engine() -> None:
    async with a_world_with_kopf() as world:
        await world.apply(an_agent(), a_workflow(suspend=True))
        await _seen(world, lambda: world.status_now().get("state") == "Suspended")
        await world.change("Workflow", "flow", suspend=False)
        await _seen(world, lambda: world.kubelet.births)
        assert (await world.finished())["state"] == "Succeeded"


async def test_a_deletion_reaches_the_engine_and_lets_the_pods_go() -> None:
    async with a_world_with_kopf() as world:
        world.kubelet.plan("work", hangs())
        await world.apply(an_agent(), a_workflow())
        await _seen(world, lambda: world.kubelet.births)
        await world.delete("Workflow", "flow")
        await _seen(world, lambda: not world.api._store.all(PODS))
        await world.until(lambda: not world.operator.memory())


async def test_kopf_writes_nothing_to_the_objects_it_watches() -> None:
    async with a_world_with_kopf() as world:
        await world.apply(an_agent(), a_workflow())
        await _seen(world, lambda: world.kubelet.births)
        await world.finished()
        writes = [e.call for e in world.api.log if e.call.verb not in ("get", "list", "watch")]
        assert writes
        assert {call.authorization for call in writes} == {"Bearer one"}  # kopf has no token here
        for resource in (AGENTS, PHASES, WORKFLOWS):
            for body in await world.api.objects(resource):
                assert not body["metadata"].get("finalizers")
                assert not [a for a in body["metadata"].get("annotations", {}) if "kopf" in a]


async def test_objects_applied_before_the_start_are_taken_in() -> None:
    async with a_world() as world:
        await world.apply(an_agent(), a_workflow())
        operator = Operator(world.api, world.clock, "one")
        world.operators.append(operator)
        async with _kopf(world, operator):
            store = operator.parts.store
            await world.apply(a_workflow(name="later"))  # what comes after the start comes last
            await _offered(operator, "later")
        assert {body["metadata"]["name"] for body in store.of_kind("Agent")} == {"worker"}
        assert len(list(store.of_kind("Workflow"))) == 2
        assert world.kubelet.births == []  # nobody leads: nothing is done about them


async def test_kopf_follows_again_after_its_watches_were_cut() -> None:
    async with a_world_with_kopf() as world:
        before = world.api.count("watch", "workflows")
        world.api.drop_watches()
        await _seen(world, lambda: world.api.count("watch", "workflows") > before)
        await world.apply(an_agent(), a_workflow())
        await _seen(world, lambda: world.kubelet.births)
        assert (await world.finished())["state"] == "Succeeded"


async def test_finished_objects_leave_kopfs_watch_by_a_selector_of_the_server() -> None:
    async with a_world_with_kopf() as world:
        await world.apply(an_agent(), a_workflow())
        await _seen(world, lambda: world.kubelet.births)
        await world.finished()
        await world.until(lambda: not world.operator.memory())
        await world.change("Workflow", "flow", priority=7)  # a finished one may still be edited
        await world.apply(a_workflow(name="next"))
        await _seen(world, lambda: world.status_now("next"))
        names = [
            body["metadata"]["name"] for body in world.operator.parts.store.of_kind("Workflow")
        ]
        assert names == ["next"]


async def test_in_named_namespaces_nothing_else_is_seen_nor_asked_for() -> None:
    async with a_world_with_kopf(NAMESPACE) as world:
        await world.api.create_namespace("elsewhere")
        stranger = an_agent("stranger") | {"metadata": {"name": "stranger"}}
        await world.api.create(AGENTS, stranger, "elsewhere")
        await world.apply(an_agent(), a_workflow([a_step("build", a_chain("a"))]))
        await _seen(world, lambda: world.kubelet.births)
        assert (await world.finished())["state"] == "Succeeded"

        assert all(key.namespace == NAMESPACE for key in _known(world.operator))
        calls = [entry.call for entry in world.api.log]
        watched = {call.namespace for call in calls if (call.verb, call.plural) == WATCHED}
        assert watched == {NAMESPACE}


def _known(operator: Operator) -> set[Any]:
    return {key_of(body) for body in operator.engine.parts.store.of_kind("Agent")}
