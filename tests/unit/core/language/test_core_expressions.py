"""Expressions: paths and CEL, what they give and what they read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from spectra_operator.core.language.expressions import (
    ExpressionError,
    compile_expression,
    condition,
)

VALUES: Mapping[str, Any] = {
    "parameters": {
        "rows": 3,
        "rate": 1.5,
        "name": "db",
        "none": None,
        "list": [1, 2, 3],
        "map": {"b": 1, "a": {"c": 2}},
        "huge": 2**63,
    },
    "tasks": {
        "my-task": {"outputs": {"x": 1}, "state": "Succeeded"},
        "failed": {"outputs": None, "state": "Failed"},
        "many": {"outputs": [{"n": 4}, None, {"n": 6}], "state": "Succeeded"},
    },
    "item": {"region": "eu"},
    "index": 2,
    "workflow": {"name": "flow", "namespace": "team"},
}


def given(source: str, values: Mapping[str, Any] = VALUES) -> Any:
    """Return what an expression gives."""
    return compile_expression(source).evaluate(values)


def read(source: str) -> list[str]:
    """Return what an expression reads."""
    return [str(reference) for reference in compile_expression(source).references]


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        ("parameters.rows", ("parameters", "rows")),
        (" parameters.rows ", ("parameters", "rows")),
        ("tasks.load-1.outputs.x_y", ("tasks", "load-1", "outputs", "x_y")),
        ("tasks.load.outputs[3].x", ("tasks", "load", "outputs", 3, "x")),
        ("phases.a.outputs.b.c[0][1]", ("phases", "a", "outputs", "b", "c", 0, 1)),
        ("parameters.7", ("parameters", "7")),
        ("tasks['load-1'].outputs", ("tasks", "load-1", "outputs")),
        ('tasks["a b"].outputs', ("tasks", "a b", "outputs")),
        ("index", ("index",)),
    ],
)
def test_a_path_is_a_root_and_steps(source: str, steps: tuple[str | int, ...]) -> None:
    expression = compile_expression(source)
    (reference,) = expression.references
    assert expression.is_path
    assert reference.steps == steps
    assert compile_expression(str(reference)).references == (reference,)


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("parameters.rows", 3),
        ("tasks.my-task.outputs.x", 1),
        ("tasks['my-task'].outputs.x", 1),
        ("tasks.many.outputs[2].n", 6),
        ("item.region", "eu"),
        ("index", 2),
        ("parameters.huge", 2**63),
    ],
)
def test_a_path_gives_what_stands_there(source: str, result: Any) -> None:
    assert given(source) == result


@pytest.mark.parametrize(
    "source",
    [
        "parameters.none",
        "parameters.none.x.y",
        "tasks.failed.outputs.x",
        "tasks.failed.outputs[0].x",
        "tasks.many.outputs[1].n",
        "tasks['failed'].outputs.x",
    ],
)
def test_a_path_through_null_gives_null(source: str) -> None:
    assert given(source) is None


@pytest.mark.parametrize(
    ("source", "result"),
    [
        pytest.param("parameters.rows > 2", True, id="compare"),
        pytest.param("parameters.rows > 2.5", True, id="compare integer and number"),
        pytest.param("parameters.rows * 2 - 1", 5, id="arithmetic"),
        pytest.param("double(parameters.rows) + parameters.rate", 4.5, id="convert"),
        pytest.param("parameters.rows == 3 ? 'a' : 'b'", "a", id="choose"),
        pytest.param("'x-' + parameters.name", "x-db", id="join texts"),
        pytest.param("[0] + parameters.list", [0, 1, 2, 3], id="join lists"),
        pytest.param("2 in parameters.list", True, id="in a list"),
        pytest.param("'a' in parameters.map", True, id="in a map"),
        pytest.param("{'z': 1, 'a': [parameters.rows]}", {"z": 1, "a": [3]}, id="make a map"),
        pytest.param("tasks['my-task'].outputs.x + 1", 2, id="a name with a dash"),
        pytest.param("parameters.rows - 1", 2, id="a minus with spaces"),
        pytest.param("tasks.failed.outputs == null", True, id="ask for null"),
        pytest.param("has(tasks.failed.outputs.x)", False, id="has through null"),
        pytest.param("has(tasks.failed.outputs.x.y)", False, id="has far through null"),
        pytest.param("has(parameters.map.a.c)", True, id="has"),
        pytest.param("has(parameters['map'].a)", True, id="has with quotes"),
        pytest.param("has(parameters.none)", True, id="has of null that is there"),
        pytest.param("has(item.gone) && item.gone > 1", False, id="guarded by has"),
        pytest.param("workflow.namespace + '/' + workflow.name", "team/flow", id="reserved words"),
        pytest.param("timestamp('2024-01-01T00:00:00Z')", "2024-01-01T00:00:00Z", id="timestamp"),
        pytest.param("duration('90m') + duration('1.5s')", "5401.5s", id="duration"),
        pytest.param("type(parameters.rows)", "int", id="type"),
        pytest.param(r"r'\d' + '\\'", "\\d\\", id="raw and escaped texts"),
    ],
)
def test_cel_gives_values_of_json(source: str, result: Any) -> None:
    assert given(source) == result


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("parameters.list.map(x, x * 2)", [2, 4, 6]),
        ("parameters.list.map(x, x > 1, x * 2)", [4, 6]),
        ("parameters.list.filter(x, x > 1)", [2, 3]),
        ("parameters.list.all(x, x > 0)", True),
        ("parameters.list.exists(x, x > 3)", False),
        ("parameters.list.exists_one(x, x > 2)", True),
        ("parameters.map.map(k, k)", ["a", "b"]),
        ("parameters.map.filter(k, k != 'a')", ["b"]),
        (
            "parameters.list.map(x, parameters.list.map(y, x * y))",
            [[1, 2, 3], [2, 4, 6], [3, 6, 9]],
        ),
        ("parameters.list.map(x, x + 1).filter(x, x > 2).size()", 2),
        ("[[1], [2, 3]].exists(l, l.exists(x, x == parameters.rows))", True),
        ("tasks.many.outputs.filter(o, o != null).map(o, o.n)", [4, 6]),
        ("tasks.many.outputs.all(o, has(o.n))", False),
        ("[].all(x, 1 / x > 0)", True),
        ("[1, 0].exists(x, 1 / x > 0)", True),
    ],
)
def test_macros_go_through_lists_and_maps_in_order(source: str, result: Any) -> None:
    assert given(source) == result


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("matches(parameters.name, '^d')", True),
        ("parameters.name.matches('^b')", False),
        ("json(parameters.map)", '{"a":{"c":2},"b":1}'),
        ("sum(parameters.list)", 6),
        ("parameters.list.map(x, double(x) / 2.0).sum()", 3.0),
        ("min(parameters.list) + max(parameters.list)", 4),
        ("max(['b', 'a'])", "b"),
        ("join(['a', 'b'], '-')", "a-b"),
        ("'a,b'.split(',')", ["a", "b"]),
        ("size('é') + 'é'.size()", 2),
        ("size(parameters.list) + parameters.map.size()", 5),
        ("'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('c')", True),
        ("int('7') + int(1.9)", 8),
        ("string(1.5)", "1.5"),
    ],
)
def test_functions(source: str, result: Any) -> None:
    assert given(source) == result


@pytest.mark.parametrize(
    ("source", "references"),
    [
        ("1 + 1", []),
        ("parameters.a + parameters.a", ["parameters.a"]),
        ("tasks['my-task'].outputs.x[0] > index", ["tasks.my-task.outputs.x[0]", "index"]),
        ("tasks.a.outputs.x.size()", ["tasks.a.outputs.x"]),
        ("tasks.a.outputs[index]", ["tasks.a.outputs", "index"]),
        ("tasks.a.outputs['b c'].d + 1", ["tasks.a.outputs['b c'].d"]),
        (
            "parameters.l.map(x, x.parameters + tasks.a.outputs.y)",
            ["parameters.l", "tasks.a.outputs.y"],
        ),
        ("has(phases.p.outputs.t) ? 1 : 2", ["phases.p.outputs.t"]),
        ("{'tasks': 'tasks.a'}.tasks", []),
        ("parameters.list.map(x, [x].exists(y, y == item))", ["parameters.list", "item"]),
    ],
)
def test_what_cel_reads_is_known_before_it_runs(source: str, references: list[str]) -> None:
    assert read(source) == references


def test_an_expression_says_which_entries_of_which_root_it_reads() -> None:
    expression = compile_expression("tasks.a.outputs.x > tasks.b.outputs.y + index")
    assert expression.roots_and_names() == {"tasks": frozenset({"a", "b"}), "index": None}
    assert compile_expression("parameters.a in parameters").roots_and_names() == {
        "parameters": None
    }


def test_entries_that_are_not_read_need_not_be_there() -> None:
    assert given("tasks.a.outputs.x + 1", {"tasks": {"a": {"outputs": {"x": 1}}}}) == 2


def test_callers_choose_the_roots() -> None:
    assert compile_expression("value > 1", ("value",)).evaluate({"value": 2}) is True
    with pytest.raises(ExpressionError, match="no 'parameters' here; use one of value, outputs"):
        compile_expression("parameters.n > 1", ("value", "outputs"))


def test_a_condition_is_true_or_false() -> None:
    assert condition(compile_expression("parameters.rows > 2"), VALUES)
    assert not condition(compile_expression("parameters.rows > 3"), VALUES)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("parameters.rows", "an integer"),
        ("parameters.none", "null"),
        ("'true'", "a text"),
        ("[true]", "a list"),
        ("{'a': true}", "a map"),
        ("1.5", "a number"),
    ],
)
def test_a_condition_that_is_neither_says_what_it_is(source: str, what: str) -> None:
    with pytest.raises(ExpressionError, match=f"it gives {what}, not true or false"):
        condition(compile_expression(source), VALUES)
