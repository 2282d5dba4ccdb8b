"""The text of CEL expressions: tokens, bounds, references, macros.

The CEL library gives no syntax tree, so what must be known before an expression is parsed or run
is found here: brackets that nest too deep for its parser, what an expression refers to, and where
its macros stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

from ...api.constants import MAX_EXPRESSION

MAX_BRACKETS = 16
"""Levels of brackets."""
MAX_UNARY = 64
"""`!` or `-` in a row."""

_OPEN, _CLOSE = "([{", ")]}"
_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<bytes>[rR]?[bB][rR]?(?=["']))
  | (?P<string>[rR](?:\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)'''|"[^"\r\n]*"|'[^'\r\n]*')
      |\"\"\"(?s:\\.|[^\\])*?\"\"\"|'''(?s:\\.|[^\\])*?'''
      |"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*')
  | (?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[uU]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<comment>//)
  | (?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.ASCII,
)
_NAME_STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*|\[[0-9]{1,5}\])*")
_PLAIN_STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*|\[[0-9]+\]")
WORDS = frozenset({"true", "false", "null", "in"})
"""Names that are no variables."""


class ExpressionError(ValueError):
    """An expression cannot be used, or gives no value; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression; `start` and `end` are places in its source."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """What an expression reads, such as ("tasks", "a", "outputs", "b", 0)."""

    steps: tuple[str | int, ...]

    @property
    def root(self) -> str:
        """The first step."""
        return str(self.steps[0])

    def __str__(self) -> str:
        return self.root + "".join(_written(step) for step in self.steps[1:])


@dataclass(frozen=True, slots=True)
class Chain:
    """A name and the steps after it; `start` and `end` are places in the list of tokens."""

    steps: tuple[str | int, ...]
    start: int
    end: int


def tokens(source: str) -> list[Token]:
    """Split an expression, without its spaces.

    Raises:
        ExpressionError: it is no CEL, or passes a bound.
    """
    if len(source) > MAX_EXPRESSION:
        raise ExpressionError(
            f"the expression has {len(source)} characters, at most {MAX_EXPRESSION} are allowed"
        )
    found: list[Token] = []
    place = 0
    while place < len(source):
        token = _next(source, place)
        place = token.end
        if token.kind != "space":
            found.append(token)
    if not found:
        raise ExpressionError("there is no expression; write a path such as parameters.NAME")
    _bound(found)
    return found


def end_of_braces(text: str, start: int) -> int:
    """Return the place of the `}` that closes the braces whose inside begins at `start`, or -1.

    Braces in strings do not count.
    """
    depth, place = 0, start
    end = min(len(text), start + MAX_EXPRESSION + 1)
    while place < end:
        match = _TOKEN.match(text, place, end)
        if match is None:
            place += 1
            continue
        sign = match.group()
        if sign == "}" and depth == 0:
            return place
        depth += (sign == "{") - (sign == "}")
        place = match.end()
    return -1


def plain_path(source: str) -> tuple[str | int, ...] | None:
    """Return the steps of a source that is nothing but a path; its names may have dashes."""
    if source in WORDS or not _PLAIN.fullmatch(source):
        return None
    return tuple(int(s[1:-1]) if s[0] == "[" else s for s in _PLAIN_STEP.findall(source))


def chain_at(found: list[Token], start: int) -> Chain:
    """Return the name at a place with the steps after it.

    Raises:
        ExpressionError: it is a name with a dash, which CEL reads as a subtraction.
    """
    steps: list[str | int] = [found[start].text]
    place = start + 1
    while (step := _step(found, place)) is not None:
        steps.append(step[0])
        place += step[1]
    _no_dash(found, place, steps)
    if is_sign(found, place, "{"):
        raise ExpressionError(f"{steps[-1]}{{...}} is not known; write a map as {{'key': 1}}")
    return Chain(tuple(steps), start, place)


def is_sign(found: list[Token], place: int, text: str) -> bool:
    """Whether this text stands at a place."""
    return 0 <= place < len(found) and found[place].text == text


def closing(found: list[Token], place: int) -> int:
    """Return the place of the token that closes the bracket at `place`."""
    depth = 0
    for index in range(place, len(found)):
        depth += (found[index].text in _OPEN) - (found[index].text in _CLOSE)
        if depth == 0:
            return index
    raise ExpressionError(f"{found[place].text!r} is not closed")


def arguments(found: list[Token], place: int, end: int) -> list[list[Token]]:
    """Return the arguments between the bracket at `place` and the one that closes it, at `end`."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in found[place + 1 : end]:
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _next(source: str, place: int) -> Token:
    match = _TOKEN.match(source, place)
    if match is None:
        raise ExpressionError(_unexpected(source, place))
    kind = str(match.lastgroup)
    if kind == "bytes":
        raise ExpressionError("bytes cannot be used; write a string without the b before it")
    if kind == "comment":
        raise ExpressionError("comments cannot be used; leave out what follows //")
    return Token(kind, match.group(), place, match.end())


def _unexpected(source: str, place: int) -> str:
    if source[place] in "\"'":
        return f"the string that begins at character {place + 1} is not closed"
    return f"{source[place]!r} at character {place + 1} means nothing in an expression"


def _bound(found: list[Token]) -> None:
    depth = 0
    for token in found:
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if depth > MAX_BRACKETS:
            raise ExpressionError(f"brackets nest deeper than {MAX_BRACKETS} levels; simplify it")
    for text, run in groupby(found, key=lambda token: token.text):
        if text in ("!", "-") and len(list(run)) > MAX_UNARY:
            raise ExpressionError(f"more than {MAX_UNARY} times {text} in a row; leave them out")


def _step(found: list[Token], place: int) -> tuple[str | int, int] | None:
    """Return the step at a place and how many tokens it has; None for a call or anything else."""
    if is_sign(found, place, ".") and place + 1 < len(found) and not is_sign(found, place + 2, "("):
        return found[place + 1].text, 2
    if not is_sign(found, place, "[") or not is_sign(found, place + 2, "]"):
        return None
    index = found[place + 1]
    if index.kind == "number" and index.text.isdigit() and len(index.text) <= 5:
        return int(index.text), 3
    if index.kind == "string" and index.text[0] in "\"'" and "\\" not in index.text:
        quotes = 3 if index.text[:3] in ('"""', "'''") else 1
        return index.text[quotes:-quotes], 3
    return None


def _no_dash(found: list[Token], place: int, steps: list[str | int]) -> None:
    """Refuse `tasks.my-task`, which CEL reads as a subtraction."""
    touching = is_sign(found, place, "-") and found[place].start == found[place - 1].end
    if not touching or place + 1 >= len(found) or len(steps) < 2:
        return
    after = found[place + 1]
    if after.kind != "name" or after.start != found[place].end or not isinstance(steps[-1], str):
        return
    name = f"{steps[-1]}-{after.text}"
    raise ExpressionError(
        f"{name} is read as a subtraction; write {Reference(tuple(steps[:-1]))}['{name}'], "
        "or put spaces round the minus"
    )


def _written(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _NAME_STEP.fullmatch(step) else f"[{step!r}]"
