"""Regular expressions from users: RE2 syntax, run in time linear in the text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from .cel_text import ExpressionError

MAX_PATTERN = 256
"""Characters of a pattern."""
MAX_SIZE = 1_000
"""Characters of a pattern with its counted repetitions, such as {3,5}, written out; \\w and other
classes of Unicode count ten times."""

_PIECE = re.compile(
    r"\\[pP](?:\{\w+\}|.)|\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?[a-zA-Z<>:]*)?|\)|\{[0-9]*,?([0-9]*)\}|.",
    re.DOTALL,
)

_CLASS = re.compile(r"\\[wWdDsSpP]")
_UNICODE = 10


def check_pattern(pattern: str) -> None:
    """Check a regular expression.

    Raises:
        ExpressionError: it is malformed, too large, or uses look-around or back-references.
    """
    _compiled(pattern)


def pattern_matches(pattern: str, text: str) -> bool:
    """Whether a regular expression matches somewhere in a text.

    Raises:
        ExpressionError: the pattern is malformed, or too large.
    """
    try:
        _compiled(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def pattern_size(pattern: str) -> int:
    """Return how large a pattern is with its counted repetitions written out, at least 1."""
    sizes, last = [0], 0
    for match in _PIECE.finditer(pattern):
        piece = match.group()
        if piece[0] == "(":
            sizes.append(0)
            last = 0
        elif piece == ")" and len(sizes) > 1:
            last = sizes.pop()
            sizes[-1] += last
        elif piece[0] == "{" and len(piece) > 1:
            times = max((int(n) for n in re.findall("[0-9]{1,9}", piece)), default=1)
            sizes[-1] += last * (times - 1)
            last *= times
        else:
            last = _UNICODE if _CLASS.search(piece) else 1
            sizes[-1] += last
    return max(1, sum(sizes))


@lru_cache(maxsize=32)
def _compiled(pattern: str) -> TypeAdapter[str]:
    """The library behind StringConstraints never backtracks, unlike Python's re."""
    if len(pattern) > MAX_PATTERN:
        raise ExpressionError(f"the pattern has more than {MAX_PATTERN} characters; shorten it")
    shown = pattern if len(pattern) <= 40 else pattern[:40] + "..."
    if pattern_size(pattern) > MAX_SIZE:
        raise ExpressionError(f"the pattern {shown!r} repeats too much; use smaller counts")
    try:
        return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern, strict=True)])
    except (SchemaError, UnicodeEncodeError):
        raise ExpressionError(
            f"{shown!r} is not a regular expression that can be used; write RE2 syntax, "
            "without look-around and back-references"
        ) from None
