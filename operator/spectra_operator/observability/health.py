"""The operator's own HTTP server: liveness, readiness, metrics, recent hops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from aiohttp import web

from .metrics import Metrics

Check = Callable[[], str]
"""Returns what is wrong, or an empty string."""


class HealthServer:
    """Answers probes and scrapes. Alive and ready are told by the checks given."""

    def __init__(self, port: int, metrics: Metrics, alive: Check, ready: Check) -> None:
        self._port = port
        self._metrics = metrics
        self._alive = alive
        self._ready = ready
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Begin to listen on all addresses."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._answer(self._alive)),
                web.get("/readyz", self._answer(self._ready)),
                web.get("/metrics", self._show_metrics),
                web.get("/debug/hops", self._show_hops),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, port=self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._stack.aclose()

    def _answer(self, check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(_: web.Request) -> web.Response:
            wrong = check()
            return web.Response(text=wrong or "ok", status=503 if wrong else 200)

        return handler

    async def _show_metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    async def _show_hops(self, _: web.Request) -> web.Response:
        return web.json_response(list(self._metrics.recent_hops))
