"""Watches of the client, over real HTTP."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from builders.fake_api.bodies import pod
from builders.fake_api.failure import ApiFailure
from builders.fake_api.faults import HoldRequest, Match, Refuse
from builders.fake_api.server import FakeApi
from spectra_operator.kube.client import AiohttpClient, WatchEvent
from spectra_operator.kube.errors import Gone, ServerError, Unreachable
from spectra_operator.kube.resources import PODS, name_of, version_of


class _Follower:
    """Reads a watch into a list."""

    def __init__(self, client: AiohttpClient, version: str, label_selector: str = "") -> None:
        self.events: list[WatchEvent] = []
        self._news = asyncio.Event()
        self._stream = client.watch(PODS, resource_version=version, label_selector=label_selector)
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async with aclosing(self._stream) as stream:
            async for event in stream:
                self.events.append(event)
                self._news.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.events) < count:
                self._news.clear()
                await self._news.wait()

    def shown(self) -> list[tuple[str, str]]:
        return [(event.type, name_of(event.object)) for event in self.events]


async def test_a_watch_tells_what_happened_since_a_moment_and_what_happens(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("before"))
    start = api.version
    await api.create(PODS, pod("a"))
    follower = _Follower(client, start)
    await follower.wait_for(1)
    await api.patch(PODS, "a", {"metadata": {"labels": {"x": "1"}}})
    await api.delete(PODS, "a")
    await follower.wait_for(3)
    assert follower.shown() == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    versions = [version_of(event.object) for event in follower.events]
    assert versions == sorted(set(versions))
    api.end_watches()
    await follower.task


async def test_leaving_the_selector_looks_like_a_deletion_and_entering_like_an_addition(
    api: FakeApi, client: AiohttpClient
) -> None:
    follower = _Follower(client, api.version, "app=x")
    await api.wait_watched(PODS)
    await api.create(PODS, pod("a"))
    await api.patch(PODS, "a", {"metadata": {"labels": {"app": "x"}}})
    await api.patch(PODS, "a", {"metadata": {"labels": {"app": None}}})
    last = api.version
    await follower.wait_for(2)
    assert follower.shown() == [("ADDED", "a"), ("DELETED", "a")]
    assert version_of(follower.events[-1].object) == int(last)
    api.end_watches()
    await follower.task


async def test_bookmarks_are_delivered(api: FakeApi, client: AiohttpClient) -> None:
    follower = _Follower(client, api.version)
    await api.wait_watched(PODS)
    api.bookmark()
    await follower.wait_for(1)
    (event,) = follower.events
    assert (event.type, version_of(event.object)) == ("BOOKMARK", int(api.version))
    api.end_watches()
    await follower.task


@pytest.mark.parametrize("ending", ["end_watches", "drop_watches", "drop_watches_in_mid_line"])
async def test_a_watch_ends_quietly_however_it_ends(
    api: FakeApi, client: AiohttpClient, ending: str
) -> None:
    follower = _Follower(client, api.version)
    await api.wait_watched(PODS)
    await api.create(PODS, pod("a"))
    getattr(api, ending)()
    await follower.task
    assert follower.shown() == [("ADDED", "a")]


async def test_a_moment_too_long_ago_is_gone(api: FakeApi, client: AiohttpClient) -> None:
    start = api.version
    api.compact()
    with pytest.raises(Gone):
        await _Follower(client, start).task


async def test_a_moment_that_the_server_refuses_outright_is_gone_too(
    api: FakeApi, client: AiohttpClient
) -> None:
    api.fault(Match(verb="watch"), Refuse(410, "Gone"))
    with pytest.raises(Gone):
        await _Follower(client, api.version).task


async def test_another_error_in_the_stream_is_raised_as_itself(
    api: FakeApi, client: AiohttpClient
) -> None:
    follower = _Follower(client, api.version)
    await api.wait_watched(PODS)
    api.fail_watches(ApiFailure(500, "InternalError", "lost track"))
    with pytest.raises(ServerError, match="lost track"):
        await follower.task


async def test_a_silent_watch_is_given_up(api: FakeApi) -> None:
    async with AiohttpClient(api.access(), watch_silence_seconds=0.05) as client:
        await _Follower(client, api.version).task
    await api.wait_until(lambda: api.watches() == 0)


async def test_a_long_watch_outlives_the_limit_of_other_calls(api: FakeApi) -> None:
    async with AiohttpClient(api.access(), request_seconds=0.1) as client:
        follower = _Follower(client, api.version)
        await api.wait_watched(PODS)
        await _outlast_the_limit(api, client)
        await api.create(PODS, pod("a"))
        await follower.wait_for(1)
        api.end_watches()
        await follower.task


async def _outlast_the_limit(api: FakeApi, client: AiohttpClient) -> None:
    held = HoldRequest()
    api.fault(Match(verb="get"), held)
    with pytest.raises(Unreachable):
        await client.get(PODS, "default", "x")
    held.release()


async def test_closing_the_watch_hangs_up(api: FakeApi, client: AiohttpClient) -> None:
    follower = _Follower(client, api.version)
    await api.wait_watched(PODS)
    follower.task.cancel()
    await asyncio.gather(follower.task, return_exceptions=True)
    await api.create(PODS, pod("a"))
    await api.wait_until(lambda: api.watches() == 0)
