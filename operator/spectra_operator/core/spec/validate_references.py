"""Checks of expressions: what they read must exist and stand before, conditions must be boolean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ...api.task import Task
from ..language.expressions import (
    BOOLEAN,
    Expression,
    ExpressionError,
    Reference,
    surely_gives,
)
from ..language.facts import OF_NAMED, Fields, gives, unknown_field
from ..language.references import Place, expressions_at, reads
from ..suggestions import nearest
from .items import has_items
from .problems import Problem

_HINTS = {
    "parameters": "declare it under parameters",
    "tasks": "only tasks in its dependsOn can be used",
    "phases": "only phases in the phase's dependsOn can be used",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What a place can use.

    Attributes:
        names: Names by root, of the roots whose entries have names.
        fields: Fields of roots that have others here than elsewhere.
    """

    names: Mapping[str, frozenset[str]]
    fields: Mapping[str, Fields] = field(default_factory=dict)


def place_problems(place: Place, where: str, known: Known) -> Iterator[Problem]:
    """Yield what is wrong with the expressions of a field; `where` is what the field stands in."""
    field_path = f"{where}.{place.field}"
    try:
        found = list(expressions_at(place))
    except ExpressionError as error:
        yield Problem("InvalidExpression", field_path, str(error))
        return
    fields = {**place.fields, **known.fields}
    for reference in dict.fromkeys(ref for each in found for ref in each.references):
        if reference.root in known.names and len(reference.steps) > 1:
            yield from _named(reference, field_path, known.names[reference.root])
        elif text := unknown_field(reference, fields):
            yield Problem("UnknownReference", field_path, text)
    if place.kind == "condition":
        yield from _condition(found[0], field_path, fields)


def item_problems(place: Place, task: Task, where: str) -> Iterator[Problem]:
    """Yield what a field reads of an item that its task has not."""
    for reference in dict.fromkeys(reads(place)):
        if reference.root not in ("item", "index") or reference.root not in place.roots:
            continue
        if not has_items(task):
            text = f"{reference}: task {task.name!r} has no items; give it forEach or matrix"
            yield Problem("UnknownReference", f"{where}.{place.field}", text)
        elif reference.root == "item" and task.count is not None:
            text = f"{reference}: items of a count are nothing but numbers; use index, or forEach"
            yield Problem("UnknownReference", f"{where}.{place.field}", text)


def list_problems(place: Place, where: str, fan_outs: frozenset[str]) -> Iterator[Problem]:
    """What reads the outputs of a task with items of the same phase must pick an item."""
    for ref in reads(place) if fan_outs else ():
        outputs = ref.root == "tasks" and ref.steps[2:3] == ("outputs",)
        if outputs and ref.steps[1] in fan_outs and _names_a_key(ref, 3):
            yield _not_a_list(ref, str(ref.steps[1]), f"{where}.{place.field}")


def output_of_phase(
    reference: Reference, where: str, there: Mapping[str, Task]
) -> Iterator[Problem]:
    """What reads another phase must name one of its tasks, and pick an item of a fan-out."""
    if reference.root != "phases" or reference.steps[2:3] != ("outputs",):
        return
    if len(reference.steps) < 4:
        return
    name = str(reference.steps[3])
    source = there.get(name)
    if there and source is None:
        text = f"{reference}: phase {reference.steps[1]!r} has no task {reference.steps[3]!r}"
        yield Problem(
            "UnknownReference", where, f"{text}; {_near(name, there)}name one of its tasks"
        )
    elif source and has_items(source) and _names_a_key(reference, 4):
        yield _not_a_list(reference, source.name, where)


def _named(reference: Reference, where: str, names: frozenset[str]) -> Iterator[Problem]:
    root, name = reference.root, reference.steps[1]
    fields = OF_NAMED.get(root)
    if name not in names:
        text = f"{reference}: no {name!r} here; {_near(str(name), names)}{_HINTS[root]}"
        yield Problem("UnknownReference", where, text)
    elif fields is not None and not set(reference.steps[2:3]) & set(fields):
        there = ", ".join(fields)
        text = f"{reference} must go on with one of {there}, as in {root}.{name}.outputs"
        yield Problem("InvalidPath", where, text)


def _near(word: str, known: Mapping[str, Task] | frozenset[str]) -> str:
    near = nearest(word, sorted(known))
    return f"did you mean {near}? " if near else ""


def _condition(
    expression: Expression, where: str, fields: Mapping[str, Fields]
) -> Iterator[Problem]:
    kind = surely_gives(expression, lambda reference: gives(reference, fields))
    if kind not in ("", BOOLEAN):
        text = f"it gives {kind}, never true or false; compare it, as in size(x) > 0"
        yield Problem("InvalidExpression", where, text)


def _names_a_key(reference: Reference, place: int) -> bool:
    return len(reference.steps) > place and not isinstance(reference.steps[place], int)


def _not_a_list(reference: Reference, task: str, where: str) -> Problem:
    text = f"{reference}: task {task!r} has items, so its outputs are a list; write outputs"
    return Problem("InvalidPath", where, f"{text} for all of them, or an item such as [0]")
