"""Content as part of revisions on the real cluster, with no more rights than the chart gives."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from builders.cluster import LocalCluster
from builders.contents import a_config_map, a_secret
from e2e.harness import bodies
from e2e.harness.bodies import Body
from e2e.harness.following import Follower
from e2e.harness.installation import CONTENT_NAMESPACE
from e2e.harness.play import FOLLOWED, Play
from spectra_operator.engine.keys import AGENTS
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import CONFIG_MAPS, CONTROLLER_REVISIONS, SECRETS

WORD = "a-word-that-stands-nowhere-else"


@pytest_asyncio.fixture
async def place(
    cluster: LocalCluster, access: ClusterAccess, client: AiohttpClient
) -> AsyncIterator[Play]:
    """The namespace whose content the operator may follow."""
    async with Follower(access, CONTENT_NAMESPACE, FOLLOWED).running() as world:
        yield Play(cluster, client, world)


@pytest.fixture
def name() -> str:
    """A name for all objects of the test; what an earlier run left there has another."""
    return f"teller-{uuid.uuid4().hex[:6]}"


def named(body: Body, name: str) -> Body:
    return body | {"metadata": {"name": name}}


def telling(name: str) -> Body:
    """Return an agent that refers to a ConfigMap and a Secret of its own name."""
    env = [
        {"name": kind, "valueFrom": {f"{kind}KeyRef": {"name": name, "key": "word"}}}
        for kind in ("configMap", "secret")
    ]
    return bodies.agent(name, template={"env": env})


async def settles(play: Play, name: str, number: int) -> str:
    """Wait until so many revisions were begun and the last is stable; return which it is."""

    def found() -> str | None:
        status = (play.world.get("Agent", name) or {}).get("status") or {}
        rollout = status.get("rollout") or {}
        done = rollout.get("number") == number and rollout.get("state") == "Promoted"
        return str(rollout["stable"]) if done else None

    return await play.then.until(f"revision {number} is stable", found, 30)


async def test_changed_content_is_a_new_revision_where_the_installer_allows_it(
    place: Play, name: str
) -> None:
    client, where = place.client, place.namespace
    await client.create(CONFIG_MAPS, where, named(a_config_map(word="one"), name))
    await client.create(SECRETS, where, named(a_secret(word=WORD), name))
    await client.create(AGENTS, where, telling(name))
    first = await settles(place, name, 1)

    await client.patch(CONFIG_MAPS, where, name, {"data": {"word": "two"}})
    second = await settles(place, name, 2)
    await client.patch(SECRETS, where, name, {"stringData": {"word": f"{WORD}-2"}})
    third = await settles(place, name, 3)
    await client.patch(CONFIG_MAPS, where, name, {"data": {"another": "key"}})
    await client.patch(SECRETS, where, name, {"stringData": {"word": WORD}})

    assert await settles(place, name, 4) == second
    assert len({first, second, third}) == 3
    revisions = await client.list(CONTROLLER_REVISIONS, where)
    stored = {body["metadata"]["name"] for body in revisions.items}
    assert {each for each in stored if each.startswith(f"{name}-")} == {
        f"{name}-{each}" for each in (first, second, third)
    }
    objects = [body for kind in FOLLOWED for body in place.world.all(kind.kind)]
    assert WORD not in json.dumps([objects, revisions.items])
    for resource in (AGENTS, CONFIG_MAPS, SECRETS):
        await client.delete(resource, where, name)
