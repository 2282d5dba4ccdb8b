"""Conditions of an analysis: true, false, or inconclusive.

All that they read is a number, so whole numbers in their text are read as such too: CEL by
itself would refuse `2 * stable.costPerTask`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from ..language.cel_text import tokens
from ..language.expressions import (
    SMALL_COST,
    Expression,
    ExpressionError,
    compile_expression,
    condition,
)
from .stats import Figures

FIGURES = ("failureRatio", "p50Seconds", "p95Seconds", "costPerTask", "attempts", "losses")
ROOTS = (*FIGURES, "stable")
"""What conditions of an analysis may read."""
VALUE = ("value",)
"""What the condition of a query may read."""

_SAMPLES = (0.5, 3.25)


class Verdict(StrEnum):
    """What came of a condition, or of several. Error: who was asked could not answer."""

    PASSED = "Passed"
    FAILED = "Failed"
    ERROR = "Error"
    INCONCLUSIVE = "Inconclusive"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict and why; of a condition that passed there is nothing to say."""

    verdict: Verdict
    text: str = ""


PASSED = Finding(Verdict.PASSED)


@lru_cache(maxsize=1024)
def compile_condition(source: str, roots: tuple[str, ...] = ROOTS) -> Expression:
    """Compile a condition over numbers.

    Raises:
        ExpressionError: it is no CEL, or reads what is not there.
    """
    text, place = [], 0
    for token in tokens(source):
        text.append(source[place : token.start])
        whole = token.kind == "number" and token.text.isdigit()
        text.append(f"{token.text}.0" if whole else token.text)
        place = token.end
    compiled = compile_expression("".join(text), roots)
    for reference in compiled.references:
        steps = reference.steps
        if steps[0] == "stable" and (len(steps) != 2 or steps[1] not in FIGURES):
            raise ExpressionError(f"{reference}: read one of stable.{', stable.'.join(FIGURES)}")
    return compiled


def is_relative(source: str) -> bool:
    """Whether a condition compares with the stable revision; false for one that is broken."""
    try:
        return any(each.root == "stable" for each in compile_condition(source).references)
    except ExpressionError:
        return False


def look(source: str, own: Figures, stable: Figures | None) -> Finding:
    """Return what comes of one condition; `stable` is None where there is no such revision."""
    values: dict[str, Any] = {**own, "stable": stable or {}}
    try:
        return _find(source, compile_condition(source), values)
    except ExpressionError as error:
        return Finding(Verdict.INCONCLUSIVE, f"{source}: {error}")


def look_at_value(source: str, value: float | None) -> Finding:
    """Return what comes of the condition of a query."""
    try:
        return _find(source, compile_condition(source, VALUE), {"value": value})
    except ExpressionError as error:
        return Finding(Verdict.INCONCLUSIVE, f"{source}: {error}")


def never_decides(source: str, roots: tuple[str, ...] = ROOTS) -> str:
    """Return why a condition is neither true nor false whatever the numbers are; empty if it is.

    What is wrong about types is wrong for any two numbers, all else hardly for both.

    Raises:
        ExpressionError: it is no CEL, or reads what is not there.
    """
    expression, wrong = compile_condition(source, roots), []
    for number in _SAMPLES:
        values = dict.fromkeys(roots, number) | {"stable": dict.fromkeys(FIGURES, number)}
        try:
            condition(expression, values, SMALL_COST)
        except ExpressionError as error:
            wrong.append(str(error))
    return wrong[0] if len(wrong) == len(_SAMPLES) else ""


def together(findings: Iterable[Finding]) -> Finding:
    """Return the worst of several; none at all have passed."""
    found = list(findings)
    for verdict in (Verdict.FAILED, Verdict.ERROR, Verdict.INCONCLUSIVE):
        texts = [each.text for each in found if each.verdict is verdict]
        if texts:
            return Finding(verdict, "; ".join(texts))
    return PASSED


def _find(source: str, expression: Expression, values: Mapping[str, Any]) -> Finding:
    read = {str(each): _value(each.steps, values) for each in expression.references}
    missing = [name for name, value in read.items() if value is None]
    if missing:
        return Finding(Verdict.INCONCLUSIVE, f"{source}: {', '.join(missing)} is not known")
    if condition(expression, values, SMALL_COST):
        return PASSED
    shown = ", ".join(f"{name} is {value:.4g}" for name, value in read.items())
    return Finding(Verdict.FAILED, f"{source} does not hold: {shown}")


def _value(steps: tuple[str | int, ...], values: Mapping[str, Any]) -> Any:
    value: Any = values
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
