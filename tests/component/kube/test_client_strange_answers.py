"""Answers that no API server should give, but proxies in between do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from builders.fake_api.bodies import pod
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.errors import KubeError, ServerError
from spectra_operator.kube.resources import PODS

Answering = Callable[[web.Response], Awaitable[AiohttpClient]]


@pytest.fixture
async def answering() -> AsyncIterator[Answering]:
    """Return a client of a server that gives one answer to everything."""
    closing: list[Callable[[], Awaitable[None]]] = []

    async def start(answer: web.Response) -> AiohttpClient:
        async def give(request: web.Request) -> web.Response:
            assert request.path.startswith("/api/"), "was led elsewhere"
            return answer

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", give)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        client = AiohttpClient(ClusterAccess(f"http://127.0.0.1:{runner.addresses[0][1]}"))
        closing.extend([client.close, runner.cleanup])
        return client

    yield start
    for close in closing:
        await close()


async def test_an_error_page_is_quoted(answering: Answering) -> None:
    client = await answering(web.Response(status=502, text="<html>bad gateway</html>\n"))
    with pytest.raises(ServerError, match=r"502 : <html>bad gateway</html>$") as caught:
        await client.get(PODS, "default", "a")
    assert not caught.value.ambiguous


async def test_a_success_that_cannot_be_read_leaves_a_write_open(answering: Answering) -> None:
    client = await answering(web.Response(status=201, text="created, I suppose"))
    with pytest.raises(KubeError, match="created, I suppose") as caught:
        await client.create(PODS, "default", pod("a"))
    assert caught.value.ambiguous


async def test_an_answer_that_is_no_object_is_an_error(answering: Answering) -> None:
    client = await answering(web.Response(text="[1, 2, 3]"))
    with pytest.raises(KubeError):
        await client.get(PODS, "default", "a")


async def test_redirects_are_not_followed(answering: Answering) -> None:
    client = await answering(web.Response(status=302, headers={"Location": "/login"}))
    with pytest.raises(KubeError) as caught:
        await client.list(PODS)
    assert caught.value.status == 302


async def test_a_watch_that_is_refused_with_a_page_is_an_error(answering: Answering) -> None:
    client = await answering(web.Response(status=503, text="no healthy upstream"))
    with pytest.raises(ServerError, match="no healthy upstream"):
        await anext(client.watch(PODS, resource_version="1"))
