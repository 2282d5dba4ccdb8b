"""What a task returns is checked when it arrives: types, choices, patterns and rules of outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...api.values import Output
from ..language.expressions import SMALL_COST, ExpressionError, compile_expression, condition
from ..language.references import RULE_ROOTS
from ..language.typed import value_problem
from ..spec.problems import shown

_REFERENCE = frozenset({"$workspace", "bytes", "sha256"})
"""Fields of what stands in the place of a value that lies in the workspace."""


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
    if isinstance(value, dict) and value.keys() == _REFERENCE:
        return _unreadable(name, declared)
    problem = value_problem(value, declared)
    if problem:
        return f"output {name} {problem}"
    return _broken_rule(name, declared.rule, value, values) if declared.rule else ""


def _unreadable(name: str, declared: Output) -> str:
    """Return why a value in the workspace, of which only the size is known, cannot be checked."""
    asked = [field for field in ("enum", "pattern", "rule") if getattr(declared, field) is not None]
    if not asked:
        return ""
    return (
        f"output {name} was too large for the result and lies in the workspace, where its "
        f"{asked[0]} cannot be checked; return less, or leave out {asked[0]}"
    )


def _broken_rule(name: str, rule: str, value: Any, values: Mapping[str, Any]) -> str:
    try:
        holds = condition(
            compile_expression(rule, RULE_ROOTS),
            {"value": value, "outputs": dict(values)},
            SMALL_COST,
        )
    except ExpressionError as error:
        return f"output {name}: its rule {rule!r} cannot be evaluated: {error}"
    return "" if holds else f"output {name} is {shown(value)} and breaks its rule {rule!r}"
