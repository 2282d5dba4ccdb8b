"""The operator's own HTTP server: liveness, readiness, metrics, the status page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from aiohttp import web

from .debug_page import Table, render_html, render_json
from .metrics import Metrics

Check = Callable[[], str]
"""Returns what is wrong, or an empty string."""
Insides = Callable[[], Sequence[Table]]
"""Returns what the status page shows."""

_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


class HealthServer:
    """Answers probes and scrapes. Alive and ready are told by the checks given."""

    def __init__(
        self, port: int, metrics: Metrics, alive: Check, ready: Check, insides: Insides = tuple
    ) -> None:
        self._port = port
        self._metrics = metrics
        self._alive = alive
        self._ready = ready
        self._insides = insides
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Begin to listen on all addresses."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._answer(self._alive)),
                web.get("/readyz", self._answer(self._ready)),
                web.get("/metrics", self._show_metrics),
                web.get("/debug", self._show_page),
                web.get("/debug.json", self._show_insides),
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

    async def _show_page(self, _: web.Request) -> web.Response:
        text = render_html("Spectra operator", self._insides())
        return web.Response(text=text, content_type="text/html", headers=_PAGE_HEADERS)

    async def _show_insides(self, _: web.Request) -> web.Response:
        text = render_json(self._insides())
        return web.Response(text=text, content_type="application/json", headers=_PAGE_HEADERS)

    async def _show_hops(self, _: web.Request) -> web.Response:
        return web.json_response(list(self._metrics.recent_hops))
