"""Calls of fake workers over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.http_calls import HttpCalls

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers requests and counts connections; it may close what is idle, or hang up."""

    def __init__(self, answer: bytes = ANSWER) -> None:
        self.answer = answer
        self.connections = 0
        self.requests = 0
        self.hang_up_at: set[int] = set()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        self.writers.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(2)
                self.requests += 1
                if self.requests in self.hang_up_at:
                    return
                writer.write(self.answer)
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def calling(server: Server) -> AsyncIterator[HttpCalls]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    calls = HttpCalls(f"http://127.0.0.1:{port}", {"Authorization": "Bearer x"})
    try:
        yield calls
    finally:
        calls.close()
        listening.close()
        for writer in server.writers:
            writer.close()


async def test_calls_one_after_the_other_share_a_connection() -> None:
    server = Server()
    async with calling(server) as calls:
        assert [await calls.post("/v1/claims", {}) for _ in range(3)] == [{}, {}, {}]
    assert (server.connections, server.requests) == (1, 3)


async def test_a_connection_that_was_closed_while_idle_is_left_for_a_new_one() -> None:
    server = Server()
    async with calling(server) as calls:
        await calls.post("/v1/claims", {})
        server.writers[0].close()
        await server.writers[0].wait_closed()
        assert await calls.post("/v1/heartbeat", {}) == {}
    assert server.connections == 2


async def test_a_call_that_crosses_the_close_of_its_connection_is_made_again() -> None:
    server = Server()
    server.hang_up_at = {2}
    async with calling(server) as calls:
        await calls.post("/v1/claims", {})
        assert await calls.post("/v1/heartbeat", {}) == {}
    assert (server.connections, server.requests) == (2, 3)


async def test_an_operator_that_hangs_up_on_a_new_connection_fails_the_call() -> None:
    server = Server()
    server.hang_up_at = {1}
    async with calling(server) as calls:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await calls.post("/v1/claims", {})


async def test_any_answer_but_200_fails_with_what_was_said() -> None:
    refused = b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}"
    async with calling(Server(refused)) as calls:
        with pytest.raises(AssertionError, match="409 Conflict"):
            await calls.post("/v1/claims", {})
