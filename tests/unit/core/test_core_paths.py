"""`${...}` paths: what is one, what they become, and that text from agents stays text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.paths import Path, PathError, freeze, lookup, parse, references, resolve
from unit.core.core_settings import steady

PARAMETERS = {
    "rows": 20000,
    "rate": 0.5,
    "dry": False,
    "name": "db",
    "none": None,
    "nested": {"a": [1, {"b": "deep"}]},
    "evil": "${parameters.name}",
}


def resolver(path: Path) -> Any:
    """Return values for tests: parameters, and for other roots the path itself."""
    return lookup(path, PARAMETERS, 1) if path.root == "parameters" else f"<{path}>"


def filled(value: Any) -> Any:
    """Return a value with its paths replaced."""
    return resolve(value, resolver)


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        ("parameters.rows", ("parameters", "rows")),
        (" parameters.rows ", ("parameters", "rows")),
        ("tasks.load-1.outputs.x_y", ("tasks", "load-1", "outputs", "x_y")),
        ("tasks.load.outputs[3].x", ("tasks", "load", "outputs", 3, "x")),
        ("phases.a.outputs.b.c[0][1]", ("phases", "a", "outputs", "b", "c", 0, 1)),
        ("parameters.7", ("parameters", "7")),
    ],
)
def test_a_path_is_a_root_and_steps(source: str, steps: tuple[str | int, ...]) -> None:
    assert parse(source).steps == steps
    assert parse(str(parse(source))) == parse(source)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "is not a path"),
        ("parameters.", "is not a path"),
        ("parameters..x", "is not a path"),
        (".x", "is not a path"),
        ("parameters.x[y]", "is not a path"),
        ("parameters.x[-1]", "is not a path"),
        ("parameters.x[999999]", "is not a path"),
        ("parameters.x | upper", "is not a path"),
        ("1 + 1", "is not a path"),
        ("env.HOME", "must begin with one of parameters, tasks, phases"),
        ("parameters", "must have 2 to 16 steps"),
        ("parameters" + ".x" * 16, "must have 2 to 16 steps"),
    ],
)
def test_what_is_no_path_is_refused_with_the_reason(source: str, why: str) -> None:
    with pytest.raises(PathError, match=why):
        parse(source)


@pytest.mark.parametrize(
    ("value", "result"),
    [
        pytest.param("${parameters.rows}", 20000, id="number"),
        pytest.param("${parameters.rate}", 0.5, id="fraction"),
        pytest.param("${parameters.dry}", False, id="boolean"),
        pytest.param("${parameters.none}", None, id="null"),
        pytest.param("${parameters.nested}", {"a": [1, {"b": "deep"}]}, id="object"),
        pytest.param("${parameters.nested.a[1].b}", "deep", id="element of a list"),
        pytest.param("n=${parameters.rows}", "n=20000", id="number in text"),
        pytest.param("${parameters.dry}/${parameters.none}", "false/null", id="words in text"),
        pytest.param("${parameters.nested.a}!", '[1,{"b":"deep"}]!', id="list in text"),
        pytest.param(" ${parameters.rows}", " 20000", id="a space makes it text"),
        pytest.param("$${parameters.rows}", "${parameters.rows}", id="escaped"),
        pytest.param("a $${x} ${parameters.name}", "a ${x} db", id="escaped beside a path"),
        pytest.param("$$${parameters.rows}", "$${parameters.rows}", id="dollar before an escape"),
        pytest.param("${$}${parameters.name}", "$db", id="a dollar before a path"),
        pytest.param("${$}", "$", id="only a dollar"),
        pytest.param("cost: 5$", "cost: 5$", id="a dollar alone"),
        pytest.param("${unclosed", "${unclosed", id="not closed"),
        pytest.param("$(shell) {brace}", "$(shell) {brace}", id="no path at all"),
        pytest.param({"k": ["${parameters.name}"]}, {"k": ["db"]}, id="inside lists and objects"),
        pytest.param({"${parameters.name}": 1}, {"${parameters.name}": 1}, id="keys stay"),
        pytest.param(7, 7, id="a number stays"),
        pytest.param("${parameters.evil}", "${parameters.name}", id="values are not looked into"),
        pytest.param("x${parameters.evil}", "x${parameters.name}", id="nor inside text"),
    ],
)
def test_paths_are_replaced(value: Any, result: Any) -> None:
    assert filled(value) == result


@pytest.mark.parametrize(
    "source",
    ["parameters.gone", "parameters.name.x", "parameters.nested.a[2]", "parameters.rows[0]"],
)
def test_a_path_to_nothing_names_the_path_and_the_step(source: str) -> None:
    with pytest.raises(PathError, match="there is no") as caught:
        filled(f"${{{source}}}")
    assert f"${{{source}}}" in str(caught.value)


def test_references_are_found_however_deep_and_escapes_are_none() -> None:
    value = {
        "a": ["x ${parameters.rows} ${tasks.t.outputs}"],
        "b": "$${parameters.no} ${$}",
        "c": 1,
    }
    assert [str(path) for path in references(value)] == ["parameters.rows", "tasks.t.outputs"]


def test_a_malformed_reference_is_refused() -> None:
    with pytest.raises(PathError, match=r"\$\{oops\(\)\} is not a path"):
        list(references(["${oops()}"]))


def frozen(value: Any, output: Any) -> Any:
    """Return a value in which every `phases` path gives the same output."""
    return freeze(value, lambda _: output)


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("${phases.a.outputs.t.n}", 5),
        ("n=${phases.a.outputs.t.n}", "n=5"),
        ("${parameters.rows}", "${parameters.rows}"),
        ("${tasks.t.outputs.x} ${phases.a.outputs.t.n}", "${tasks.t.outputs.x} 5"),
        ("$${phases.a.outputs.t.n}", "$${phases.a.outputs.t.n}"),
        ("${$}", "${$}"),
        ({"k": ["${phases.a.outputs.t.n}"]}, {"k": [5]}),
    ],
)
def test_only_paths_into_phases_are_frozen(value: Any, result: Any) -> None:
    assert frozen(value, 5) == result


@pytest.mark.parametrize(
    "output",
    [
        "${parameters.name}",
        "$${parameters.name}",
        "$",
        "$$",
        "a${",
        {"k": ["${parameters.name}", {"d": "${tasks.t.outputs}"}]},
        ["$${$}"],
    ],
)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${phases.a.outputs.t}", "{}"),
        ("x ${phases.a.outputs.t} y", "x {} y"),
        ("${phases.a.outputs.t}${parameters.name}", "{}db"),
        ("${phases.a.outputs.t}{parameters.name}", "{}{{parameters.name}}"),
        ("${phases.a.outputs.t}${phases.a.outputs.t}", "{}{}"),
        ("$${${phases.a.outputs.t}}", "${{{}}}"),
    ],
)
def test_what_an_agent_returned_stays_text_in_a_later_phase(
    value: str, expected: str, output: Any
) -> None:
    result = filled(frozen(value, output))
    if expected == "{}":
        assert result == output
    else:
        shown = output if isinstance(output, str) else _compact(output)
        assert result == expected.format(*[shown] * 2)


def _compact(value: Any) -> str:
    return str(filled(freeze("${phases.a.outputs.t}!", lambda _: value)))[:-1]


HOSTILE = st.text(alphabet="${}.a[0]p", max_size=12) | st.sampled_from(
    ["${parameters.name}", "$${", "$", "${$}", "{parameters.name}"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=6,
)


@steady(300)
@given(JSON)
def test_any_output_survives_being_frozen_and_resolved(output: Any) -> None:
    assert filled(frozen("${phases.a.outputs.t}", output)) == output


@steady(300)
@given(st.lists(HOSTILE, min_size=1, max_size=3), st.lists(st.integers(0, 3), max_size=4))
def test_any_mixture_of_outputs_and_text_comes_out_as_it_was_meant(
    outputs: list[str], kinds: list[int]
) -> None:
    """Outputs, a parameter, an escape and text in any order, each as it should be read."""
    pieces = [
        ("${parameters.name}", "db"),
        ("$${x}", "${x}"),
        ("{parameters.name}", "{parameters.name}"),
    ]
    template, meant = "-", "-"
    for place, kind in enumerate(kinds):
        if kind == 3:
            value = outputs[place % len(outputs)]
            written, read = f"${{phases.a.outputs.o{place % len(outputs)}}}", value
        else:
            written, read = pieces[kind]
        template, meant = template + written, meant + read
    result = freeze(template, lambda path: outputs[int(str(path.steps[3])[1:])])
    assert filled(result) == meant
