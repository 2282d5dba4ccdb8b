"""kopf passes through the fake server as through a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import kopf

from builders.fake_api.bodies import WIDGETS, pod, widget
from builders.fake_api.server import FakeApi
from spectra_operator.kube.resources import PODS


class _Seen:
    """Events that kopf handed over, and a way to wait for one."""

    def __init__(self) -> None:
        self.events: list[tuple[str | None, str]] = []
        self._news = asyncio.Event()

    def add(self, kind: str | None, name: str) -> None:
        self.events.append((kind, name))
        self._news.set()

    async def wait_for(self, kind: str | None, name: str) -> None:
        async with asyncio.timeout(20):
            while (kind, name) not in self.events:
                self._news.clear()
                await self._news.wait()


def _registry(api: FakeApi, seen: _Seen) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=api.url)

    @kopf.on.event(WIDGETS.group, WIDGETS.version, WIDGETS.plural, registry=registry)
    async def take(type: str | None, name: str, **_: Any) -> None:  # noqa: A002 - kopf's name
        seen.add(type, name)

    return registry


@asynccontextmanager
async def _operator(api: FakeApi, seen: _Seen) -> AsyncIterator[None]:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    stop = asyncio.Event()
    running = asyncio.create_task(
        kopf.operator(
            registry=_registry(api, seen),
            settings=settings,
            clusterwide=True,
            stop_flag=stop,
        )
    )
    try:
        yield
    finally:
        stop.set()
        await running


async def test_kopf_watches_a_custom_kind(api: FakeApi) -> None:
    seen = _Seen()
    await api.create(WIDGETS, widget("before"))
    async with _operator(api, seen):
        await seen.wait_for(None, "before")
        await api.wait_watched(WIDGETS)
        await api.create(WIDGETS, widget("a"))
        await seen.wait_for("ADDED", "a")
        await api.patch(WIDGETS, "a", {"spec": {"size": 2}})
        await seen.wait_for("MODIFIED", "a")
        await api.create(PODS, pod("ignored"))
        await api.delete(WIDGETS, "a")
        await seen.wait_for("DELETED", "a")
    assert [name for _, name in seen.events] == ["before", "a", "a", "a"]


async def test_kopf_resumes_its_watch_on_the_fake_server(api: FakeApi) -> None:
    seen = _Seen()
    async with _operator(api, seen):
        await api.wait_watched(WIDGETS)
        before = api.count("watch", "widgets")
        api.end_watches(WIDGETS)
        await api.wait_until(lambda: api.count("watch", "widgets") > before)
        await api.create(WIDGETS, widget("after"))
        await seen.wait_for("ADDED", "after")
