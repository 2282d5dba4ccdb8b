"""Lines of a watch, however they are cut into pieces."""

from __future__ import annotations

import itertools
import json
from typing import cast

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.kube.errors import Gone, ServerError
from spectra_operator.kube.watching import WatchEvent, read_events


class _Pieces:
    """A stream that arrives in given pieces and then ends, or breaks."""

    def __init__(self, pieces: list[bytes], breaks_with: Exception | None = None) -> None:
        self._pieces = list(pieces)
        self._breaks_with = breaks_with

    async def readany(self) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if self._breaks_with:
            raise self._breaks_with
        return b""


async def _read(pieces: list[bytes], breaks_with: Exception | None = None) -> list[WatchEvent]:
    stream = cast("aiohttp.StreamReader", _Pieces(pieces, breaks_with))
    return [event async for event in read_events(stream, about="watch pods")]


def _line(kind: str, name: str) -> bytes:
    return json.dumps({"type": kind, "object": {"metadata": {"name": name}}}).encode() + b"\n"


def _names(events: list[WatchEvent]) -> list[str]:
    return [event.object["metadata"]["name"] for event in events]


@given(cuts=st.lists(st.integers(min_value=1, max_value=250), max_size=12), padding=st.text())
async def test_events_are_the_same_however_the_bytes_arrive(cuts: list[int], padding: str) -> None:
    names = ["a", f"b{padding}", "ć"]
    whole = b"".join(_line("ADDED", name) for name in names)
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[start:end] for start, end in itertools.pairwise(edges)]
    assert _names(await _read(pieces)) == names


async def test_an_object_larger_than_any_buffer_is_one_event() -> None:
    line = _line("MODIFIED", "x" * 1_500_000)
    pieces = [line[start : start + 65536] for start in range(0, len(line), 65536)]
    (event,) = await _read(pieces)
    assert len(event.object["metadata"]["name"]) == 1_500_000


@pytest.mark.parametrize(
    "breaks_with", [None, aiohttp.ClientPayloadError(), TimeoutError(), aiohttp.ClientOSError()]
)
async def test_a_line_cut_off_is_dropped_and_the_stream_just_ends(
    breaks_with: Exception | None,
) -> None:
    pieces = [_line("ADDED", "a"), _line("ADDED", "b")[:20]]
    assert _names(await _read(pieces, breaks_with)) == ["a"]


async def test_empty_lines_mean_nothing() -> None:
    assert _names(await _read([b"\n\n", _line("ADDED", "a"), b"\n"])) == ["a"]


async def test_an_error_event_is_raised_as_its_error() -> None:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    line = json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
    with pytest.raises(Gone, match="watch pods: 410 Expired: too old"):
        await _read([line])


@pytest.mark.parametrize("line", [b"not json\n", b"[1]\n", b'{"type": "ADDED"}\n', b'"x"\n'])
async def test_a_line_that_is_no_event_is_an_error(line: bytes) -> None:
    with pytest.raises(ServerError, match="not a watch event"):
        await _read([line])
