"""Asking a health check from outside, against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from spectra_operator.observability.reach import refusal


async def _ready(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _waits(_: web.Request) -> web.Response:
    return web.Response(text="waits for the pod cache", status=503)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.get("/ready", _ready), web.get("/waits", _waits)])
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_a_check_that_is_well_refuses_nothing(address: str) -> None:
    assert await refusal(f"{address}/ready") == ""


async def test_a_check_that_is_not_says_what_it_said(address: str) -> None:
    found = await refusal(f"{address}/waits")
    assert found == f"{address}/waits: 503: waits for the pod cache"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/readyz", "nonsense", "http://[::1"])
async def test_nobody_there_is_told_with_the_address(url: str) -> None:
    assert (await refusal(url)).startswith(f"{url}: ")
