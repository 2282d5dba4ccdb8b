"""Some namespaces as one: caches that follow each, and lists that ask for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from builders.fake_api.bodies import pod
from builders.fake_api.server import FakeApi
from spectra_operator.kube.clock import SystemClock
from spectra_operator.kube.informer import Change
from spectra_operator.kube.informers import Informers
from spectra_operator.kube.resources import NAMESPACES, PODS, name_of, parse_version
from spectra_operator.kube.scope import ScopedClient

OURS = ("team-a", "team-b")
ELSEWHERE = "team-c"


@pytest.fixture
async def places(api: FakeApi) -> FakeApi:
    for name in (*OURS, ELSEWHERE):
        await api.create_namespace(name)
        await api.create(PODS, pod(f"in-{name}"), name)
    api.clear_log()
    return api


@asynccontextmanager
async def scoped(api: FakeApi, *namespaces: str) -> AsyncIterator[ScopedClient]:
    async with ScopedClient(api.access(), namespaces) as client:
        assert isinstance(client, ScopedClient)
        yield client


class Told:
    """What changed, by name, and a way to wait for it."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._news = asyncio.Event()

    def __call__(self, change: Change) -> None:
        self.names.add(f"{change.kind} {name_of(change.new or change.old or {})}")
        self._news.set()

    async def all_of(self, *names: str) -> None:
        async with asyncio.timeout(10):
            while not self.names.issuperset(names):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def following(api: FakeApi, *namespaces: str) -> AsyncIterator[tuple[Informers, Told]]:
    """Run caches of pods that have synced and watch."""
    told = Told()
    async with scoped(api, *namespaces) as client:
        caches = Informers(client, PODS, namespaces, clock=SystemClock(), on_change=told)
        running = asyncio.create_task(caches.run())
        try:
            async with asyncio.timeout(10):
                await caches.synced.wait()
            await api.wait_until(lambda: api.watches(PODS) == max(len(namespaces), 1))
            yield caches, told
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_what_is_in_the_namespaces_is_in_the_cache_and_nothing_else(places: FakeApi) -> None:
    async with following(places, *OURS) as (caches, _):
        assert {name_of(body) for body in caches.items()} == {"in-team-a", "in-team-b"}
        assert len(caches) == 2
        assert caches.get("team-a", "in-team-a") is not None
        assert caches.get(ELSEWHERE, f"in-{ELSEWHERE}") is None
        assert caches.seconds_since_activity() < 10


async def test_changes_are_told_whichever_namespace_is_ahead(places: FakeApi) -> None:
    async with following(places, *OURS) as (_, told):
        for number, name in enumerate(("team-b", "team-a", ELSEWHERE, "team-b")):
            await places.create(PODS, pod(f"new-{number}"), name)
        await told.all_of("added new-0", "added new-1", "added new-3")

    assert "added new-2" not in told.names


async def test_the_answer_to_our_own_write_is_laid_over_the_cache_of_its_namespace(
    places: FakeApi,
) -> None:
    async with following(places, *OURS) as (caches, _):
        patch = {"metadata": {"labels": {"x": "1"}}}
        written = await places.patch(PODS, "in-team-b", patch, "team-b")
        caches.put(written)
        caches.put(pod("stranger", namespace=ELSEWHERE, resourceVersion="1"))

        known = caches.get("team-b", "in-team-b")
        assert known is not None
        assert known["metadata"]["labels"] == {"x": "1"}
        assert caches.get(ELSEWHERE, "stranger") is None


@pytest.mark.parametrize("namespaces", [OURS, ()])
async def test_the_answer_to_our_own_write_is_laid_over_an_empty_cache(
    api: FakeApi, namespaces: tuple[str, ...]
) -> None:
    await api.create_namespace(OURS[0])
    async with scoped(api, *namespaces) as client:
        caches = Informers(client, PODS, namespaces, clock=SystemClock(), on_change=lambda _: None)
        caches.put(await client.create(PODS, OURS[0], pod("first")))

        assert caches.get(OURS[0], "first") is not None


async def test_without_namespaces_the_whole_cluster_is_followed_by_one_watch(
    places: FakeApi,
) -> None:
    async with following(places) as (caches, _):
        assert len(caches) == 3
        assert caches.get(ELSEWHERE, f"in-{ELSEWHERE}") is not None


async def test_all_namespaces_are_listed_one_by_one(places: FakeApi) -> None:
    async with scoped(places, *OURS) as client:
        whole = await client.list(PODS)
        headers = await client.list_metadata(PODS)

    assert [name_of(body) for body in whole.items] == ["in-team-a", "in-team-b"]
    assert [name_of(body) for body in headers.items] == ["in-team-a", "in-team-b"]
    assert {entry.call.namespace for entry in places.log} == set(OURS)


async def test_a_list_is_as_old_as_its_first_part(places: FakeApi) -> None:
    before = parse_version(places.version)
    async with scoped(places, *OURS) as client:
        listing = await client.list(PODS)

    assert parse_version(listing.resource_version) <= before


async def test_one_namespace_and_what_is_in_none_are_listed_as_ever(places: FakeApi) -> None:
    async with scoped(places, *OURS) as client:
        elsewhere = await client.list(PODS, ELSEWHERE)
        namespaces = await client.list(NAMESPACES)

    assert [name_of(body) for body in elsewhere.items] == [f"in-{ELSEWHERE}"]
    assert {*OURS, ELSEWHERE} <= {name_of(body) for body in namespaces.items}


async def test_without_namespaces_all_are_listed_at_once(places: FakeApi) -> None:
    async with scoped(places) as client:
        listing = await client.list(PODS)

    assert len(listing.items) == 3
    assert places.count("list", "pods") == 1
