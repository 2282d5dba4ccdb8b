"""Connections of workers: so many and no more, and none that says nothing.

aiohttp waits for the first request of a connection for ever, and accepts connections without end;
either would let a stranger, who needs no token for it, use up the operator.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from aiohttp import web

from .refusal import INTERNAL, Refusal

logger = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
"""How long a new connection may take to send the head of its first request."""
KEEP_ALIVE_SECONDS = 75.0
"""How long a connection may be idle between two calls."""
LINGER_SECONDS = 2.0
"""How long the rest of a body that is not wanted is read, so that its sender sees the answer."""


class Connection(web.RequestHandler):
    """A connection that is closed unless a request comes in time."""

    __slots__ = ("_deadline", "_head_seconds")

    def __init__(self, server: web.Server, head_seconds: float) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # its own word for none
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            auto_decompress=False,
        )
        self._head_seconds = head_seconds
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._head_seconds, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        self.has_spoken()
        super().connection_lost(exc)

    def has_spoken(self) -> None:
        """Note that a request has come."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - may quote the request, with the token in it
    ) -> web.StreamResponse:
        """Answer what is not HTTP, or could not be answered, in our own form."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was on its way already")
        refusal = Refusal(status, "BadRequest", "this is not HTTP as the server reads it")
        if status >= 500:
            logger.error("a call failed outside of its handler: %s", type(exc).__name__)
            refusal = Refusal(*INTERNAL)
        response = refusal.response()
        response.force_close()
        return response


class TooMany(asyncio.Protocol):
    """Refuses a connection beyond the bound, at once and without reading."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say no and hang up."""
        refusal = Refusal(503, "TooManyConnections", "too many connections; try again")
        body = json.dumps(
            {"status": 503, "reason": refusal.reason, "message": refusal.message}
        ).encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Content-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Retry-After: 1\r\n"
            "Connection: close\r\n\r\n"
        )
        sending: Any = transport
        sending.write(head.encode() + body)
        sending.close()


def accept(
    server: web.Server, *, most: int, head_seconds: float = HEAD_SECONDS
) -> asyncio.Protocol:
    """Return who speaks with a new connection."""
    if len(server.connections) >= most:
        return TooMany()
    return Connection(server, head_seconds)
