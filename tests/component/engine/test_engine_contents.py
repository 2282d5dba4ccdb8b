"""ConfigMaps and Secrets as part of revisions: rolled out as an image is, read nowhere else."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from builders.contents import a_config_map, a_referring_agent, a_secret
from builders.engine import World, a_world
from builders.fake_api.faults import Match, Refuse
from builders.specs import NAMESPACE, Body, a_workflow
from spectra_operator.core.names import revision_hash
from spectra_operator.engine.keys import AGENTS
from spectra_operator.kube.resources import CONFIG_MAPS, CONTROLLER_REVISIONS, EVENTS, SECRETS

FOLLOWED: dict[str, Any] = {"content_namespaces": (NAMESPACE,)}
FORBIDDEN = Refuse(403, "Forbidden", "secrets is forbidden")
WORD = "a-word-that-stands-nowhere-else"


async def given(world: World) -> None:
    """Create what the agent refers to, and the agent."""
    await world.api.create(CONFIG_MAPS, a_config_map(greeting="hello", other="1"), NAMESPACE)
    await world.api.create(SECRETS, a_secret(token=WORD), NAMESPACE)
    await world.apply(a_referring_agent())


async def say(world: World, **data: str) -> None:
    """Change the ConfigMap."""
    await world.api.patch(CONFIG_MAPS, "given", {"data": data}, NAMESPACE)


def status(world: World) -> Body:
    found: Body = (world.peek(AGENTS, "worker") or {}).get("status") or {}
    return found


def active(world: World) -> str:
    return str(status(world).get("activeRevision", ""))


async def settled(world: World, number: int = 1) -> str:
    """Let time pass until so many revisions were begun and none is under way."""
    done = {"number": number, "state": "Promoted"}
    await world.until(lambda: done.items() <= (status(world).get("rollout") or {}).items())
    return active(world)


async def stored(world: World) -> set[str]:
    found = await world.api.objects(CONTROLLER_REVISIONS, NAMESPACE)
    return {body["metadata"]["name"] for body in found}


async def test_changed_content_is_a_new_revision_which_is_rolled_out() -> None:
    async with a_world() as world:
        await given(world)
        await world.start(**FOLLOWED)
        first = await settled(world)

        await say(world, greeting="good day")
        second = await settled(world, 2)
        await world.api.patch(SECRETS, "given", {"data": {"token": "bmV3"}}, NAMESPACE)
        third = await settled(world, 3)

        assert len({first, second, third}) == 3
        assert await stored(world) == {f"worker-{each}" for each in (first, second, third)}
        await world.apply(a_workflow())
        await world.finished()
        (pod,) = world.kubelet.pods.values()
        assert pod["metadata"]["labels"]["spectra.dev/revision"] == third


async def test_content_that_comes_back_brings_its_revision_back() -> None:
    async with a_world() as world:
        await given(world)
        await world.start(**FOLLOWED)
        first = await settled(world)
        await say(world, greeting="good day")
        await settled(world, 2)

        await say(world, greeting="hello")

        assert await settled(world, 3) == first
        assert status(world)["rollout"]["reason"] == "TemplateRestored"


async def test_an_object_that_is_gone_counts_as_absent() -> None:
    async with a_world() as world:
        await given(world)
        await world.start(**FOLLOWED)
        first = await settled(world)

        await world.api.delete(SECRETS, "given", NAMESPACE)

        assert await settled(world, 2) != first


async def test_what_the_agent_does_not_refer_to_asks_for_no_pass() -> None:
    async with a_world() as world:
        await given(world)
        operator = await world.start(**FOLLOWED)
        await settled(world)
        await world.during(10)
        passes = operator.passes("Agent")

        other = a_config_map(greeting="hello") | {"metadata": {"name": "other"}}
        await world.api.create(CONFIG_MAPS, other, NAMESPACE)
        marked = {"metadata": {"annotations": {"note": "looked at"}}}
        await world.api.patch(CONFIG_MAPS, "given", marked, NAMESPACE)
        await world.during(10)

        assert operator.passes("Agent") == passes


async def test_another_key_of_the_same_object_makes_no_revision() -> None:
    async with a_world() as world:
        await given(world)
        await world.start(**FOLLOWED)
        first = await settled(world)

        await say(world, other="2")
        await world.during(30)

        assert (active(world), len(await stored(world))) == (first, 1)


async def test_in_a_namespace_that_is_not_named_nothing_is_read() -> None:
    async with a_world() as world:
        await given(world)
        await world.start(content_namespaces=())
        first = await settled(world)

        await say(world, greeting="good day")
        await world.during(30)

        assert active(world) == first == revision_hash(a_referring_agent()["spec"]["template"])
        plurals = {entry.call.plural for entry in world.api.log}
        assert plurals.isdisjoint({"configmaps", "secrets"})


async def test_only_the_named_namespace_is_read() -> None:
    async with a_world() as world:
        await given(world)
        await world.start(**FOLLOWED)
        await settled(world)

        read = {
            (entry.call.verb, entry.call.namespace)
            for entry in world.api.log
            if entry.call.plural in {"configmaps", "secrets"}
        }
        assert {namespace for _, namespace in read} == {NAMESPACE}
        assert {verb for verb, _ in read} <= {"list", "watch"}


@pytest.mark.parametrize("meanwhile", [False, True])
async def test_after_a_take_over_only_content_that_has_changed_is_a_new_revision(
    *, meanwhile: bool
) -> None:
    async with a_world() as world:
        await given(world)
        await world.start(**FOLLOWED)
        first = await settled(world)
        world.operator.kill()
        if meanwhile:
            await say(world, greeting="good day")

        await world.start("two", **FOLLOWED)
        await world.during(30)

        assert status(world)["rollout"]["number"] == 1 + meanwhile
        assert (active(world) != first) is meanwhile
        assert len(await stored(world)) == 1 + meanwhile


async def test_a_replica_whose_watch_lags_takes_over_with_the_content_of_now() -> None:
    async with a_world() as world:
        await given(world)
        await world.start("one", **FOLLOWED)
        first = await settled(world)
        await world.start("two", leads=False, **FOLLOWED)

        async with world.api.silent_watches():
            world.operators[0].kill()
            await say(world, greeting="good day")
            await world.until(world.operators[1].leads)

            assert await settled(world, 2) != first


async def test_content_that_cannot_be_read_holds_up_its_agents_and_nothing_else() -> None:
    async with a_world() as world:
        await given(world)
        world.api.fault(Match("list", "secrets"), FORBIDDEN, times=1000)
        operator = await world.start(**FOLLOWED)

        await world.until(lambda: status(world).get("conditions"))
        ready = next(each for each in status(world)["conditions"] if each["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("False", "ContentUnknown")
        assert "contentNamespaces" in ready["message"]
        assert operator.leads()
        assert await stored(world) == set()

        world.api.clear_faults()
        await settled(world)
        assert len(await stored(world)) == 1


async def test_a_take_over_that_cannot_read_content_goes_on_with_the_stable_revision() -> None:
    async with a_world() as world:
        await given(world)
        await world.start(**FOLLOWED)
        first = await settled(world)
        world.operator.kill()
        await say(world, greeting="good day")
        world.api.fault(Match("list", "configmaps"), FORBIDDEN, times=1000)

        await world.start("two", **FOLLOWED)
        await world.apply(a_workflow())
        await world.finished()

        (pod,) = world.kubelet.pods.values()
        assert pod["metadata"]["labels"]["spectra.dev/revision"] == first
        world.api.clear_faults()
        assert await settled(world, 2) != first


async def test_a_cut_watch_misses_no_change() -> None:
    async with a_world() as world:
        await given(world)
        await world.start(**FOLLOWED)
        first = await settled(world)

        world.api.drop_watches(CONFIG_MAPS)
        await say(world, greeting="good day")

        assert await settled(world, 2) != first


async def test_a_secret_stands_neither_in_objects_nor_in_memory_nor_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with a_world() as world:
        await given(world)
        operator = await world.start(**FOLLOWED)
        await settled(world)
        await world.api.patch(SECRETS, "given", {"data": {"token": "bmV3"}}, NAMESPACE)
        await settled(world, 2)

        found = [
            body
            for resource in (AGENTS, CONTROLLER_REVISIONS, EVENTS)
            for body in await world.api.objects(resource, NAMESPACE)
        ]
        book = operator.parts.agents.contents
        digests = {each for kept in book._digests.values() for each in kept.values()}
        text = json.dumps(found) + caplog.text
        assert digests
        for hidden in {WORD, a_secret(token=WORD)["data"]["token"], *digests}:
            assert hidden not in text
        assert WORD not in repr(book._digests)
