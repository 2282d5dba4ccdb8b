"""Decode the body of a watch: one JSON document a line, for as long as it lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from spectra_operator.kube.documents import loaded
from spectra_operator.kube.errors import ServerError, error_from_status
from spectra_operator.kube.resources import Body


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event of a watch.

    Attributes:
        type: ADDED, MODIFIED, DELETED or BOOKMARK.
        object: The object; of a bookmark, only its resourceVersion means anything.
    """

    type: str
    object: Body


async def read_events(content: aiohttp.StreamReader, *, about: str) -> AsyncIterator[WatchEvent]:
    """Yield the events of a stream until it ends.

    A stream cut in the middle of a line ends like any other: the resumed watch brings that
    event again. So does one that fell silent.

    Args:
        content: The body of the answer.
        about: The call in words, for error messages.

    Raises:
        Gone: The resourceVersion asked for is too old.
        KubeError: Another error event, or a line that is not JSON.
    """
    async for line in _lines(content):
        event = _decode(line, about)
        yield event


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    # aiohttp's own line reading refuses lines beyond its buffer; objects reach 1.5 MiB.
    pending: list[bytes] = []
    while True:
        try:
            chunk = await content.readany()
        except (aiohttp.ClientError, TimeoutError):
            return
        if not chunk:
            return
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            whole = b"".join([*pending, line])
            pending.clear()
            if whole:
                yield whole
        if rest:
            pending.append(rest)


def _decode(line: bytes, about: str) -> WatchEvent:
    try:
        decoded = loaded(line)
        event = WatchEvent(type=decoded["type"], object=decoded["object"])
    except (ValueError, KeyError, TypeError) as error:
        words = f"{about}: not a watch event: {line[:200]!r}"
        raise ServerError(words, status=200, about=about, quotes=True) from error
    if event.type == "ERROR":
        raise error_from_status(
            event.object,
            http_status=int(event.object.get("code") or 500),
            about=about,
            is_write=False,
        )
    return event
