"""Expressions: what stands in `${...}` and in conditions. A path, or CEL.

An expression that is nothing but a path is followed step by step, and null anywhere in it gives
null. All else is CEL, with bounds on its text, on the values that it reads and on its cost.
docs/expressions.md tells users what they may write.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from ...api.constants import MAX_EXPRESSION
from .cel_functions import descend, name_of
from .cel_kinds import BOOLEAN, TypeOf, kind_of
from .cel_run import MAX_COST, SMALL_COST, Run
from .cel_text import ExpressionError, Reference, Token, chain_at, plain_path, tokens
from .cel_units import Scope, Unit, compile_source, compile_unit
from .cel_words import NotCelError
from .patterns import check_pattern, pattern_matches

__all__ = [
    "BOOLEAN",
    "ROOTS",
    "SMALL_COST",
    "Expression",
    "ExpressionError",
    "Reference",
    "check_pattern",
    "compile_expression",
    "condition",
    "pattern_matches",
    "surely_gives",
]

ROOTS = ("parameters", "tasks", "phases", "item", "index", "workflow", "phase", "task")
"""Roots that expressions of a task may use."""
MAX_RESULT = 100_000
"""Characters of what CEL gives, as JSON."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression and what it reads, in the order of its text."""

    source: str
    references: tuple[Reference, ...]
    _unit: Unit | None = field(default=None, repr=False, compare=False)

    @property
    def is_path(self) -> bool:
        """Whether it is nothing but a path."""
        return self._unit is None

    def roots_and_names(self) -> dict[str, frozenset[str] | None]:
        """Return which entries of each root it reads by name; None for all of the root."""
        found: dict[str, frozenset[str] | None] = {}
        for reference in self.references:
            before = found.get(reference.root, frozenset())
            name = reference.steps[1] if len(reference.steps) > 1 else None
            whole = before is None or not isinstance(name, str)
            found[reference.root] = None if whole else (before or frozenset()) | {str(name)}
        return found

    def evaluate(self, values: Mapping[str, Any], budget: int = MAX_COST) -> Any:
        """Return what the expression gives: dict, list, str, int, float, bool or None.

        `values` has the roots; entries that the expression does not name may be missing. `budget`
        is what the evaluation may cost, see `cel_run`.

        Raises:
            ExpressionError: it gives nothing; the message is one sentence.
        """
        if self._unit is None:
            return _follow(self.references[0], values)
        result = _as_json(Run(values, budget).run(self._unit))
        size = len(json.dumps(result, separators=(",", ":")))
        if size > MAX_RESULT:
            raise ExpressionError(f"it gives {size} characters, at most {MAX_RESULT} can be used")
        return result


@lru_cache(maxsize=4096)
def compile_expression(source: str, roots: tuple[str, ...] = ROOTS) -> Expression:
    """Compile what stands in `${...}`, or a condition.

    Raises:
        ExpressionError: it is neither a path nor CEL, is too large, or uses an unknown root.
    """
    source = source.strip()
    steps = plain_path(source)
    if steps is not None:
        return _path(source, steps, roots)
    found = tokens(source)
    if found[0].kind == "name":
        chain = chain_at(found, 0)
        if chain.end == len(found) and plain_path(str(chain.steps[0])):
            return _path(source, chain.steps, roots)
    unit = _unit(source, found, roots)
    return Expression(source, tuple(dict.fromkeys(unit.all_references())), unit)


def condition(expression: Expression, values: Mapping[str, Any], budget: int = MAX_COST) -> bool:
    """Return whether a condition holds; `budget` is what its evaluation may cost.

    Raises:
        ExpressionError: it gives nothing, or no boolean.
    """
    result = expression.evaluate(values, budget)
    if not isinstance(result, bool):
        raise ExpressionError(f"it gives {name_of(result)}, not true or false")
    return result


def surely_gives(expression: Expression, type_of: TypeOf) -> str:
    """Return what an expression gives whatever it reads, as a sentence says it; or nothing.

    `type_of` says what a path gives, as far as that is known.
    """
    if expression.is_path:
        return type_of(expression.references[0])
    return kind_of(tokens(expression.source), type_of)


def _unit(source: str, found: list[Token], roots: tuple[str, ...]) -> Unit:
    """Compile tokens; where the library cannot, it is asked for the place in the source itself."""
    try:
        unit = compile_unit(found, Scope(roots))
    except NotCelError:
        compile_source(source)
        raise
    compile_source(source)
    return unit


def _path(source: str, steps: tuple[str | int, ...], roots: tuple[str, ...]) -> Expression:
    if len(source) > MAX_EXPRESSION:
        raise ExpressionError(
            f"the path has {len(source)} characters, at most {MAX_EXPRESSION} are allowed"
        )
    root = str(steps[0])
    if root not in roots:
        raise ExpressionError(f"it must begin with one of {', '.join(roots)}, not {root!r}")
    if root in ("tasks", "phases") and not (len(steps) > 1 and isinstance(steps[1], str)):
        raise ExpressionError(f"name the {root[:-1]} literally, as in {root}.NAME.outputs")
    return Expression(source, (Reference(steps),))


def _follow(reference: Reference, values: Mapping[str, Any]) -> Any:
    if reference.root not in values:
        raise ExpressionError(f"{reference.root} is not known here")
    value: Any = values
    for step in reference.steps:
        if value is None:
            return None
        try:
            value = descend(value, step)
        except LookupError:
            raise ExpressionError(f"there is no {step!r} in it") from None
    return value


def _as_json(value: Any) -> Any:
    """Maps come from the library in no fixed order; the result must be the same each time."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return _map(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"
    raise ExpressionError("it gives something that JSON cannot hold; convert it with string()")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ExpressionError("it gives a number that is infinite or undefined")
    return value


def _map(value: dict[Any, Any]) -> dict[str, Any]:
    if not all(isinstance(key, str) for key in value):
        raise ExpressionError("it gives a map with keys that are no text; convert with string()")
    return {key: _as_json(value[key]) for key in sorted(value)}
