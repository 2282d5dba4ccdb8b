"""What a task returns is checked when it arrives: types, choices, patterns and rules of outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..api.values import Output
from .expressions import SMALL_COST, ExpressionError, compile_expression, condition
from .references import RULE_ROOTS
from .typed import value_problem


def broken_output(outputs: str, declared: Mapping[str, Output]) -> str:
    """Return what is wrong with outputs (JSON text of an object, or empty), or nothing."""
    if not declared:
        return ""
    values: dict[str, Any] = json.loads(outputs) if outputs else {}
    problems = (_problem(name, output, values) for name, output in declared.items())
    return next((problem for problem in problems if problem), "")


def _problem(name: str, declared: Output, values: Mapping[str, Any]) -> str:
    value = values.get(name)
    if value is None:
        return "" if declared.optional else f"output {name} is missing; the task must return it"
    problem = value_problem(value, declared)
    if problem:
        return f"output {name} {problem}"
    return _broken_rule(name, declared.rule, value, values) if declared.rule else ""


def _broken_rule(name: str, rule: str, value: Any, values: Mapping[str, Any]) -> str:
    try:
        holds = condition(
            compile_expression(rule, RULE_ROOTS),
            {"value": value, "outputs": dict(values)},
            SMALL_COST,
        )
    except ExpressionError as error:
        return f"output {name}: its rule {rule!r} cannot be evaluated: {error}"
    return "" if holds else f"output {name} is {_short(value)} and breaks its rule {rule!r}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
