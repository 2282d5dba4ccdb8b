"""A small HTTP server: routes on one address and port, without an access log."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web


class Served:
    """Serves routes from `start` to `stop`."""

    def __init__(self, routes: Iterable[web.RouteDef], host: str | None, port: int) -> None:
        """Take what is to be served, and where; a host of None is all addresses."""
        self._routes = tuple(routes)
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken.
        """
        app = web.Application()
        app.add_routes(self._routes)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
