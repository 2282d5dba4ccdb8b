"""What an expression surely gives, as far as its text tells: its operators, literals, functions.

The CEL library knows types only when it runs. A condition that can never be true or false is
found here before.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from .cel_text import Reference, Token, chain_at, closing, is_sign

BOOLEAN = "a boolean"
UNKNOWN = ""
TypeOf = Callable[[Reference], str]
"""Returns what a path surely gives, as a sentence says it; empty if that is not known."""

_RELATIONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_ARITHMETIC = frozenset("+-*/%")
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_NUMBER, _TEXT, _INTEGER, _LIST = "a number", "a text", "an integer", "a list"
_FUNCTIONS = {
    **dict.fromkeys(("string", "json", "join"), _TEXT),
    **dict.fromkeys(("int", "uint", "size"), _INTEGER),
    **dict.fromkeys(("split", "map", "filter"), _LIST),
    **dict.fromkeys(("double", "sum"), _NUMBER),
    **dict.fromkeys(("min", "max"), "a number or a text"),
    **dict.fromkeys(("contains", "startsWith", "endsWith", "matches", "has"), BOOLEAN),
    **dict.fromkeys(("all", "exists", "exists_one"), BOOLEAN),
    **{"timestamp": "a time", "duration": "a duration", "type": "a type"},
}
_WORDS = {"true": BOOLEAN, "false": BOOLEAN, "null": "null"}


def kind_of(found: list[Token], type_of: TypeOf) -> str:
    """Return what an expression surely gives, as a sentence says it; empty if nobody knows.

    Args:
        found: The tokens of an expression that compiles.
        type_of: What its paths give.
    """
    signs = _outside(found)
    if "?" in signs:
        return _ternary(found, signs, type_of)
    if {"||", "&&"} & set(signs) or _RELATIONS & set(signs):
        return BOOLEAN
    binary = [i for i, text in enumerate(signs) if text in _ARITHMETIC and _is_binary(found, i)]
    if binary:
        return _calculated(found, binary, type_of)
    if not found:
        return UNKNOWN
    if found[0].text in ("!", "-"):
        return BOOLEAN if found[0].text == "!" else _NUMBER
    return _operand(found, type_of)


def _outside(found: list[Token]) -> list[str]:
    """Return the text of each operator that stands in no brackets; empty for all else."""
    signs, depth = [], 0
    for place, token in enumerate(found):
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        operator = token.kind == "sign" or token.text == "in"
        field = is_sign(found, place - 1, ".")
        signs.append(token.text if operator and depth == 0 and not field else "")
    return signs


def _ternary(found: list[Token], signs: list[str], type_of: TypeOf) -> str:
    """Return the kind of the branches; a boolean in one of them can be what is meant."""
    branches, asks = [], 0
    while "?" in signs[asks:]:
        asks = signs.index("?", asks)
        colon = signs.index(":", asks) if ":" in signs[asks:] else len(found)
        branches.append(found[asks + 1 : colon])
        asks = colon
    kinds = [kind_of(branch, type_of) for branch in (*branches, found[asks + 1 :])]
    if UNKNOWN in kinds or BOOLEAN in kinds:
        return UNKNOWN
    return " or ".join(dict.fromkeys(kinds))


def _is_binary(found: list[Token], place: int) -> bool:
    if place == 0:
        return False
    before = found[place - 1]
    return before.kind != "sign" or before.text in _CLOSE


def _calculated(found: list[Token], binary: list[int], type_of: TypeOf) -> str:
    """Return what + and the like give; nothing that they give is true or false."""
    if any(found[place].text != "+" for place in binary):
        return _NUMBER
    ends = [-1, *binary, len(found)]
    sides = [kind_of(found[a + 1 : b], type_of) for a, b in pairwise(ends)]
    return next((side for side in sides if side not in (UNKNOWN, BOOLEAN)), "a sum")


def _operand(found: list[Token], type_of: TypeOf) -> str:
    """Return the kind of what has no operator: a literal, a path, a call, or brackets."""
    first, last = found[0], found[-1]
    if len(found) == 1 and first.kind != "name":
        return _literal(first)
    if last.text == ")":
        return _called(found, type_of)
    if first.text in ("[", "{"):
        whole = closing(found, 0) == len(found) - 1
        return (_LIST if first.text == "[" else "a map") if whole else UNKNOWN
    if first.kind != "name":
        return UNKNOWN
    if len(found) == 1 and first.text in _WORDS:
        return _WORDS[first.text]
    chain = chain_at(found, 0)
    return type_of(Reference(chain.steps)) if chain.end == len(found) else UNKNOWN


def _literal(token: Token) -> str:
    if token.kind == "string":
        return _TEXT
    return _INTEGER if token.text.isdigit() else _NUMBER


def _called(found: list[Token], type_of: TypeOf) -> str:
    opening = max(i for i in range(len(found)) if _opens_last(found, i))
    if opening == 0:
        return kind_of(found[1:-1], type_of)
    name = found[opening - 1].text
    return _INTEGER if name.startswith("get") else _FUNCTIONS.get(name, UNKNOWN)


def _opens_last(found: list[Token], place: int) -> bool:
    return found[place].text == "(" and closing(found, place) == len(found) - 1
