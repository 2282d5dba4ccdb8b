from __future__ import annotations

from typing import Any

import pytest

from builders.specs import a_parameter
from kubectl_spectra import values
from kubectl_spectra.errors import UsageProblem


def test_pairs_keep_the_value_as_it_is_written() -> None:
    assert values.pairs(["a=1", "b=x=y", "c="], "-p") == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize("text", ["novalue", "=3"])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match=r"-p .*: write name=value"):
        values.pairs([text], "-p")


def test_a_name_that_comes_twice_is_refused() -> None:
    with pytest.raises(UsageProblem, match="--output a: is given twice"):
        values.pairs(["a=1", "a=2"], "--output")


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("true", True), ('{"a": 1}', {"a": 1}), ("plain", "plain"), ("01", "01"), ("", "")],
)
def test_an_output_is_json_or_else_a_string(text: str, value: Any) -> None:
    assert values.as_json(text) == value


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("5", "string", "5"),
        ("5", "integer", 5),
        ("true", "boolean", True),
        ("[1, 2]", "array", [1, 2]),
        ("a: 1", "object", {"a": 1}),
    ],
)
def test_a_parameter_is_read_as_the_type_that_it_declares(text: str, kind: str, value: Any) -> None:
    (declared,) = values.with_values([a_parameter("x", "old", kind)], {"x": text})

    assert declared == {"name": "x", "type": kind, "value": value}


def test_a_value_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UsageProblem, match=r"-p x: .* is no object; write it as in YAML"):
        values.with_values([a_parameter("x", {}, "object")], {"x": "{"})


def test_parameters_that_are_not_given_stay() -> None:
    declared = [a_parameter("x", 1, "integer"), {"name": "y", "default": "z"}]

    assert values.with_values(declared, {}) == declared
    assert values.with_values(declared, {"x": "2"})[1] == {"name": "y", "default": "z"}


def test_an_unknown_parameter_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageProblem, match="-p z: is not a parameter; there are: x, y"):
        values.with_values([{"name": "x"}, {"name": "y"}], {"z": "1"})
    with pytest.raises(UsageProblem, match="the workflow declares none"):
        values.with_values([], {"z": "1"})
