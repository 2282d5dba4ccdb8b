"""`${...}` in values: list what stands in the braces, and put values in its place.

A string that is exactly one `${...}` takes the type of what it gives; otherwise values are put
into the text, as compact JSON unless they are text. `$${` stands for a literal `${`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .cel_text import end_of_braces
from .expressions import ROOTS, Expression, ExpressionError, Reference, compile_expression

Evaluate = Callable[[Expression], Any]
"""Returns what an expression gives, or raises ExpressionError."""

_OPEN, _ESCAPED = "${", "$${"


def expressions(value: Any, roots: tuple[str, ...] = ROOTS) -> Iterator[Expression]:
    """Yield every expression in a value, however deep; keys of objects are not looked into.

    Raises:
        ExpressionError: one is malformed or not closed; the message names it.
    """
    if isinstance(value, str):
        yield from (part for part in parts(value, roots) if isinstance(part, Expression))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from expressions(item, roots)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item, roots)


def references(value: Any, roots: tuple[str, ...] = ROOTS) -> Iterator[Reference]:
    """Yield everything that the expressions in a value read.

    Raises:
        ExpressionError: see `expressions`.
    """
    for expression in expressions(value, roots):
        yield from expression.references


def resolve(value: Any, evaluate: Evaluate, roots: tuple[str, ...] = ROOTS) -> Any:
    """Return the value with every `${...}` replaced by what it gives, and escapes undone.

    Raises:
        ExpressionError: an expression gives nothing; the message names it.
    """
    if isinstance(value, str):
        return _fill(value, evaluate, roots)
    if isinstance(value, Mapping):
        return {key: resolve(item, evaluate, roots) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, evaluate, roots) for item in value]
    return value


def escape(text: str) -> str:
    """Return a template that stands for this text."""
    return text.replace(_OPEN, _ESCAPED)


def parts(text: str, roots: tuple[str, ...] = ROOTS) -> Iterator[str | Expression]:
    """Yield the text and the expressions of a template in their order.

    Raises:
        ExpressionError: see `expressions`.
    """
    place = 0
    while (found := text.find(_OPEN, place)) >= 0:
        if found > place and text[found - 1] == "$":
            yield text[place : found - 1] + _OPEN
            place = found + len(_OPEN)
            continue
        if found > place:
            yield text[place:found]
        end = end_of_braces(text, found + len(_OPEN))
        if end < 0:
            raise ExpressionError(
                f"${{ at character {found + 1} is not closed by }} within 1,024 "
                "characters; write $${ for a literal ${"
            )
        yield _compiled(text[found + len(_OPEN) : end], roots)
        place = end + 1
    if place < len(text):
        yield text[place:]


def _compiled(source: str, roots: tuple[str, ...]) -> Expression:
    try:
        return compile_expression(source, roots)
    except ExpressionError as error:
        raise ExpressionError(f"{_shown(source)}: {error}; write $${{ for a literal ${{") from None


def _fill(text: str, evaluate: Evaluate, roots: tuple[str, ...]) -> Any:
    if _OPEN not in text:
        return text
    found = [_value(part, evaluate) for part in parts(text, roots)]
    if len(found) == 1 and text.startswith(_OPEN):
        return found[0]
    return "".join(_as_text(value) for value in found)


def _value(part: str | Expression, evaluate: Evaluate) -> Any:
    if isinstance(part, str):
        return part
    try:
        return evaluate(part)
    except ExpressionError as error:
        raise ExpressionError(f"{_shown(part.source)}: {error}") from None


def _shown(source: str) -> str:
    source = source.strip()
    return f"${{{source if len(source) <= 80 else source[:77] + '...'}}}"


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
