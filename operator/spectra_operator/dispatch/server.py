"""The server of the worker API: sockets, bounds, who calls, and errors as answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from ..engine.desk_calls import Caller, Desk
from ..observability.metrics import Metrics
from .auth import Identity, TokenAuthenticator
from .calls import Calls
from .connections import HEAD_SECONDS, Connection, accept
from .models import claim_id, parsed
from .openapi import document
from .refusal import DESK_ERRORS, INTERNAL, Refusal, dumped, refusal_of, refused_by_http
from .routes import DOCUMENT_PATH, ROUTES, Route

logger = logging.getLogger(__name__)

INSTANCE = "Spectra-Instance"
MAX_INSTANCE = 64
MAX_BODY = 64 * 1024
UNKNOWN_ROUTE = "other"
LONG_POLL = "claims"
HUNG_UP = "hung-up"
CLAIM_REFUSED = "409"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of the server.

    Attributes:
        connections: Open connections of all workers.
        calls: Calls of one worker at once.
        head_seconds: What a new connection may take to send its first request's head.
        body_seconds: What a body may take to come.
        stop_seconds: What calls under way get to end when the server stops.
    """

    connections: int = 2048
    calls: int = 64
    head_seconds: float = HEAD_SECONDS
    body_seconds: float = 10.0
    stop_seconds: float = 5.0


class WorkerApiServer:
    """Serves the worker API. Start and stop it once."""

    def __init__(
        self,
        desk: Desk,
        tokens: TokenAuthenticator,
        metrics: Metrics,
        address: tuple[str | None, int],
        limits: ServerLimits | None = None,
    ) -> None:
        """Prepare a server.

        Args:
            desk: Who knows the answers.
            tokens: Who knows the callers; closed with the server.
            metrics: Where calls are counted.
            address: Host and port; no host means all addresses, port 0 a free one of one host.
            limits: Bounds, if not the usual ones.
        """
        self._tokens = tokens
        self._metrics = metrics
        self._address = address
        self._limits = limits or ServerLimits()
        self._calls = Calls(desk)
        self._under_way: Counter[tuple[str, str]] = Counter()
        self._document = dumped(document())
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on; 0 while it does not."""
        if self._listener is None:
            return 0
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Begin to listen."""
        app = web.Application(middlewares=[self._answer], client_max_size=MAX_BODY)
        for route in ROUTES:
            app.router.add_post(route.path, self._handler(route), name=route.name)
        app.router.add_get(DOCUMENT_PATH, self._show_document, name="document")
        runner = self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,  # a worker that hangs up takes its slots with it
            shutdown_timeout=self._limits.stop_seconds,
        )
        await runner.setup()
        server = runner.server
        assert server is not None  # noqa: S101 - set up in the line above
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: accept(
                server, most=self._limits.connections, head_seconds=self._limits.head_seconds
            ),
            *self._address,
        )

    async def stop(self) -> None:
        """Answer open polls with nothing, let other calls end, close everything."""
        if self._listener is not None:
            self._listener.close()
        self._calls.end()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._tokens.close()
        self._listener = self._runner = None

    # One call

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Carry out a call and count it; whatever happens becomes an answer."""
        if isinstance(request.protocol, Connection):
            request.protocol.has_spoken()
        name = request.match_info.route.name or UNKNOWN_ROUTE
        began, code = time.monotonic(), HUNG_UP
        try:
            response = await self._carried_out(request, handler)
            code = str(response.status)
        finally:
            self._metrics.worker_calls[name, code].inc()
            if code == CLAIM_REFUSED:
                self._metrics.claims_refused.inc()
            if name != LONG_POLL:
                self._metrics.worker_call_seconds[name,].observe(time.monotonic() - began)
        if self._calls.are_ending:
            response.force_close()
        return response

    async def _carried_out(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()
        except DESK_ERRORS as error:
            return refusal_of(error).response()
        except web.HTTPException as error:
            return refused_by_http(error)
        except Exception:
            logger.exception("a call of a worker failed: %s %s", request.method, request.path)
            response = Refusal(*INTERNAL).response()
            response.force_close()
            return response

    def _handler(self, route: Route) -> Handler:
        carry_out = getattr(self._calls, route.name)

        async def handle(request: web.Request) -> web.StreamResponse:
            identity = await self._tokens.identify(request.headers.get("Authorization", ""))
            caller = _caller(identity, request)
            with self._one_call_of(identity):
                claim = claim_id(request.match_info["id"]) if "{id}" in route.path else ""
                body = parsed(route.body, await self._body(request))
                text = await carry_out(caller, claim, body)
            return web.Response(text=text, content_type="application/json")

        return handle

    async def _show_document(self, _: web.Request) -> web.Response:
        return web.Response(text=self._document, content_type="application/json")

    @contextmanager
    def _one_call_of(self, identity: Identity) -> Iterator[None]:
        worker = (identity.namespace, identity.pod)
        if self._under_way[worker] >= self._limits.calls:
            text = f"{self._limits.calls} calls of this worker are under way; wait for some"
            raise Refusal(429, "TooManyCalls", text)
        self._under_way[worker] += 1
        try:
            yield
        finally:
            self._under_way[worker] -= 1
            if not self._under_way[worker]:
                del self._under_way[worker]

    async def _body(self, request: web.Request) -> bytes:
        if request.content_type != "application/json" or "Content-Encoding" in request.headers:
            text = "send JSON, uncompressed, with Content-Type: application/json"
            raise Refusal(415, "UnsupportedMediaType", text)
        large = Refusal(413, "TooLarge", f"the body has more than {MAX_BODY} bytes")
        if (request.content_length or 0) > MAX_BODY:
            raise large
        if request.content.is_eof():  # all of it came with the head, as it mostly does
            return await _read(request, large)
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await _read(request, large)
        except TimeoutError:
            text = f"the body did not come within {self._limits.body_seconds:g} s"
            raise Refusal(408, "RequestTimeout", text) from None


async def _read(request: web.Request, large: Refusal) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise large from None
    except web.RequestPayloadError:
        raise Refusal(400, "BadRequest", "the body: is cut off or wrongly encoded") from None


def _caller(identity: Identity, request: web.Request) -> Caller:
    instance = request.headers.get(INSTANCE, "")
    if not (0 < len(instance) <= MAX_INSTANCE and instance.isascii() and instance.isprintable()):
        text = (
            f"send the header {INSTANCE}: 1 to {MAX_INSTANCE} printable ASCII characters that "
            "no other start of this worker uses"
        )
        raise Refusal(400, "BadRequest", text)
    return Caller(identity.namespace, identity.pod, identity.uid, instance)
