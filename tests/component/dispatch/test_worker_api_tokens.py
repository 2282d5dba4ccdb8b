"""Tokens are reviewed through the operator's own client, as the API server hears it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from builders.clock import FakeClock
from spectra_operator.dispatch.auth import Identity, TokenAuthenticator
from spectra_operator.dispatch.refusal import Refusal
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.client import AiohttpClient
from unit.dispatch.token_reviews import a_pods_review, a_token, bearer


class Reviewing:
    """An API server that answers reviews over HTTP, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.status = 201
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a review, or refuse it with `status`."""
        body = await request.json()
        self.asked.append((request.path, body))
        if self.status != 201:
            return web.json_response({"kind": "Status", "reason": "Odd"}, status=self.status)
        return web.json_response(body | {"status": a_pods_review()}, status=201)


@pytest.fixture
async def reviewing() -> AsyncIterator[Reviewing]:
    reviewing = Reviewing()
    app = web.Application()
    app.router.add_post("/{path:.*}", reviewing.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reviewing.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield reviewing
    await runner.cleanup()


async def test_a_review_is_asked_for_as_the_api_server_wants_it(reviewing: Reviewing) -> None:
    async with AiohttpClient(ClusterAccess(server=reviewing.url)) as client:
        tokens = TokenAuthenticator(client, FakeClock())
        who = await tokens.identify(bearer(a_token()))

    assert who == Identity("team", "worker-1", "uid-of-worker-1")
    ((path, body),) = reviewing.asked
    assert path == "/apis/authentication.k8s.io/v1/tokenreviews"
    assert body["spec"] == {"token": a_token(), "audiences": ["spectra"]}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503, 200])
async def test_an_api_server_that_does_not_review_is_no_fault_of_the_token(
    reviewing: Reviewing, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    reviewing.status = status
    async with AiohttpClient(ClusterAccess(server=reviewing.url)) as client:
        tokens = TokenAuthenticator(client, FakeClock())
        with pytest.raises(Refusal) as caught:
            await tokens.identify(bearer(a_token()))
    assert (caught.value.status, caught.value.reason) == (503, "ReviewUnavailable")
    assert a_token() not in caplog.text


async def test_an_api_server_that_is_away_is_no_fault_of_the_token(unused_tcp_port: int) -> None:
    async with AiohttpClient(ClusterAccess(server=f"http://127.0.0.1:{unused_tcp_port}")) as client:
        tokens = TokenAuthenticator(client, FakeClock())
        with pytest.raises(Refusal, match="cannot review tokens; try again") as caught:
            await tokens.identify(bearer(a_token()))
    assert caught.value.status == 503
