"""The client that asks Prometheus, against a real server: bounded in time and size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from builders.prometheus import PATH, FakePrometheus, a_prometheus
from spectra_operator.observability.prometheus import (
    MOST_BYTES,
    NoAnswerError,
    PrometheusClient,
)


@pytest.fixture
async def server() -> AsyncIterator[FakePrometheus]:
    async with a_prometheus() as server:
        yield server


async def test_a_query_reaches_the_api_and_its_answer_comes_back_as_it_is(
    server: FakePrometheus,
) -> None:
    server.status, server.body = 422, b"what it says"
    async with PrometheusClient() as client:
        found = await client.ask(server.address, 'sum(rate(x{a="b&c"}[5m])) > 0')

    assert found == (422, b"what it says")
    assert server.asked == ['sum(rate(x{a="b&c"}[5m])) > 0']
    assert (server.requests[0].method, server.requests[0].path) == ("GET", PATH)


@pytest.mark.parametrize("prefix", ["/", "/team/prometheus", "/team/prometheus/"])
async def test_a_server_behind_a_path_is_asked_below_it(
    server: FakePrometheus, prefix: str
) -> None:
    async with PrometheusClient() as client:
        await client.ask(server.address + prefix, "up")

    assert server.requests[0].path == prefix.rstrip("/") + PATH


async def test_an_answer_that_does_not_come_in_time_is_none(server: FakePrometheus) -> None:
    server.waits = asyncio.Event()
    async with PrometheusClient(seconds=0.2) as client:
        with pytest.raises(NoAnswerError, match=r"^no answer within 0.2 s$"):
            await client.ask(server.address, "up")


async def test_an_answer_that_stops_half_way_is_none() -> None:
    over = asyncio.Event()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await reader.read()  # until the other end gives up
        writer.close()
        await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, PrometheusClient(seconds=0.2) as client:
        with pytest.raises(NoAnswerError, match="no answer within"):
            await client.ask(f"http://127.0.0.1:{port}", "up")
        await over.wait()


async def test_a_big_answer_is_not_read_to_its_end(server: FakePrometheus) -> None:
    server.body = b"x" * (MOST_BYTES + 1)
    async with PrometheusClient() as client:
        with pytest.raises(NoAnswerError, match=r"larger than 64 KiB; aggregate to one value"):
            await client.ask(server.address, "up")


async def test_a_compressed_answer_is_not_unpacked(server: FakePrometheus) -> None:
    server.headers = {"Content-Encoding": "gzip"}
    async with PrometheusClient() as client:
        with pytest.raises(NoAnswerError, match="compressed"):
            await client.ask(server.address, "up")


async def test_a_redirect_leads_nowhere(server: FakePrometheus) -> None:
    server.status, server.headers = 302, {"Location": f"{server.address}/secret"}
    async with PrometheusClient() as client:
        status, _ = await client.ask(server.address, "up")

    assert (status, len(server.requests)) == (302, 1)


async def test_nothing_of_the_environment_goes_with_a_query(
    server: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with PrometheusClient() as client:
        await client.ask(server.address, "up")

    assert {"Authorization", "Cookie"}.isdisjoint(server.requests[0].headers)


async def test_nobody_at_the_address_is_no_answer(server: FakePrometheus) -> None:
    async with a_prometheus() as gone:
        address = gone.address
    async with PrometheusClient() as client:
        with pytest.raises(NoAnswerError, match="ConnectError"):
            await client.ask(address, "up")
