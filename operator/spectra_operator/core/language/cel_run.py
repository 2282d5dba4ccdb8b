"""Runs compiled CEL within a budget.

Code without loops costs at most the weight of what it reads, times the additions in it, and is
paid for before it runs. A macro pays for every entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import cel

from .cel_functions import OURS, name_of, weight
from .cel_text import ExpressionError, Reference
from .cel_units import Macro, Unit
from .cel_words import run_words
from .patterns import pattern_size

MAX_COST = 200_000
"""What one evaluation may cost, some 0.2 s; the unit is about the copy of one number."""
SMALL_COST = 20_000
"""What an evaluation over one attempt's result may cost: hundreds may arrive in one moment."""
_ITERATION = 20
_PATTERN = 50


class Run:
    """One evaluation: the values, what is left of its budget, the first error in a function."""

    def __init__(self, values: Mapping[str, Any], budget: int = MAX_COST) -> None:
        self._values = values
        self._left = budget
        self._error: ExpressionError | None = None
        self._patterns: set[str] = set()

    def run(self, unit: Unit) -> Any:
        """Return what a unit gives.

        Raises:
            ExpressionError: it gives nothing.
        """
        return self._execute(unit, *self._context(unit, {}))

    def _context(self, unit: Unit, local: Mapping[str, Any]) -> tuple[cel.Context, int]:
        """Return a context with what a unit reads, and what one run of the unit costs."""
        variables = read(self._values, unit.references)
        variables.update({name: value for name, value in local.items() if name in unit.uses})
        cost = sum(unit.uses[name] * weight(value) for name, value in variables.items())
        self._pay(cost)
        functions = {f"_f_{name}": self._function(name, unit.factor) for name in unit.functions}
        for index, macro in enumerate(unit.macros):
            functions[f"_m{index}"] = self._loop(macro, local)
        try:
            return cel.Context(variables=variables, functions=functions), 1 + cost * unit.factor
        except BaseException as error:
            raise run_words(error) from None

    def _execute(self, unit: Unit, context: cel.Context, cost: int) -> Any:
        self._pay(cost)
        try:
            result = unit.program.execute(context)
        except BaseException as error:
            raise self._error or run_words(error) from None
        if self._error:
            raise self._error
        return result

    def _pay(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise ExpressionError("it takes too many steps; use smaller lists and texts")

    def _function(self, name: str, factor: int) -> Callable[..., Any]:
        ours = OURS[name]

        def call(*values: Any) -> Any:
            self._pay(ours.cost(*values))
            if name == "matches":
                self._pay_for_pattern(values[1])
            result = ours.call(*values)
            self._pay(weight(result) * factor)
            return result

        return self._quiet(call)

    def _pay_for_pattern(self, pattern: Any) -> None:
        """A pattern costs most when it is compiled, which is the first time that it is seen."""
        if isinstance(pattern, str) and pattern not in self._patterns:
            self._patterns.add(pattern)
            self._pay(_PATTERN * pattern_size(pattern))

    def _loop(self, macro: Macro, local: Mapping[str, Any]) -> Callable[[Any], Any]:
        def call(receiver: Any) -> Any:
            self._pay(weight(receiver))
            return fold(macro, self._entries(macro, receiver, local))

        return self._quiet(call)

    def _entries(
        self, macro: Macro, receiver: Any, local: Mapping[str, Any]
    ) -> Iterator[tuple[Any, list[Any]]]:
        """Yield each entry with what the bodies give; bodies after a false one are not run."""
        prepared = [(body, *self._context(body, local)) for body in macro.bodies]
        for entry in entries_of(macro.kind, receiver):
            given: list[Any] = []
            for body, fixed, price in prepared:
                context, cost = fixed, price
                self._pay(
                    _ITERATION + body.uses.get(macro.variable, 0) * weight(entry) * body.factor
                )
                if body.macros:
                    context, cost = self._context(body, {**local, macro.variable: entry})
                else:
                    context.add_variable(macro.variable, entry)
                given.append(self._execute(body, context, cost))
                self._pay(weight(given[-1]))
                if given[-1] is False:
                    break
            yield entry, given

    def _quiet(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Keep a function's error for the end: the library would print it to stderr."""

        def call(*values: Any) -> Any:
            if self._error:
                return None
            try:
                return function(*values)
            except ExpressionError as error:
                self._error = error
            except Exception as error:
                self._error = run_words(error)
            return None

        return call


def entries_of(kind: str, receiver: Any) -> list[Any]:
    """Return what a macro goes through: a list's entries, or a map's keys in order."""
    if isinstance(receiver, list):
        return receiver
    if isinstance(receiver, Mapping):
        return sorted(receiver, key=lambda key: (type(key).__name__, key))
    raise ExpressionError(f"{kind}() needs a list or a map, not {name_of(receiver)}")


def fold(macro: Macro, entries: Iterator[tuple[Any, list[Any]]]) -> Any:
    """Return what a macro makes of its entries and of what its bodies gave for them."""
    kind = macro.kind
    if kind == "map" and len(macro.bodies) == 1:
        return [given[0] for _, given in entries]
    if kind == "map":
        return [given[1] for _, given in entries if _true(kind, given[0])]
    if kind == "all":
        return all(_true(kind, given[0]) for _, given in entries)
    if kind == "exists":
        return any(_true(kind, given[0]) for _, given in entries)
    kept = [entry for entry, given in entries if _true(kind, given[0])]
    return kept if kind == "filter" else len(kept) == 1


def _true(kind: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ExpressionError(f"the condition of {kind}() gives {name_of(value)}, not a boolean")
    return value


def read(values: Mapping[str, Any], references: tuple[Reference, ...]) -> dict[str, Any]:
    """Return only what the references name, each where it stands.

    Raises:
        ExpressionError: a root has no value here.
    """
    steps: dict[str, list[tuple[str | int, ...]]] = {}
    for reference in references:
        steps.setdefault(reference.root, []).append(reference.steps[1:])
    missing = next((root for root in steps if root not in values), None)
    if missing:
        raise ExpressionError(f"{missing} is not known here")
    return {root: _part(values[root], wanted) for root, wanted in steps.items()}


def _part(value: Any, wanted: list[tuple[str | int, ...]]) -> Any:
    if () in wanted or not isinstance(value, Mapping | list):
        return value
    inner: dict[str | int, list[tuple[str | int, ...]]] = {}
    for steps in wanted:
        inner.setdefault(steps[0], []).append(steps[1:])
    if isinstance(value, Mapping):
        return {key: _part(value[key], rest) for key, rest in inner.items() if key in value}
    last = max((key for key in inner if isinstance(key, int)), default=-1)
    return [_part(x, inner[i]) if i in inner else None for i, x in enumerate(value[: last + 1])]
