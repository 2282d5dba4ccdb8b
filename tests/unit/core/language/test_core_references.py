"""Where expressions stand in tasks and phases, and which outputs are read through them."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import a_task
from spectra_operator.api.task import Task
from spectra_operator.api.workflow import PhaseTemplate
from spectra_operator.core.language.expressions import ExpressionError
from spectra_operator.core.language.references import (
    expressions_at,
    outputs_read,
    phase_places,
    pick,
    places,
    reads,
)


def task(**fields: Any) -> Task:
    """Return a parsed task."""
    return Task.model_validate(a_task("t", **fields))


RETRY = {"limit": 1, "rules": [{"when": "attempt.exitCode == 3", "action": "Fail"}]}


def test_every_field_with_expressions_is_a_place() -> None:
    full = task(
        when="parameters.n > 1",
        input={"a": "${parameters.x}"},
        matrix={"m": "${parameters.l}"},
        outputs={"o": {"rule": "value > 1"}, "p": {}},
        retry=RETRY,
        fallback=[{"agent": "b", "input": {"f": "${item}"}, "retry": RETRY}, {"agent": "c"}],
        compensate={"agent": "d", "input": {"c": "${task.outputs}"}, "retry": RETRY},
    )
    assert [(place.field, place.kind) for place in places(full)] == [
        ("when", "condition"),
        ("input.a", "template"),
        ("matrix.m", "template"),
        ("outputs.o.rule", "condition"),
        ("retry.rules[0].when", "condition"),
        ("fallback[0].input.f", "template"),
        ("fallback[0].retry.rules[0].when", "condition"),
        ("compensate.input.c", "template"),
        ("compensate.retry.rules[0].when", "condition"),
    ]
    assert all(list(expressions_at(place)) for place in places(full))
    assert [p.field for p in places(task(for_each="${parameters.l}"))] == ["forEach"]
    assert list(places(task())) == []


def test_a_phase_has_places_beside_its_tasks() -> None:
    phase = PhaseTemplate.model_validate(
        {
            "name": "p",
            "when": "parameters.n > 1",
            "parameters": {"a": "${phases.x.outputs}"},
            "tasks": [a_task()],
            "fallback": {"parameters": {"b": 1}, "tasks": [a_task()]},
        }
    )
    assert [place.field for place in phase_places(phase)] == [
        "when",
        "parameters.a",
        "fallback.parameters.b",
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"when": "item == 1"},
        {"for_each": "${index}"},
        {"outputs": {"o": {"rule": "parameters.x > 1"}}},
        {"retry": {"rules": [{"when": "value", "action": "Retry"}]}},
    ],
)
def test_a_place_has_roots_of_its_own(fields: dict[str, Any]) -> None:
    (place,) = places(task(**fields))
    assert reads(place) == []
    with pytest.raises(ExpressionError):
        list(expressions_at(place))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("${phases.p.outputs.a.x}", {"p": {"a"}}),
        ("${phases.p.outputs.a.x + phases.p.outputs['b'].y}", {"p": {"a", "b"}}),
        ("${phases.p.outputs.a} ${phases.q.outputs.a}", {"p": {"a"}, "q": {"a"}}),
        ("${phases.p.outputs}", {"p": None}),
        ("${phases.p.outputs} ${phases.p.outputs.a}", {"p": None}),
        ("${phases.p.outputs[parameters.name]}", {"p": None}),
        ("${phases.p}", {"p": None}),
        ("${phases.p.state}", {"p": set()}),
        ("${phases.p.state} ${phases.p.outputs.a}", {"p": {"a"}}),
        ("${tasks.a.outputs} $${phases.p.outputs}", {}),
    ],
)
def test_only_outputs_that_are_read_are_wanted(text: str, read: dict[str, Any]) -> None:
    found: dict[str, Any] = dict(outputs_read([task(input={"v": [text]}), task()]))
    assert found == read


def test_conditions_read_outputs_too() -> None:
    assert outputs_read([task(when="phases.p.outputs.a.n > 1")]) == {"p": frozenset({"a"})}


def test_what_is_wanted_is_picked() -> None:
    assert pick({"a": 1, "b": 2}, frozenset({"a", "c"})) == {"a": 1}
    assert pick({"a": 1, "b": 2}, None) == {"a": 1, "b": 2}
