"""Expressions that are refused, or give nothing: each is told in one sentence."""

from __future__ import annotations

import pytest

from spectra_operator.core.language.expressions import (
    ExpressionError,
    check_pattern,
    compile_expression,
    pattern_matches,
)
from unit.core.language.test_core_expressions import VALUES, given


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "there is no expression"),
        ("1 +", "it is not a CEL expression: character 4"),
        ("parameters.", "it is not a CEL expression"),
        ("parameters..x", "it is not a CEL expression"),
        (".parameters.x", "leave out the dot"),
        ("a.b", "it must begin with one of parameters, tasks, phases, item"),
        ("a.b + 1", "there is no 'a' here; use one of parameters, tasks"),
        ("parameters.l.map(x, y)", "use one of parameters, tasks, phases, item, index, workflow, "),
        ("oops(1)", "there is no function oops(); use one of contains"),
        ("optional.of(1)", "there is no 'optional' here"),
        ("Foo{a: 1}", "Foo{...} is not known; write a map as {'key': 1}"),
        ("tasks.my-task.outputs.x + 1", "write tasks['my-task'], or put spaces round the minus"),
        ("1 + parameters.a.b-c", "write parameters.a['b-c']"),
        ("tasks[parameters.name].outputs", "name the task literally"),
        ("phases[item].outputs.x", "name the phase literally"),
        ("size(tasks)", "name the task literally"),
        ("tasks", "name the task literally"),
        ("tasks[0].outputs", "name the task literally"),
        ("b'x'", "bytes cannot be used"),
        ("1 // two", "comments cannot be used"),
        ("'abc", "the string that begins at character 1 is not closed"),
        ("parameters.a # 1", "'#' at character 14 means nothing"),
        ("parameters.`a`", "means nothing"),
        ("min(1, 2)", "min() takes 1 in its brackets"),
        ("'a'.split()", "split() takes 1 in its brackets"),
        ("has(1)", "has() takes a path"),
        ("has(parameters)", "has() takes a path"),
        ("[1].map(1, 2)", "map() takes a name and what to do"),
        ("[1].all(x, y, z)", "all() takes a name and what to do"),
        ("[1].map(item, 1)", "'item' cannot name an entry"),
        ("[1].all(x, [1].all(y, [1].all(z, true)))", "all() stands in 2 others; nest fewer"),
        ("1" + " + 1" * 300, "has 1201 characters, at most 1024"),
        ("parameters" + ".x" * 600, "the path has 1210 characters, at most 1024"),
        ("(" * 17 + "1" + ")" * 17, "brackets nest deeper than 16 levels"),
        ("!" * 65 + "true", "more than 64 times ! in a row"),
        ("- " * 65 + "1", "more than 64 times - in a row"),
        ("1e400", "invalid double literal"),
        ("99999999999999999999", "invalid int literal"),
        ("'\\ud800'", "invalid string literal"),
        ("true ? 1", "it is not a CEL expression"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_reason(source: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("parameters.gone", "there is no 'gone' in it"),
        ("parameters.list[5]", "there is no 5 in it"),
        ("parameters.name.x", "there is no 'x' in it"),
        ("phase.name", "phase is not known here"),
        ("phase.name + 'x'", "phase is not known here"),
        ("parameters.gone + 1", "there is no 'gone' in it; ask with has() first"),
        ("parameters.list[5] + 1", "there is no entry 5 in the list; ask with size() first"),
        ("parameters.list[-1]", "there is no entry -1 in the list"),
        ("parameters.list[0.5]", "there is a double where int or uint is needed"),
        ("1 / 0", "it divides by zero"),
        ("1 % 0", "it divides by zero"),
        ("9223372036854775807 + 1", "a number is too large or too small for its type"),
        ("'a' + 1", "string + int does not work; convert with int(), double() or string()"),
        ("parameters.rows + 1.0", "of a type that it does not take"),
        ("!parameters.rows", "of a type that it does not take"),
        ("tasks.failed.outputs.x == 1", "such as null"),
        ("int('x')", "int() failed: string parse error"),
        ("timestamp('bad')", "timestamp() failed"),
        ("string(parameters.map)", "string() does not take such a value"),
        ("size(1)", "size() takes a text, a list or a map, not an integer"),
        ("sum(['a'])", "sum() takes a list of numbers"),
        ("min([])", "min() of an empty list is nothing"),
        ("join([1], ',')", "join() takes a list of texts and a separator"),
        ("split('a', '')", "separator that is not empty"),
        ("matches('a', 1)", "matches() takes a text and a pattern"),
        ("matches('a', '(')", "'(' is not a regular expression that can be used"),
        ("parameters.rows.map(x, x)", "map() needs a list or a map, not an integer"),
        ("parameters.list.all(x, x)", "the condition of all() gives an integer"),
        ("parameters.list.map(x, 1, x)", "the condition of map() gives an integer"),
        ("parameters.list.map(x, x.y)", "of a type that it does not take"),
        ("1.0 / 0.0", "a number that is infinite or undefined"),
        ("{1: 2}", "a map with keys that are no text"),
    ],
)
def test_what_gives_nothing_says_why(source: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        given(source)
    assert said in str(caught.value)


def test_an_error_in_a_function_is_told_although_the_rest_is_true(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ExpressionError, match="takes a list of numbers"):
        given("sum(['a']) > 1 || true")
    assert capfd.readouterr().err == ""


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(ExpressionError, match="text that is not Unicode"):
        given("parameters.bad + 'x'", {"parameters": {"bad": "\ud800"}})


def test_a_result_may_be_so_large_and_no_larger() -> None:
    values = {"parameters": {"t": "x" * 49_999}}
    assert len(given("parameters.t + parameters.t", values)) == 99_998
    with pytest.raises(ExpressionError, match="it gives 100001 characters, at most 100000"):
        given("parameters.t + parameters.t + 'x'", values)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("^[a-z]+$", "abc", True),
        ("^[a-z]+$", "abc1", False),
        ("b", "abc", True),
        ("", "", True),
        (r"\.[0-9]{2,3}", "1.25", True),
        ("(?i)ABC", "abc", True),
    ],
)
def test_a_pattern_matches_somewhere(pattern: str, text: str, matches: bool) -> None:
    check_pattern(pattern)
    assert pattern_matches(pattern, text) is matches


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "is not a regular expression that can be used"),
        ("a(?=b)", "without look-around and back-references"),
        (r"(a)\1", "without look-around and back-references"),
        ("x" * 257, "more than 256 characters"),
        ("((a{100}){100}){100}", "repeats too much"),
        ("a{2001}", "repeats too much"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        check_pattern(pattern)
    assert said in str(caught.value)


def test_a_pattern_that_would_explode_elsewhere_is_harmless() -> None:
    assert not pattern_matches("^(a+)+$", "a" * 50_000 + "b")


def test_values_are_left_as_they_are() -> None:
    before = repr(VALUES)
    given("parameters.list.map(x, parameters.map)")
    assert repr(VALUES) == before
