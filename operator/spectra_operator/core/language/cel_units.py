"""Compiles CEL: every macro's body is a program of its own.

The library's own macros are quadratic, go through maps in no fixed order and cannot be stopped.
So `LIST.map(x, BODY)` is compiled as a call of a function of ours, which `cel_run` carries
out. What is left for the library is code without loops.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import cel

from .cel_functions import MACROS, NATIVE, OURS
from .cel_text import (
    WORDS,
    ExpressionError,
    Reference,
    Token,
    arguments,
    chain_at,
    closing,
    is_sign,
)
from .cel_words import compile_words

MAX_MACROS_DEEP = 2
_NAMED = ("tasks", "phases")


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its variable, and what is run for each entry."""

    kind: str
    variable: str
    bodies: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A program without loops. `uses` says how often it reads each name."""

    program: cel.Program
    uses: Mapping[str, int]
    references: tuple[Reference, ...]
    functions: frozenset[str]
    macros: tuple[Macro, ...]
    factor: int

    def all_references(self) -> Iterator[Reference]:
        """Yield what it and its macros read from the roots."""
        yield from self.references
        for macro in self.macros:
            for body in macro.bodies:
                yield from body.all_references()


@dataclass(frozen=True, slots=True)
class Scope:
    """Names that a unit may use."""

    roots: Collection[str]
    variables: frozenset[str] = frozenset()
    depth: int = 0


def compile_unit(found: list[Token], scope: Scope) -> Unit:
    """Compile tokens.

    Raises:
        ExpressionError: not CEL, or an unknown name or function.
    """
    writer = _Writer(found, scope)
    writer.write()
    return Unit(
        program=compile_source(" ".join(writer.out)),
        uses=dict(writer.uses),
        references=tuple(dict.fromkeys(writer.references)),
        functions=frozenset(writer.functions),
        macros=tuple(writer.macros),
        factor=1 + sum(token.text == "+" for token in found),
    )


def compile_source(source: str) -> cel.Program:
    """Compile CEL.

    Raises:
        ExpressionError: it is none.
    """
    try:
        return cel.compile(source)
    except BaseException as error:
        raise compile_words(error) from None


class _Writer:
    """Writes the source of a unit from tokens, with calls of ours instead of macros."""

    def __init__(self, found: list[Token], scope: Scope) -> None:
        self._found = found
        self._scope = scope
        self.out: list[str] = []
        self.uses: Counter[str] = Counter()
        self.references: list[Reference] = []
        self.functions: set[str] = set()
        self.macros: list[Macro] = []

    def write(self) -> None:
        place = 0
        while place < len(self._found):
            place = self._token(place)

    def _token(self, place: int) -> int:
        """Write what stands at a place; return the place after it."""
        token = self._found[place]
        field = is_sign(self._found, place - 1, ".")
        if token.kind == "name" and is_sign(self._found, place + 1, "("):
            return self._call(place, method=field)
        if token.kind == "name" and not field and token.text not in WORDS:
            chain = chain_at(self._found, place)
            self._read(chain.steps)
            self.out += [t.text for t in self._found[place : chain.end]]
            return chain.end
        if token.text == "." and not self._has_receiver(place):
            raise ExpressionError("a path begins with its root; leave out the dot before it")
        self.out.append(token.text)
        return place + 1

    def _has_receiver(self, place: int) -> bool:
        if place == 0:
            return False
        before = self._found[place - 1]
        return before.kind != "sign" or before.text in ")]}"

    def _read(self, steps: tuple[str | int, ...]) -> None:
        name = str(steps[0])
        self.uses[name] += 1
        if name in self._scope.variables:
            return
        if name not in self._scope.roots:
            known = ", ".join([*self._scope.roots, *sorted(self._scope.variables)])
            raise ExpressionError(f"there is no {name!r} here; use one of {known}")
        if name in _NAMED and not (len(steps) > 1 and isinstance(steps[1], str)):
            what = name[:-1]
            raise ExpressionError(f"name the {what} literally, as in {name}['NAME'].outputs")
        self.references.append(Reference(steps))

    def _call(self, place: int, *, method: bool) -> int:
        name = self._found[place].text
        end = closing(self._found, place + 1)
        given = arguments(self._found, place + 1, end)
        if name in MACROS and method:
            self._macro(name, given)
            return end + 1
        if name == "has":
            self._has(given)
            return end + 1
        if name in OURS:
            takes = OURS[name].takes
            if len(given) + method != takes:
                raise ExpressionError(f"{name}() takes {takes - method} in its brackets")
            self.functions.add(name)
            self.out.append(f"_f_{name}")
            return place + 1
        if name not in NATIVE:
            known = ", ".join(sorted({*NATIVE, *OURS}))
            raise ExpressionError(f"there is no function {name}(); use one of {known}")
        self.out.append(name)
        return place + 1

    def _has(self, given: list[list[Token]]) -> None:
        chain = None
        if len(given) == 1 and given[0][0].kind == "name":
            chain = chain_at(given[0], 0)
        if chain is None or chain.end != len(given[0]) or len(chain.steps) < 2:
            raise ExpressionError("has() takes a path, as in has(tasks.a.outputs.b)")
        self._read(chain.steps)
        self.functions.add("has")
        steps = json.dumps(chain.steps[1:], ensure_ascii=False)
        self.out.append(f"_f_has({chain.steps[0]}, {steps})")

    def _macro(self, kind: str, given: list[list[Token]]) -> None:
        named = bool(given) and len(given[0]) == 1 and given[0][0].kind == "name"
        if not named or len(given) not in ((2, 3) if kind == "map" else (2,)):
            raise ExpressionError(f"{kind}() takes a name and what to do, as in {kind}(x, x > 0)")
        depth = self._scope.depth + 1
        if depth > MAX_MACROS_DEEP:
            raise ExpressionError(f"{kind}() stands in {MAX_MACROS_DEEP} others; nest fewer")
        variable = given[0][0].text
        if variable in WORDS or variable in self._scope.roots:
            raise ExpressionError(f"{variable!r} cannot name an entry; take another name")
        inner = replace(self._scope, variables=self._scope.variables | {variable}, depth=depth)
        bodies = tuple(compile_unit(body, inner) for body in given[1:])
        for body in bodies:
            self.uses.update({n: c for n, c in body.uses.items() if n in self._scope.variables})
        self.out.append(f"_m{len(self.macros)}()")
        self.macros.append(Macro(kind, variable, bodies))
