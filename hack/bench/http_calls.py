"""Calls of the worker API that cost their caller little.

Workers run on machines of their own. Here they share the cores with what is measured, so they speak
just as much HTTP as is needed: POST over connections that are kept, answers with a length.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from spectra_operator.kube.documents import dumped, loaded

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)

_HUNG_UP = (asyncio.IncompleteReadError, ConnectionError)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class HttpCalls:
    """Calls of one worker; `headers` go with each."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._address = (host, int(port))
        lines = {"Host": f"{host}:{port}", "Content-Type": "application/json", **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._idle: list[Connection] = []

    async def post(self, path: str, body: Any) -> Any:
        """Send a document and return the one that answers it; any answer but 200 fails."""
        data = dumped(body)
        head = f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(data)}\r\n\r\n"
        request = head.encode() + data
        while (kept := self._kept()) is not None:
            try:
                return await self._exchange(kept, request)
            except _HUNG_UP:
                continue  # the operator closes what was idle for long; every call may come twice
        return await self._exchange(await self._connect(), request)

    async def _exchange(self, connection: Connection, request: bytes) -> Any:
        reader, writer = connection
        try:
            writer.write(request)
            answer = await _answer(reader)
        except BaseException:
            writer.close()
            raise
        self._idle.append(connection)
        return answer

    def _kept(self) -> Connection | None:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return None

    def close(self) -> None:
        """Close the connections on which nothing is under way."""
        for _, writer in self._idle:
            writer.close()

    async def _connect(self) -> Connection:
        return await asyncio.open_connection(*self._address)


async def _answer(reader: asyncio.StreamReader) -> Any:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    assert length is not None, head
    said = await reader.readexactly(int(length[1]))
    assert head.startswith(b"HTTP/1.1 200 "), (head, said)
    return loaded(said)
