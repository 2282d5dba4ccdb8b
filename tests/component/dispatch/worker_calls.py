"""The worker API over a real socket, with a desk in the test's hands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp

from builders.clock import FakeClock
from spectra_operator.dispatch.auth import TokenAuthenticator
from spectra_operator.dispatch.server import ServerLimits, WorkerApiServer
from spectra_operator.engine.desk_calls import Beat, Caller, Orders, Report, Work
from spectra_operator.observability.metrics import Metrics
from unit.dispatch.token_reviews import TokenReviews, a_token, bearer

T = TypeVar("T")
PATIENCE = 10.0
HEADERS = {"Authorization": bearer(a_token()), "Spectra-Instance": "process-1"}

HEAD = (
    f"Host: x\r\nAuthorization: {HEADERS['Authorization']}\r\n"
    "Spectra-Instance: process-1\r\nContent-Type: application/json\r\n"
)


def a_work(name: str = "flow-work-a-bcdfghjk", **fields: Any) -> Work:
    """Return a claim as the desk hands it out."""
    return Work(name, 1, json.dumps({"id": name, "epoch": 1} | fields))


class Counted(list[T]):
    """A list that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._grown = asyncio.Event()

    def append(self, item: T) -> None:
        """Add one and wake whoever waits."""
        super().append(item)
        self._grown.set()

    async def are(self, count: int) -> list[T]:
        """Wait until there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self) < count:
                self._grown.clear()
                await self._grown.wait()
        return self


class FakeDesk:
    """A desk that notes what it is asked and leaves the answers to the test."""

    def __init__(self) -> None:
        self.callers: Counted[Caller] = Counted()
        self.polls: Counted[asyncio.Future[tuple[Work, ...]]] = Counted()
        self.asked: list[tuple[int, frozenset[str]]] = []
        self.beats: list[list[Beat]] = []
        self.reports: Counted[Report] = Counted()
        self.releases: list[tuple[str, int, str]] = []
        self.left: asyncio.Queue[object] = asyncio.Queue()
        self.orders = Orders((), drain=False)
        self.next: tuple[Work, ...] = ()
        self.is_slow = False
        self.unanswered: list[asyncio.Future[Any]] = []
        self.error: Exception | None = None
        self.late_error: Exception | None = None

    def claims(
        self, caller: Caller, slots: int, known: frozenset[str]
    ) -> asyncio.Future[tuple[Work, ...]]:
        """Keep a poll open until the test answers it."""
        self._asked_by(caller)
        self.asked.append((slots, known))
        future: asyncio.Future[tuple[Work, ...]] = asyncio.get_running_loop().create_future()
        future.add_done_callback(self._note_if_left)
        self.polls.append(future)
        return future

    def beat(self, caller: Caller, beats: Sequence[Beat]) -> Orders:
        """Answer with `orders`."""
        self._asked_by(caller)
        self.beats.append(list(beats))
        return self.orders

    def report(self, caller: Caller, report: Report) -> asyncio.Future[tuple[Work, ...]]:
        """Answer with `next`, or never."""
        self._asked_by(caller)
        future = self._answered(self.next)
        self.reports.append(report)
        return future

    def release(self, caller: Caller, claim: str, epoch: int, reason: str) -> asyncio.Future[None]:
        """Answer at once, or never."""
        self._asked_by(caller)
        self.releases.append((claim, epoch, reason))
        return self._answered(None)

    def _note_if_left(self, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            self.left.put_nowait(future)

    def _asked_by(self, caller: Caller) -> None:
        self.callers.append(caller)
        if self.error is not None:
            raise self.error

    def _answered(self, value: T) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        future.add_done_callback(self._note_if_left)
        if self.late_error is not None:
            future.set_exception(self.late_error)
        elif self.is_slow:
            self.unanswered.append(future)
        else:
            future.set_result(value)
        return future


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: Any

    @property
    def reason(self) -> str:
        """The word of an error."""
        return str(self.body["reason"])


@dataclass
class Served:
    """A running server and a client of it."""

    desk: FakeDesk
    reviews: TokenReviews
    server: WorkerApiServer
    metrics: Metrics
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.port}"

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """Call; a body of bytes is sent as it is."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | self.headers
        headers |= options.pop("headers", {})
        return await self.ask("POST", path, data=data, headers=headers, **options)

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """Call in any way."""
        async with self.session.request(method, self.url + path, **options) as response:
            is_json = response.content_type == "application/json"
            body = await response.json() if is_json else await response.text()
            return Answer(response.status, response.headers, body)

    def poll(self, slots: int = 1, wait: float = 30, **options: Any) -> asyncio.Task[Answer]:
        """Begin to wait for work."""
        body = {"slots": slots, "waitSeconds": wait}
        return asyncio.create_task(self.post("/v1/claims", body, **options))

    async def raw(self, data: bytes, *, last: bool = False) -> bytes:
        """Send bytes as they are; return all that comes until the server hangs up.

        `last` tells the server that nothing more will come.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            writer.write(data)
            if last:
                writer.write_eof()
            async with asyncio.timeout(PATIENCE):
                return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def told(self, data: bytes) -> tuple[int, Any]:
        """Send bytes as they are; return status and body of the first answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            writer.write(data)
            async with asyncio.timeout(PATIENCE):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.split("Content-Length: ")[1].split()[0])
                return int(head.split()[1]), json.loads(await reader.readexactly(length))
        finally:
            writer.close()

    def counted(self) -> dict[tuple[str, str], float]:
        """Return the counter of calls by route and code."""
        return {
            (route, code): calls._value.get()
            for (route, code), calls in self.metrics.worker_calls.items()
        }


@asynccontextmanager
async def a_worker_api(**limits: Any) -> AsyncIterator[Served]:
    """Run a server with these limits."""
    desk, reviews, metrics = FakeDesk(), TokenReviews(), Metrics()
    tokens = TokenAuthenticator(reviews, FakeClock())
    bounds = ServerLimits(**{"stop_seconds": 1} | limits)
    server = WorkerApiServer(desk, tokens, metrics, ("127.0.0.1", 0), bounds)
    await server.start()
    async with aiohttp.ClientSession() as session:
        try:
            yield Served(desk, reviews, server, metrics, session)
        finally:
            await server.stop()


def a_request(rest: str, path: str = "/v1/heartbeat") -> bytes:
    """Return a request whose head ends as given."""
    return f"POST {path} HTTP/1.1\r\n{HEAD}{rest}".encode()


def answer_in(data: bytes) -> tuple[int, Any]:
    """Return status and body of an answer read from a socket."""
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


async def is_alive(api: Served) -> bool:
    """Whether the server still answers a good call."""
    return (await api.post("/v1/heartbeat", {})).status == 200
