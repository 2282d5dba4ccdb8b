"""The way to the operator: one kept-alive connection per thread, and who to talk to.

Every call of the worker API may be made again without harm, so all that can go wrong on the way
becomes one error that says so.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Lock
from typing import Any

from spectra_agent.pool.settings import host_and_port

CONNECT_SECONDS = 3.0
CALL_SECONDS = 10.0
MOST_MOVES = 3
"""How often one call follows 421 before it counts as failed."""

MOST_BYTES = 16 << 20
"""The largest answer that is read."""

LONGEST_PAUSE = 60.0
"""The most seconds of a Retry-After that are obeyed."""

AGAIN = frozenset({401, 403, 408, 425, 429})
"""Refusals that may pass by themselves; all others of 4xx are final.

403 is one, for an operator that has just begun may not know its workers yet.
"""

NOT_OURS = frozenset({403, 404, 405})
"""What a stranger answers who has got the address of an operator that is gone."""


class CallError(Exception):
    """There is no usable answer; the same call may be made again.

    Attributes:
        wait: The least seconds to wait before, as the operator asked.
        unreachable: Whether nobody was there to answer.
    """

    def __init__(self, text: str, *, wait: float = 0.0, unreachable: bool = False) -> None:
        super().__init__(text)
        self.wait = wait
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Answer:
    """What the operator said: 200 or a refusal that will not change, and its JSON object."""

    status: int
    body: Mapping[str, Any]

    @property
    def said(self) -> str:
        """Code and message, for the log."""
        return f"{self.status} {self.body.get('message') or self.body.get('reason') or ''}".strip()


class Token:
    """The content of a file that is replaced from time to time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._text = ""
        self._lock = Lock()

    def text(self) -> str:
        """The token as it is in the file now.

        Raises:
            CallError: The file cannot be read, or holds no token.
        """
        with self._lock:
            try:
                stat = os.stat(self._path)  # noqa: PTH116  # the path is the environment's text
                seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
                if seen != self._seen:
                    with open(self._path, encoding="ascii") as file:  # noqa: PTH123
                        self._text = file.read().strip()
                    self._seen = seen
            except (OSError, ValueError) as error:
                raise CallError(f"cannot read the token file {self._path}: {error}") from error
            if not self._text or not self._text.isprintable() or " " in self._text:
                raise CallError(f"the file {self._path} holds no token")
            return self._text

    def doubt(self) -> None:
        """The token was refused: read the file anew, even if it looks the same."""
        with self._lock:
            self._seen = None


class Place:
    """Where the operator is: where the environment says, or where that one sent us."""

    def __init__(self, url: str) -> None:
        self._home = host_and_port(url)
        self.now = self._home

    def is_home(self, place: tuple[str, int]) -> bool:
        """Whether it is where the environment says."""
        return place == self._home

    def move(self, address: object) -> None:
        """Go where an answer 421 says.

        Raises:
            CallError: It names no address (yet).
        """
        try:
            self.now = host_and_port(address if isinstance(address, str) else "")
        except ValueError as error:
            self.now = self._home
            raise CallError("no replica of the operator serves this namespace yet") from error

    def leave(self, place: tuple[str, int]) -> None:
        """Go home, for nothing good came from there."""
        if self.now == place:
            self.now = self._home


class Line:
    """One connection for one thread; only `hang_up`, `follow` and `close` are for other threads."""

    def __init__(self, place: Place, token: Token, instance: str) -> None:
        self._place = place
        self._token = token
        self._instance = instance
        self._connection: HTTPConnection | None = None
        self._at = place.now
        self._closed = False
        self._lock = Lock()

    @property
    def place(self) -> tuple[str, int]:
        """Host and port that the next call goes to."""
        return self._place.now

    def call(self, path: str, body: Mapping[str, Any], seconds: float = CALL_SECONDS) -> Answer:
        """POST a JSON object, and follow the operator to where it is.

        Raises:
            CallError: Nobody answered in so many seconds, or what came back can pass.
        """
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        for _ in range(MOST_MOVES):
            status, headers, text = self._ask(path, data, seconds)
            if status != 421:
                return self._judge(status, headers, text)
            self._place.move((_object(text) or {}).get("address"))
        raise CallError("the operator's replicas send us to each other")

    def hang_up(self) -> None:
        """End the call that is under way, if one is; its thread gets a `CallError`."""
        with self._lock:
            self._shut()

    def follow(self) -> None:
        """End the call that is under way if it goes where the operator no longer is."""
        with self._lock:
            if self._at != self._place.now:
                self._shut()

    def close(self) -> None:
        """End the call that is under way, and refuse all later ones."""
        self._closed = True
        self.hang_up()

    def done(self) -> None:
        """Give the connection back; for the thread that owns the line."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _shut(self) -> None:
        sock = self._connection.sock if self._connection else None
        if sock is None:
            return
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended by itself

    def _judge(self, status: int, headers: Mapping[str, str], text: bytes) -> Answer:
        if status == 401:
            self._token.doubt()
        # Asked of where the answer came from: another thread may have gone home meanwhile.
        strange = status in NOT_OURS and not self._place.is_home(self._at)
        if strange or status in AGAIN or not (status == 200 or 400 <= status < 500):
            if status not in {429, 503}:
                self._place.leave(self._at)
            said = Answer(status, _object(text) or {}).said
            raise CallError(f"the operator answered {said}", wait=_seconds(headers))
        body = _object(text)
        if status == 200 and body is None:
            self._place.leave(self._at)
            raise CallError("the answer is no JSON object; is this the worker API?")
        return Answer(status, body or {})

    def _ask(self, path: str, data: bytes, seconds: float) -> tuple[int, Mapping[str, str], bytes]:
        """One exchange; a kept connection that the other side has closed is replaced once."""
        headers = {
            "Authorization": f"Bearer {self._token.text()}",
            "Content-Type": "application/json",
            "Spectra-Instance": self._instance,
        }
        if self._at != self._place.now:
            self.done()
        kept = self._connection is not None
        try:
            try:
                return self._exchange(path, data, headers, seconds)
            except (ConnectionError, HTTPException):
                self.done()
                if not kept or self._closed:
                    raise
                return self._exchange(path, data, headers, seconds)
        except (OSError, HTTPException) as error:
            self.done()
            self._place.leave(self._at)
            where = f"{self._at[0]}:{self._at[1]}"
            text = f"no answer from {where}: {str(error) or type(error).__name__}"
            raise CallError(text, unreachable=True) from error

    def _exchange(
        self, path: str, data: bytes, headers: dict[str, str], seconds: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        connection = self._connected()
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        connection.request("POST", path, data, headers)
        with connection.getresponse() as response:
            text = self._read(response)
            if response.will_close:
                self.done()
            return response.status, dict(response.headers), text

    def _connected(self) -> HTTPConnection:
        self._refuse_if_closed()
        if self._connection is None:
            self._at = self._place.now
            connection = HTTPConnection(*self._at, timeout=CONNECT_SECONDS)
            try:
                connection.connect()
            except OSError:
                connection.close()
                raise
            with self._lock:
                self._connection = connection
            self._refuse_if_closed()  # it came too early for the new connection
        return self._connection

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ConnectionAbortedError("this worker is ending")

    def _read(self, response: HTTPResponse) -> bytes:
        text = response.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise HTTPException(f"the answer has more than {MOST_BYTES:,} bytes")
        if response.length:
            raise HTTPException("the answer was cut off")
        return text


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _seconds(headers: Mapping[str, str]) -> float:
    found = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    if not (found.isascii() and found.isdigit()):
        return 0.0
    return min(float(found[:9]), LONGEST_PAUSE)
