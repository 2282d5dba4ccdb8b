"""A small operator on a real socket: it hands out claims, records every call, and misbehaves."""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

PATIENCE = 20.0
"""Seconds until a wait has failed; nothing waits that long when all is well."""


@dataclass(frozen=True)
class Call:
    """One request as it came in."""

    path: str
    body: Any
    headers: Mapping[str, str]
    peer: int

    @property
    def kind(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def claim(self) -> str:
        return self.path.split("/")[3]


@dataclass(frozen=True)
class Fault:
    """What is done instead of a proper answer.

    `status` 0 closes the connection. With `heard` the call takes effect all the same.
    """

    status: int = 0
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    heard: bool = False


DROPPED = Fault()
LOST = Fault(heard=True)
GARBAGE = Fault(200, b"<html>")


def a_claim(name: str, task: str = "work", **fields: Any) -> dict[str, Any]:
    """A claim of the worker API."""
    plain = {"key": f"key-{name}", "workflow": "w", "phase": "p", "index": 0, "attempt": 1}
    given: dict[str, Any] = {"agent": "a", "revision": "r", "input": {}, "timeoutSeconds": None}
    return {"id": name, "epoch": 1, "task": task, **plain, **given, "checkpoint": None, **fields}


class Operator:
    """What a worker sees of the operator, and what a test sees of the worker."""

    def __init__(self, port: int = 0, claims: Mapping[str, dict[str, Any]] | None = None) -> None:
        self.changed = Condition()
        self.calls: list[Call] = []
        self.waiting: deque[dict[str, Any]] = deque()
        self.open: dict[str, dict[str, Any]] = dict(claims or {})
        self.results: dict[str, Any] = {}
        self.cancel: list[str] = []
        self.drain = False
        self.granting = True
        self.heartbeat: float = 0.02
        self._faults: dict[str, deque[Fault]] = {}
        self._held: set[str] = set()
        self._poll = 0
        self._ended = False
        self._server = Server(("127.0.0.1", port), self)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def give(self, *claims: dict[str, Any]) -> None:
        """Make these claimable."""
        with self.changed:
            self.waiting.extend(claims)
            self.changed.notify_all()

    def say(self, **levels: Any) -> None:
        """Change what heartbeats answer: `cancel`, `drain`; or `granting`."""
        with self.changed:
            for name, value in levels.items():
                setattr(self, name, value)
            self.changed.notify_all()

    def fault(self, kind: str, *faults: Fault) -> None:
        """Answer the next calls of a kind (claims, heartbeat, result, release) like this."""
        with self.changed:
            self._faults.setdefault(kind, deque()).extend(faults)

    def hold(self, kind: str) -> None:
        """Answer no call of this kind until `let_go`."""
        with self.changed:
            self._held.add(kind)

    def let_go(self, kind: str) -> None:
        """Answer what was held."""
        with self.changed:
            self._held.discard(kind)
            self.changed.notify_all()

    def of(self, kind: str) -> list[Call]:
        """All calls of a kind so far."""
        with self.changed:
            return [call for call in self.calls if call.kind == kind]

    def wait(self, until: Callable[[], object], what: str = "") -> None:
        """Wait for something to become true by calls that come in."""
        with self.changed:
            assert self.changed.wait_for(until, PATIENCE), f"never: {what}; {self.calls[-20:]}"

    def wait_results(self, *names: str) -> None:
        """Wait until these claims have results that were accepted."""
        self.wait(lambda: set(names) <= set(self.results), f"results of {names}")

    def wait_calls(self, kind: str, count: int) -> Call:
        """Wait for the call of this kind with this number (from 1)."""
        self.wait(lambda: len(self.of(kind)) >= count, f"{count} calls of {kind}")
        return self.of(kind)[count - 1]

    def close(self) -> None:
        """End the server, and every call that is open."""
        with self.changed:
            self._ended = True
            self._held.clear()
            self.changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hear(self, call: Call) -> Fault | dict[str, Any]:
        """Record a call and find its answer."""
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
            self.changed.wait_for(lambda: call.kind not in self._held)
            faults = self._faults.get(call.kind)
            fault = faults.popleft() if faults else None
            if fault is not None and not fault.heard:
                return fault
            answer = getattr(self, f"_{call.kind}")(call)
            self.changed.notify_all()
            return fault or answer

    def _claims(self, call: Call) -> dict[str, Any]:
        self._poll += 1
        mine = self._poll
        known = call.body.get("known", [])

        def found() -> list[dict[str, Any]]:
            offered = [claim for name, claim in self.open.items() if name not in known]
            return offered or self._grant(call.body["slots"])

        self.changed.wait_for(
            lambda: (
                self._ended
                or self._poll != mine
                or self.drain
                or any(name not in known for name in self.open)
                or (self.granting and self.waiting)
            )
        )
        claims = found() if self._poll == mine and not self._ended else []
        return {"claims": claims, "heartbeatSeconds": self.heartbeat, "drain": self.drain}

    def _grant(self, slots: int) -> list[dict[str, Any]]:
        count = min(slots, len(self.waiting)) if self.granting and not self.drain else 0
        granted = [self.waiting.popleft() for _ in range(count)]
        self.open |= {claim["id"]: claim for claim in granted}
        return granted

    def _heartbeat(self, _call: Call) -> dict[str, Any]:
        return {"cancel": self.cancel, "drain": self.drain, "heartbeatSeconds": self.heartbeat}

    def _result(self, call: Call) -> Any:
        if call.claim in self.results:
            same = self.results[call.claim]["result"] == call.body["result"]
            return {"claims": []} if same else Fault(409)
        if self.open.pop(call.claim, None) is None:
            return Fault(409, b'{"status": 409, "reason": "Fenced", "message": "not yours"}')
        self.results[call.claim] = call.body
        return {"claims": self._grant(call.body.get("slots", 0))}

    def _release(self, call: Call) -> Any:
        return {} if self.open.pop(call.claim, None) else Fault(409)


class Server(ThreadingHTTPServer):
    """Threads end with their connections, which `server_close` waits for."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], operator: Operator) -> None:
        self.operator = operator
        self.connections: set[socket.socket] = set()
        super().__init__(address, Handler)

    def server_close(self) -> None:
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        super().server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.server.connections.add(self.request)
        super().setup()

    def finish(self) -> None:
        self.server.connections.discard(self.request)
        try:
            super().finish()
        except OSError:
            return

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # the worker has hung up

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        peer = self.client_address[1]
        found = self.server.operator.hear(Call(self.path, body, dict(self.headers), peer))
        if isinstance(found, dict):
            found = Fault(200, json.dumps(found).encode())
        if not found.status:
            self.close_connection = True
            return
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        self.wfile.write(found.body)

    def log_message(self, *_words: object) -> None:
        return


@contextmanager
def operating(
    port: int = 0, claims: Mapping[str, dict[str, Any]] | None = None
) -> Iterator[Operator]:
    """An operator that answers until the end of the block; port 0 is any free one.

    It knows these claims, by id, as open before it hears the first call.
    """
    operator = Operator(port, claims)
    try:
        yield operator
    finally:
        operator.close()
