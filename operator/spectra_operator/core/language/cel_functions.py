"""Functions that expressions may call, and how much a value weighs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .cel_text import ExpressionError
from .patterns import pattern_matches, pattern_size

NATIVE = frozenset(
    {
        *("contains", "startsWith", "endsWith", "string", "int", "uint", "double"),
        *("timestamp", "duration", "type", "dyn"),
        *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
    }
)
"""Functions of the CEL library."""
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_CHARACTERS = 32


def weight(value: Any) -> int:
    """Return how much it costs to copy a value: 1 for each entry and for each 32 characters."""
    total = 0
    rest = [value]
    while rest:
        item = rest.pop()
        total += 1
        if isinstance(item, str):
            total += len(item) // _CHARACTERS
        elif isinstance(item, Mapping):
            total += sum(1 + len(key) // _CHARACTERS for key in item if isinstance(key, str))
            rest.extend(item.values())
        elif isinstance(item, list):
            rest.extend(item)
    return total


def _matches(text: Any, pattern: Any) -> bool:
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise ExpressionError("matches() takes a text and a pattern")
    return pattern_matches(pattern, text)


def _size(value: Any) -> int:
    if not isinstance(value, str | list | Mapping):
        raise ExpressionError(f"size() takes a text, a list or a map, not {name_of(value)}")
    return len(value)


def descend(value: Any, step: str | int) -> Any:
    """Return what a step of a path leads to.

    Raises:
        LookupError: nothing.
    """
    if isinstance(value, Mapping):
        return value[step]
    if isinstance(value, list) and isinstance(step, int):
        return value[step]
    raise LookupError(step)


def _has(value: Any, steps: list[str | int]) -> bool:
    try:
        for step in steps:
            value = descend(value, step)
    except LookupError:
        return False
    return True


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)


def _numbers(name: str, value: Any) -> list[int | float]:
    if not isinstance(value, list) or not all(_is_number(item) for item in value):
        raise ExpressionError(f"{name}() takes a list of numbers")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sum(value: Any) -> int | float:
    return sum(_numbers("sum", value))


def _least(name: str, pick: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        alike = isinstance(value, list) and all(isinstance(item, str) for item in value)
        values = value if alike else _numbers(name, value)
        if not values:
            raise ExpressionError(f"{name}() of an empty list is nothing; check its size() first")
        return pick(values)

    return function


def _join(value: Any, separator: Any) -> str:
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if not texts or not isinstance(separator, str):
        raise ExpressionError("join() takes a list of texts and a separator")
    return separator.join(value)


def _split(text: Any, separator: Any) -> list[str]:
    if not isinstance(text, str) or not isinstance(separator, str) or not separator:
        raise ExpressionError("split() takes a text and a separator that is not empty")
    return text.split(separator)


def name_of(value: Any) -> str:
    """Return what a value is, as a sentence says it."""
    if value is None:
        return "null"
    for kind, name in _NAMES:
        if isinstance(value, kind):
            return name
    return f"a {type(value).__name__}"


_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "a map"),
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of ours, how many arguments it takes (a receiver is the first), its cost."""

    call: Callable[..., Any]
    takes: int
    cost: Callable[..., int]


def _weights(*values: Any) -> int:
    return sum(weight(value) for value in values)


def _search_cost(text: Any, pattern: Any) -> int:
    if not isinstance(text, str) or not isinstance(pattern, str):
        return 1
    return 1 + len(text) * pattern_size(pattern) // _CHARACTERS


def _join_cost(value: Any, separator: Any) -> int:
    if not isinstance(value, list) or not isinstance(separator, str):
        return 1
    return weight(value) + len(value) * len(separator) // _CHARACTERS


OURS: Mapping[str, Function] = {
    "matches": Function(_matches, 2, _search_cost),
    "size": Function(_size, 1, _weights),
    "json": Function(_json, 1, _weights),
    "sum": Function(_sum, 1, _weights),
    "min": Function(_least("min", min), 1, _weights),
    "max": Function(_least("max", max), 1, _weights),
    "join": Function(_join, 2, _join_cost),
    "split": Function(_split, 2, _weights),
    "has": Function(_has, 2, _weights),
}
"""Functions of ours by name."""
