"""Where expressions stand in a task or a phase, and what they read.

A new field with expressions is one line here; checks and what is frozen into a phase follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from ...api.common import RetryPolicy
from ...api.task import Task
from ...api.workflow import PhaseTemplate
from . import templates
from .expressions import ROOTS, Expression, ExpressionError, Reference, compile_expression
from .facts import FIELDS, UNDONE, Fields

BEFORE_ITEMS = tuple(root for root in ROOTS if root not in ("item", "index"))
"""Roots for what is evaluated before a task has items."""
RULE_ROOTS = ("value", "outputs")
"""Roots of an output's rule."""
RETRY_ROOTS = ("attempt",)
"""Roots of a retry rule."""
PHASE_ROOTS = ("parameters", "phases", "workflow")
"""Roots of a phase's condition."""
VALUE_ROOTS = ("parameters", "phases")
"""Roots of the values of a phase's parameters."""
UNDOING: Mapping[str, Fields] = {**FIELDS, "task": {**FIELDS["task"], **UNDONE}}
"""Fields of the roots where a task is undone."""

Kind = Literal["template", "condition"]


class Place(NamedTuple):
    """A field with expressions: `${...}` anywhere in its value, or a condition.

    `roots` are what they may read, `fields` what is known of some of the roots.
    """

    field: str
    value: Any
    kind: Kind
    roots: tuple[str, ...] = ROOTS
    fields: Mapping[str, Fields] = FIELDS


def places(task: Task) -> Iterator[Place]:
    """Yield every field of a task in which expressions may stand."""
    if task.when is not None:
        yield Place("when", task.when, "condition", BEFORE_ITEMS)
    for key, value in task.input.items():
        yield Place(f"input.{key}", value, "template", ROOTS, _with_item(task))
    if task.for_each is not None:
        yield Place("forEach", task.for_each, "template", BEFORE_ITEMS)
    for key, value in (task.matrix or {}).items():
        yield Place(f"matrix.{key}", value, "template", BEFORE_ITEMS)
    for name, output in task.outputs.items():
        if output.rule is not None:
            yield Place(f"outputs.{name}.rule", output.rule, "condition", RULE_ROOTS)
    yield from _retry("retry", task.retry)
    yield from _other_ways(task)


def _other_ways(task: Task) -> Iterator[Place]:
    fields = _with_item(task)
    for index, fallback in enumerate(task.fallback):
        for key, value in (fallback.input or {}).items():
            yield Place(f"fallback[{index}].input.{key}", value, "template", ROOTS, fields)
        yield from _retry(f"fallback[{index}].retry", fallback.retry)
    if task.compensate is not None:
        for key, value in task.compensate.input.items():
            yield Place(f"compensate.input.{key}", value, "template", BEFORE_ITEMS, UNDOING)
        yield from _retry("compensate.retry", task.compensate.retry)


def _with_item(task: Task) -> Mapping[str, Fields]:
    """Return the fields of the roots in an input; an entry of a matrix has the matrix's names."""
    return FIELDS if not task.matrix else {**FIELDS, "item": dict.fromkeys(sorted(task.matrix), "")}


def phase_places(phase: PhaseTemplate) -> Iterator[Place]:
    """Yield every field of a phase, beside its tasks, in which expressions may stand."""
    if phase.when is not None:
        yield Place("when", phase.when, "condition", PHASE_ROOTS)
    for key, value in (phase.parameters or {}).items():
        yield Place(f"parameters.{key}", value, "template", VALUE_ROOTS)
    fallback = phase.fallback and phase.fallback.parameters
    for key, value in (fallback or {}).items():
        yield Place(f"fallback.parameters.{key}", value, "template", VALUE_ROOTS)


def expressions_at(place: Place) -> Iterator[Expression]:
    """Yield the expressions of a field.

    Raises:
        ExpressionError: one is malformed.
    """
    if place.kind == "condition":
        yield compile_expression(place.value, place.roots)
    else:
        yield from templates.expressions(place.value, place.roots)


def reads(place: Place) -> list[Reference]:
    """Return what the expressions of a field read; nothing if one is malformed."""
    try:
        return [ref for expression in expressions_at(place) for ref in expression.references]
    except ExpressionError:
        return []


def outputs_read(tasks: Iterable[Task]) -> dict[str, frozenset[str] | None]:
    """Return which tasks of other phases these tasks read, by phase; None for all of them."""
    found: dict[str, frozenset[str] | None] = {}
    for task in tasks:
        for place in places(task):
            for reference in reads(place):
                if reference.root == "phases":
                    _add(found, reference)
    return found


def pick(value: Mapping[str, Any], wanted: frozenset[str] | None) -> dict[str, Any]:
    """Return the entries that are wanted and there; None for all."""
    return {key: item for key, item in value.items() if wanted is None or key in wanted}


def _add(found: dict[str, frozenset[str] | None], reference: Reference) -> None:
    name, rest = str(reference.steps[1]), reference.steps[2:]
    before = found.get(name, frozenset())
    if before is None or (rest and rest[0] != "outputs"):
        found[name] = before
        return
    task = rest[1] if len(rest) > 1 else None
    found[name] = before | {task} if isinstance(task, str) else None


def _retry(field: str, policy: RetryPolicy | None) -> Iterator[Place]:
    for index, rule in enumerate(policy.rules if policy else ()):
        if rule.when is not None:
            yield Place(f"{field}.rules[{index}].when", rule.when, "condition", RETRY_ROOTS)
