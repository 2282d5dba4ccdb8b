"""The status page, asked over HTTP from the pod itself and from elsewhere."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from spectra_operator.observability.debug_page import a_table
from spectra_operator.observability.debug_server import DebugServer


class _Insides:
    """What the page is to show, and where it is."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.keys = 0

    async def get(self, path: str) -> str:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert answer.status == 200
            return await answer.text()


@pytest.fixture
async def shown(unused_tcp_port: int) -> AsyncIterator[_Insides]:
    shown = _Insides(unused_tcp_port)
    server = DebugServer(
        unused_tcp_port, lambda: [a_table("queues", ("queue", "value"), [("keys", shown.keys)])]
    )
    await server.start()
    yield shown
    await server.stop()


async def test_the_status_page_is_made_anew_for_each_reader(shown: _Insides) -> None:
    assert "<td>keys<td>0" in await shown.get("/debug")
    shown.keys = 7
    assert "<td>keys<td>7" in await shown.get("/debug")
    assert json.loads(await shown.get("/debug.json"))["queues"]["rows"] == [
        {"queue": "keys", "value": 7}
    ]


@pytest.mark.parametrize("path", ["/debug", "/debug.json"])
async def test_the_status_page_runs_nothing_and_changes_nothing(shown: _Insides, path: str) -> None:
    url = f"http://127.0.0.1:{shown.port}{path}"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["Cache-Control"] == "no-store"
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            async with session.request(method, url) as answer:
                assert answer.status == 405


async def test_no_other_address_of_the_pod_is_listened_on(shown: _Insides) -> None:
    """A socket that listens on all addresses would also take what comes to 127.0.0.2."""
    with socket.socket() as stranger, pytest.raises(ConnectionRefusedError):
        stranger.connect(("127.0.0.2", shown.port))


async def test_a_server_that_is_stopped_leaves_the_port(unused_tcp_port: int) -> None:
    for _ in range(2):
        server = DebugServer(unused_tcp_port, tuple)
        await server.start()
        await server.stop()


async def test_a_server_that_never_started_can_be_stopped(unused_tcp_port: int) -> None:
    await DebugServer(unused_tcp_port, tuple).stop()
