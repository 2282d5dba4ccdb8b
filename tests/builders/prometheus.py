"""A server for queries: it answers as Prometheus does, or as a test wants it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

PATH = "/api/v1/query"


def a_vector(*values: str) -> bytes:
    """Return the answer of a query that gives so many series."""
    result = [{"metric": {"n": str(n)}, "value": [1.5, each]} for n, each in enumerate(values)]
    return an_answer("vector", result)


def a_scalar(value: str) -> bytes:
    """Return the answer of a query that gives a scalar."""
    return an_answer("scalar", [1.5, value])


def an_answer(kind: str, result: Any) -> bytes:
    """Return the answer of a query that could be evaluated."""
    data = {"resultType": kind, "result": result}
    return json.dumps({"status": "success", "data": data}).encode()


def an_error(kind: str, text: str) -> bytes:
    """Return the answer of a query that could not."""
    return json.dumps({"status": "error", "errorType": kind, "error": text}).encode()


class FakePrometheus:
    """Answers every query with `status` and `body`.

    `headers` go with it, `waits` holds every answer back while it is set to an event.
    """

    def __init__(self) -> None:
        self.status = 200
        self.body = a_vector()
        self.headers: dict[str, str] = {}
        self.waits: asyncio.Event | None = None
        self.asked: list[str] = []
        self.requests: list[web.Request] = []
        self.address = ""

    def says(self, value: str) -> None:
        """Answer with one value from now on."""
        self.status, self.body = 200, a_vector(value)

    def fails(self, status: int = 503, text: str = "query timed out") -> None:
        """Answer with an error from now on."""
        self.status, self.body = status, an_error("timeout", text)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request."""
        self.requests.append(request)
        self.asked.append(request.query.get("query", ""))
        if self.waits is not None:
            await self.waits.wait()
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@asynccontextmanager
async def a_prometheus() -> AsyncIterator[FakePrometheus]:
    """Serve on a port of this machine."""
    fake, app = FakePrometheus(), web.Application()
    app.router.add_route("*", "/{path:.*}", fake.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        if fake.waits is not None:
            fake.waits.set()
        await runner.cleanup()
