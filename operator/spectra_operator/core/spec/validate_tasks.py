"""Checks of one task by itself: fields that exclude each other, items, retry rules."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...api.common import RetryPolicy
from ...api.constants import MAX_COUNT
from ...api.task import Task
from ..language.templates import parts
from .problems import Problem
from .validate_values import output_problems


def task_problems(task: Task, where: str) -> Iterator[Problem]:
    """Yield what is wrong with one task; `where` is its field."""
    yield from _agent(task, where)
    yield from _items(task, where)
    yield from _for_each(task, where)
    yield from _matrix(task, where)
    yield from output_problems(task, where)
    yield from _rules(task.retry, f"{where}.retry")
    for index, fallback in enumerate(task.fallback):
        yield from _rules(fallback.retry, f"{where}.fallback[{index}].retry")
    if task.compensate is not None:
        yield from _rules(task.compensate.retry, f"{where}.compensate.retry")


def _agent(task: Task, where: str) -> Iterator[Problem]:
    if task.agent is None and task.requires is None:
        text = "is missing; name an agent, or say in requires what it must be able to do"
        yield Problem("MissingField", f"{where}.agent", text)
    if task.agent is not None and task.requires is not None:
        text = "stands beside requires; give one of agent and requires"
        yield Problem("ConflictingFields", f"{where}.agent", text)
    if task.requires is not None and task.planner is not None and not task.planner.agents:
        text = "is empty, and a planner with requires has no agent of its own; list the agents"
        yield Problem("MissingField", f"{where}.planner.agents", f"{text} of its tasks")


def _items(task: Task, where: str) -> Iterator[Problem]:
    given = [
        name
        for name, value in (
            ("count", task.count),
            ("forEach", task.for_each),
            ("matrix", task.matrix),
        )
        if value is not None
    ]
    if len(given) > 1:
        text = f"stands beside {' and '.join(given[1:])}; give one of count, forEach and matrix"
        yield Problem("ConflictingFields", f"{where}.{given[0]}", text)
    if given and task.planner is not None:
        text = f"a planner cannot have items; leave {given[0]} out, or let another task plan"
        yield Problem("ConflictingFields", f"{where}.planner", text)
    if not given and task.max_failed is not None:
        text = "only a task with items can have failed items; give count, forEach or matrix, or"
        yield Problem("ConflictingFields", f"{where}.maxFailed", f"{text} write allowFailure")


def _for_each(task: Task, where: str) -> Iterator[Problem]:
    if task.for_each is None:
        return
    yield from _list_or_template(task.for_each, f"{where}.forEach")
    if isinstance(task.for_each, list) and len(task.for_each) > MAX_COUNT:
        text = f"has {len(task.for_each)} entries, at most {MAX_COUNT} work; split the task"
        yield Problem("TooManyItems", f"{where}.forEach", text)


def _matrix(task: Task, where: str) -> Iterator[Problem]:
    if task.matrix is None:
        return
    if not task.matrix:
        text = "has no lists; name at least one, as in {codec: [zlib, lzma]}"
        yield Problem("InvalidItems", f"{where}.matrix", text)
    for name, values in task.matrix.items():
        yield from _list_or_template(values, f"{where}.matrix.{name}")
    product = math.prod(len(values) for values in task.matrix.values() if isinstance(values, list))
    if product > MAX_COUNT:
        text = f"makes {product} combinations, at most {MAX_COUNT} work; shorten a list"
        yield Problem("TooManyItems", f"{where}.matrix", text)


def _list_or_template(value: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, list) or (isinstance(value, str) and _is_one_expression(value)):
        return
    text = "must be a list, or one ${...} that gives a list"
    yield Problem("InvalidItems", where, f"{text}, as in ${{tasks.a.outputs.names}}")


def _is_one_expression(text: str) -> bool:
    """Whether a template is one expression; a malformed one is told of elsewhere."""
    try:
        found = list(parts(text))
    except ValueError:
        return True
    return len(found) == 1 and text.startswith("${")


def _rules(policy: RetryPolicy | None, where: str) -> Iterator[Problem]:
    for index, rule in enumerate(policy.rules if policy else ()):
        if rule.exit_codes is None and rule.reasons is None and rule.when is None:
            text = "says nothing of which failures it is for; give exitCodes, reasons or when"
            text = f"{text} (when: 'true' is for all)"
            yield Problem("EmptyRule", f"{where}.rules[{index}]", text)
