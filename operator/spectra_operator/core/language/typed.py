"""Typed values: what parameters and outputs declare, and what is wrong with a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...api.values import Output, Parameter, ValueType
from ..spec.problems import shown
from ..suggestions import listed
from .expressions import ExpressionError, pattern_matches

TYPES: Mapping[ValueType, tuple[type, ...]] = {
    ValueType.STRING: (str,),
    ValueType.INTEGER: (int,),
    ValueType.NUMBER: (int, float),
    ValueType.BOOLEAN: (bool,),
    ValueType.OBJECT: (dict,),
    ValueType.ARRAY: (list,),
}


def value_problem(value: Any, declared: Parameter | Output) -> str:
    """Return what is wrong with a value that is not null, as the rest of a sentence, or nothing.

    For example: `is 7, not of type string`.
    """
    if declared.type is not None and not has_type(value, declared.type):
        return f"is {shown(value)}, not of type {declared.type}"
    if declared.enum is not None and not any(_same(value, choice) for choice in declared.enum):
        allowed = listed(shown(choice) for choice in declared.enum)
        return f"is {shown(value)}, not one of {allowed}"
    if declared.pattern is not None and isinstance(value, str):
        return _against_pattern(value, declared.pattern)
    if isinstance(declared, Parameter) and has_type(value, ValueType.NUMBER):
        return _out_of_range(value, declared)
    return ""


def has_type(value: Any, kind: ValueType) -> bool:
    """Whether a JSON value has a type; true and false are no numbers."""
    if isinstance(value, bool):
        return kind is ValueType.BOOLEAN
    if isinstance(value, float) and kind is ValueType.INTEGER:
        return value.is_integer()
    return isinstance(value, TYPES[kind])


def _same(value: Any, choice: Any) -> bool:
    """Whether two JSON values are equal; Python takes true for 1."""
    return isinstance(value, bool) == isinstance(choice, bool) and bool(value == choice)


def _against_pattern(value: str, pattern: str) -> str:
    try:
        fits = pattern_matches(pattern, value)
    except ExpressionError as error:
        return f"cannot be checked: {error}"
    return "" if fits else f"is {shown(value)} and does not match {pattern}"


def _out_of_range(value: float, declared: Parameter) -> str:
    if declared.minimum is not None and value < declared.minimum:
        return f"is {shown(value)}, less than {declared.minimum}"
    if declared.maximum is not None and value > declared.maximum:
        return f"is {shown(value)}, more than {declared.maximum}"
    return ""
