"""`${...}` in values: what is in the braces, what comes out, and that text stays text."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.language.expressions import Expression, ExpressionError
from spectra_operator.core.language.templates import escape, parts, references, resolve
from unit.core.core_settings import steady

VALUES: Mapping[str, Any] = {
    "parameters": {
        "rows": 20000,
        "rate": 0.5,
        "dry": False,
        "name": "db",
        "none": None,
        "nested": {"a": [1, {"b": "deep"}]},
        "evil": "${parameters.name}",
    },
    "tasks": {"my-task": {"outputs": {"x": 1}}},
}


def filled(value: Any) -> Any:
    """Return a value with its expressions replaced."""
    return resolve(value, lambda expression: expression.evaluate(VALUES))


@pytest.mark.parametrize(
    ("value", "result"),
    [
        pytest.param("${parameters.rows}", 20000, id="number"),
        pytest.param("${ parameters.rows }", 20000, id="spaces in the braces"),
        pytest.param("${parameters.rate}", 0.5, id="fraction"),
        pytest.param("${parameters.dry}", False, id="boolean"),
        pytest.param("${parameters.none}", None, id="null"),
        pytest.param("${parameters.nested}", {"a": [1, {"b": "deep"}]}, id="object"),
        pytest.param("${parameters.nested.a[1].b}", "deep", id="entry of a list"),
        pytest.param("${tasks.my-task.outputs.x}", 1, id="a name with a dash"),
        pytest.param("${parameters.rows / 2 > 9}", True, id="CEL keeps its type"),
        pytest.param("n=${parameters.rows + 1}!", "n=20001!", id="CEL in text"),
        pytest.param("${ {'a': {'b': 1}}.a }", {"b": 1}, id="braces in an expression"),
        pytest.param('${"}"}', "}", id="a closing brace in a string"),
        pytest.param("${'${'}", "${", id="an opening brace in a string"),
        pytest.param(r"${'it\'s }'}", "it's }", id="an escaped quote"),
        pytest.param("${'$'}${parameters.name}", "$db", id="a dollar before an expression"),
        pytest.param("n=${parameters.rows}", "n=20000", id="number in text"),
        pytest.param("${parameters.dry}/${parameters.none}", "false/null", id="words in text"),
        pytest.param("${parameters.nested.a}!", '[1,{"b":"deep"}]!', id="list in text"),
        pytest.param(" ${parameters.rows}", " 20000", id="a space makes it text"),
        pytest.param("$${parameters.rows}", "${parameters.rows}", id="escaped"),
        pytest.param("a $${x} ${parameters.name}", "a ${x} db", id="escaped beside a path"),
        pytest.param("$$${parameters.rows}", "$${parameters.rows}", id="dollar before an escape"),
        pytest.param("$${${parameters.name}", "${db", id="an escape before an expression"),
        pytest.param("cost: 5$", "cost: 5$", id="a dollar alone"),
        pytest.param("$(shell) {brace}", "$(shell) {brace}", id="no expression at all"),
        pytest.param({"k": ["${parameters.name}"]}, {"k": ["db"]}, id="inside lists and objects"),
        pytest.param({"${parameters.name}": 1}, {"${parameters.name}": 1}, id="keys stay"),
        pytest.param(7, 7, id="a number stays"),
        pytest.param("", "", id="an empty text stays"),
        pytest.param("${parameters.evil}", "${parameters.name}", id="values are not looked into"),
        pytest.param("x${parameters.evil}", "x${parameters.name}", id="nor inside text"),
    ],
)
def test_expressions_are_replaced(value: Any, result: Any) -> None:
    assert filled(value) == result


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ab ${parameters.rows", "${ at character 4 is not closed by }"),
        ("${'}", "${'}: the string that begins at character 1 is not closed"),
        ("${" + "1 + " * 300 + "1}", "${ at character 1 is not closed by } within 1,024"),
        ("${}", "${}: there is no expression; write a path such as parameters.NAME"),
        ("x ${HOME}", "${HOME}: it must begin with one of parameters, tasks"),
        ("${oops()}", "${oops()}: there is no function oops()"),
        ("${parameters.gone}", "${parameters.gone}: there is no 'gone' in it"),
        ("${parameters.rows[0]}", "${parameters.rows[0]}: there is no 0 in it"),
        ("${1 / 0}", "${1 / 0}: it divides by zero"),
    ],
)
def test_an_expression_that_gives_nothing_is_named_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        filled({"deep": [text]})
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["${HOME}", "${oops", "${a b}"])
def test_what_may_be_meant_as_text_says_how_to_write_it(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"write \$\$\{ for a literal \$\{$"):
        filled(text)


def test_references_are_found_however_deep_and_escapes_are_none() -> None:
    value = {
        "a": ["x ${parameters.rows} ${tasks.t.outputs}"],
        "b": "$${parameters.no}",
        "c": 1,
        "d": "${parameters.x + parameters.y}",
    }
    assert [str(reference) for reference in references(value)] == [
        "parameters.rows",
        "tasks.t.outputs",
        "parameters.x",
        "parameters.y",
    ]


def test_only_the_roots_of_a_place_may_be_used_in_it() -> None:
    assert list(references("${value}", ("value",)))
    with pytest.raises(ExpressionError, match="one of value, not 'item'"):
        list(references("${item}", ("value",)))


HOSTILE = st.text(alphabet="${}.'\"\\a[0]p", max_size=16) | st.sampled_from(
    ["${parameters.name}", "$${", "$", "{parameters.name}", "${'"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=6,
)


@steady(300)
@given(HOSTILE)
def test_escaped_text_resolves_to_itself(text: str) -> None:
    assert resolve(escape(text), _never) == text


@steady(300)
@given(JSON)
def test_what_an_agent_returned_stays_what_it_is(output: Any) -> None:
    values = {"phases": {"p": {"outputs": {"t": output}}}}
    assert resolve("${phases.p.outputs.t}", lambda e: e.evaluate(values)) == output


@steady(300)
@given(HOSTILE, HOSTILE)
def test_an_output_in_a_text_stands_there_as_it_is(output: str, text: str) -> None:
    values = {"phases": {"p": {"outputs": {"t": output}}}}
    template = f"{escape(text)}-${{phases.p.outputs.t}}-{escape(text)}"
    assert resolve(template, lambda e: e.evaluate(values)) == f"{text}-{output}-{text}"


@steady(500)
@given(st.text(alphabet="${}.'\"\\ap[0]+ \n", max_size=40))
def test_any_text_is_a_template_or_refused_with_a_sentence(text: str) -> None:
    found: list[str | Expression] = []
    with suppress(ExpressionError):
        found = list(parts(text))
    assert all(isinstance(part, str | Expression) for part in found)


def _never(expression: Expression) -> Any:
    raise AssertionError(expression)
