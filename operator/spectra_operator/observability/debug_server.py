"""Serves the status page to whoever may forward a port of the pod, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from .debug_page import Table, render_html, render_json
from .serving import Served

LOOPBACK = "127.0.0.1"
"""Reached from inside the pod and through `kubectl port-forward`, so RBAC decides who reads. The
network cannot reach it, whether or not it enforces NetworkPolicies; neither can the API server's
proxy."""

Insides = Callable[[], Sequence[Table]]
"""Returns what the status page shows."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


class DebugServer(Served):
    """Shows what the operator is at, which names objects of all namespaces."""

    def __init__(self, port: int, insides: Insides) -> None:
        super().__init__(
            [
                web.get("/debug", self._show_page),
                web.get("/debug.json", self._show_insides),
            ],
            LOOPBACK,
            port,
        )
        self._insides = insides

    async def _show_page(self, _: web.Request) -> web.Response:
        text = render_html("Spectra operator", self._insides())
        return web.Response(text=text, content_type="text/html", headers=_HEADERS)

    async def _show_insides(self, _: web.Request) -> web.Response:
        text = render_json(self._insides())
        return web.Response(text=text, content_type="application/json", headers=_HEADERS)
