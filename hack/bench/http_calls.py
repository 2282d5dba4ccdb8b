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
        reader, writer = self._idle.pop() if self._idle else await self._connect()
        try:
            writer.write(head.encode() + data)
            answer = await _answer(reader)
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        return answer

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
