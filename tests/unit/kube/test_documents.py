"""JSON for and from the API server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.kube.documents import dumped, loaded
from spectra_operator.process import JSON_DEPTH

DEPTH = 2_000

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


@given(VALUES)
def test_a_document_survives_being_written_and_read(value: Any) -> None:
    assert loaded(dumped(value)) == value


@given(VALUES)
def test_anybody_can_read_what_is_written(value: Any) -> None:
    assert json.loads(dumped(value)) == value


@given(VALUES)
def test_what_anybody_writes_is_read(value: Any) -> None:
    assert loaded(json.dumps(value).encode()) == value


def test_there_are_no_blanks() -> None:
    assert dumped({"a": [1, "x y"], "b": None}) == b'{"a":[1,"x y"],"b":null}'


@pytest.fixture
def deep_stack() -> Iterator[None]:
    """A stack as deep as the operator's own, which sets it when it starts."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(JSON_DEPTH)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("deep_stack")
def test_an_object_nested_deeper_than_the_fast_reader_takes_is_read_and_written() -> None:
    text = dumped(nested(DEPTH))

    assert text == b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1)
    assert dumped(loaded(text)) == text


def test_half_a_character_is_written_as_an_escape() -> None:
    assert dumped({"a": "\ud800"}) == b'{"a":"\\ud800"}'


@pytest.mark.parametrize("raw", [b"", b"{", b"no", b'{"a":1}x', b"\xff"])
def test_what_is_not_json_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        loaded(raw)


def test_what_has_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        dumped({"a": object()})
