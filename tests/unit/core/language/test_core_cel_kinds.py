"""What an expression surely gives is told by its text, before it runs."""

from __future__ import annotations

import pytest

from spectra_operator.core.language.expressions import (
    compile_expression,
    condition,
    surely_gives,
)
from spectra_operator.core.language.facts import FIELDS, gives


def kind(source: str) -> str:
    """Return what is known of an expression."""
    return surely_gives(compile_expression(source), lambda reference: gives(reference, FIELDS))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 1", "an integer"),
        ("1.5", "a number"),
        ("-1", "a number"),
        ("- parameters.n", "a number"),
        ("parameters.a + parameters.b", "a sum"),
        ("parameters.a + 'x'", "a text"),
        ("parameters.a - 1 + 2", "a number"),
        ("parameters.a * parameters.b", "a number"),
        ("'text'", "a text"),
        ("null", "null"),
        ("[1, 2]", "a list"),
        ("{'a': 1}", "a map"),
        ("(1 + 1)", "an integer"),
        ("size(parameters.l)", "an integer"),
        ("parameters.l.size()", "an integer"),
        ("size(parameters.l.filter(x, x > 1))", "an integer"),
        ("parameters.l.map(x, x > 1)", "a list"),
        ("parameters.l.filter(x, x > 1)", "a list"),
        ("string(parameters.n)", "a text"),
        ("split(parameters.n, ',')", "a list"),
        ("max(parameters.l)", "a number or a text"),
        ("timestamp(parameters.t)", "a time"),
        ("timestamp(parameters.t).getFullYear()", "an integer"),
        ("parameters.n > 1 ? 1 : 'a'", "an integer or a text"),
        ("parameters.n > 1 ? 1 : parameters.n > 2 ? 2 : 3", "an integer"),
        ("workflow.name", "a text"),
        ("workflow['priority']", "an integer"),
        ("workflow", "a map"),
        ("tasks.a.state", "a text"),
        ("tasks.a-b.outputs", "what a task returned"),
        ("phases.p.outputs", "what its tasks returned"),
        ("parameters", "a map"),
    ],
)
def test_what_cannot_be_true_or_false_has_a_name(source: str, expected: str) -> None:
    assert kind(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "true",
        "!parameters.flag",
        "!!parameters.flag",
        "1 + 1 == 2",
        "size(parameters.l) > 0",
        "'a' in parameters.l",
        "-1 < parameters.n",
        "parameters.a && parameters.b",
        "parameters.a || size(parameters.l) > 0",
        "has(parameters.a.b)",
        "matches(parameters.a, 'x')",
        "parameters.a.startsWith('x')",
        "parameters.l.all(x, x > 1)",
        "(parameters.n > 1)",
        "!(1 + 1 == 2)",
    ],
)
def test_what_is_surely_boolean_is_known(source: str) -> None:
    assert kind(source) == "a boolean"


@pytest.mark.parametrize(
    "source",
    [
        "parameters.flag",
        "parameters['in']",
        "tasks.a.outputs.ok",
        "tasks.a.outputs.list[0].ok",
        "[true, false][parameters.n]",
        "[[true]][0][0]",
        "{'a': true}.a",
        "dyn(parameters.flag)",
        "(parameters.flag)",
        "parameters.n > 1 ? parameters.flag : 1",
        "parameters.n > 1 ? true : null",
        "parameters.in",
        "workflow.name.x",
    ],
)
def test_what_may_be_boolean_is_left_to_the_run(source: str) -> None:
    assert kind(source) == ""


@pytest.mark.parametrize(("joint", "times"), [("+1", 500), ("*1", 500), (" ? 1 : 1", 90)])
def test_a_long_expression_is_looked_at_without_a_deep_stack(joint: str, times: int) -> None:
    assert kind("1" + joint * times) in ("a number", "an integer")


VALUES = {"parameters": {"n": 1, "l": [1], "flag": True, "t": "x"}}


@pytest.mark.parametrize(
    "source",
    [
        "parameters.n > 0",
        "parameters.flag ? parameters.flag : 1",
        "!parameters.flag || parameters.l.exists(x, x == 1)",
        "[false, true][parameters.n]",
        "(parameters.flag)",
    ],
)
def test_no_condition_that_holds_is_taken_for_a_wrong_one(source: str) -> None:
    assert condition(compile_expression(source), VALUES)
    assert kind(source) in ("", "a boolean")
