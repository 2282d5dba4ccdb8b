"""The lexer: it splits what CEL can be, and refuses all else with a sentence."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.language.cel_text import (
    ExpressionError,
    Reference,
    end_of_braces,
    plain_path,
    tokens,
)
from spectra_operator.core.language.expressions import compile_expression
from unit.core.core_settings import steady

ALPHABET = "ab.[]{}()'\"\\rx0 1+-!?:,&|<=>/%*$\n_é"
PIECES = (
    *("parameters", "tasks.a", "tasks['a b']", ".outputs", ".map(x, ", ".all(x, ", "has(", "("),
    *(")", "[", "]", "{", "}", "'a'", '"b"', "1", "1.5", "x", " + ", " - ", "!", "?", ":", ","),
    *(" in ", " == ", "null", "true", ".size()", "size(", "json(", "r'\\'", "'''", "-", "."),
)


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("a.b", ["a", ".", "b"]),
        ("a+1.5e3>=0x1Fu", ["a", "+", "1.5e3", ">=", "0x1Fu"]),
        ("'it\\'s' + \"b\"", ["'it\\'s'", "+", '"b"']),
        ("r'\\' + R\"\\\"", ["r'\\'", "+", 'R"\\"']),
        ("'''a'b\n''' + 1", ["'''a'b\n'''", "+", "1"]),
        ("x?!y:-z", ["x", "?", "!", "y", ":", "-", "z"]),
        ("a\t\n||b", ["a", "||", "b"]),
    ],
)
def test_an_expression_is_split_into_tokens(source: str, texts: list[str]) -> None:
    found = tokens(source)
    assert [token.text for token in found] == texts
    assert [source[token.start : token.end] for token in found] == texts


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("a}", 1),
        ("{'a': {}}.a} b", 11),
        ("'}'}", 3),
        ("'\\'}'}", 5),
        ("r'\\'}", 4),
        ("'''}'''}", 7),
        ("a", -1),
        ("{}", -1),
        ("'}", 1),
        ("x" * 1025 + "}", -1),
    ],
)
def test_braces_end_where_they_are_closed_outside_strings(text: str, end: int) -> None:
    assert end_of_braces(text, 0) == end


@pytest.mark.parametrize(
    "source", ["true", "null", "a b", "a.", "a[x]", "a[-1]", "1", "a['b']", ""]
)
def test_what_is_more_than_a_path_is_no_plain_path(source: str) -> None:
    assert plain_path(source) is None


@pytest.mark.parametrize(
    ("steps", "written"),
    [
        (("tasks", "a", "outputs", "b", 0), "tasks.a.outputs.b[0]"),
        (("tasks", "my-task"), "tasks.my-task"),
        (("parameters", "a b", "c"), "parameters['a b'].c"),
        (("index",), "index"),
    ],
)
def test_a_reference_is_written_as_it_can_be_read(
    steps: tuple[str | int, ...], written: str
) -> None:
    reference = Reference(steps)
    assert str(reference) == written
    assert compile_expression(written).references == (reference,)


@steady(1000)
@given(st.text(alphabet=ALPHABET, max_size=60))
def test_any_text_is_split_whole_or_refused(text: str) -> None:
    with suppress(ExpressionError):
        found = tokens(text)
        ends = [0, *(token.end for token in found)]
        gaps = [text[end : token.start] for end, token in zip(ends, found, strict=False)]
        assert not "".join([*gaps, text[ends[-1] :]]).strip()


@steady(1500)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_anything_put_together_from_cel_is_compiled_or_refused(source: str) -> None:
    with suppress(ExpressionError):
        for reference in compile_expression(source).references:
            assert reference.root in ("parameters", "tasks")


@steady(1000)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_anything_put_together_from_cel_gives_a_value_or_a_sentence(source: str) -> None:
    values = {"parameters": {"outputs": [1]}, "tasks": {"a": {"outputs": "x"}, "a b": None}}
    with suppress(ExpressionError):
        compile_expression(source).evaluate(values)
