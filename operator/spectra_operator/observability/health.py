"""The operator's own HTTP server: liveness, readiness, metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from .metrics import Metrics
from .serving import Served

Check = Callable[[], str]
"""Returns what is wrong, or an empty string."""


class HealthServer(Served):
    """Answers probes and scrapes. Alive and ready are told by the checks given.

    The port is open to whoever may scrape it, so nothing on it names an object.
    """

    def __init__(self, port: int, metrics: Metrics, alive: Check, ready: Check) -> None:
        super().__init__(
            [
                web.get("/healthz", self._answer(alive)),
                web.get("/readyz", self._answer(ready)),
                web.get("/metrics", self._show_metrics),
                web.get("/metrics/hops", self._show_hops),
            ],
            None,
            port,
        )
        self._metrics = metrics

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
