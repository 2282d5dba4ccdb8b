"""Checks of typed values: parameters with their declarations, and what outputs declare."""

from __future__ import annotations

from collections.abc import Iterator

from ...api.task import Task
from ...api.values import Output, Parameter, ValueType
from ..language.expressions import ExpressionError, check_pattern
from ..language.typed import value_problem
from .problems import Problem

_NUMBERS = (ValueType.INTEGER, ValueType.NUMBER)


def parameter_problems(
    parameters: list[Parameter], where: str = "spec.parameters", *, needed: bool
) -> Iterator[Problem]:
    """Yield what is wrong with parameters.

    Args:
        parameters: As declared, with their values.
        where: Field of the list.
        needed: Whether each must have a value or a default; in a template it need not.
    """
    for parameter in parameters:
        field = f"{where}[{parameter.name}]"
        broken = list(_declaration(parameter, field))
        yield from broken
        yield from _bounds(parameter, field)
        if not broken:
            yield from _values(parameter, field)
        if needed and parameter.value is None and parameter.default is None:
            text = "has no value; give value or default"
            yield Problem("MissingParameter", f"{field}.value", text)


def output_problems(task: Task, where: str) -> Iterator[Problem]:
    """Yield what is wrong with what a task promises to return."""
    for name, output in task.outputs.items():
        yield from _declaration(output, f"{where}.outputs.{name}")


def _declaration(declared: Parameter | Output, field: str) -> Iterator[Problem]:
    if declared.pattern is not None:
        if declared.type not in (None, ValueType.STRING):
            text = f"is for text, and the type is {declared.type}; drop one of them"
            yield Problem("InvalidPattern", f"{field}.pattern", text)
        try:
            check_pattern(declared.pattern)
        except ExpressionError as error:
            yield Problem("InvalidPattern", f"{field}.pattern", str(error))
    for index, choice in enumerate(declared.enum or ()):
        alone = declared.model_copy(update={"enum": None, "pattern": None})
        wrong = value_problem(choice, alone)
        if wrong:
            yield Problem("InvalidChoice", f"{field}.enum[{index}]", f"{wrong}; nobody can give it")


def _bounds(parameter: Parameter, field: str) -> Iterator[Problem]:
    least, most = parameter.minimum, parameter.maximum
    for name, bound in (("minimum", least), ("maximum", most)):
        if bound is not None and parameter.type not in _NUMBERS:
            text = f"is for numbers, and the type is {parameter.type}; change the type or drop it"
            yield Problem("InvalidBounds", f"{field}.{name}", text)
    if least is not None and most is not None and least > most:
        text = f"is {least}, larger than maximum {most}; no value could be right"
        yield Problem("InvalidBounds", f"{field}.minimum", text)


def _values(parameter: Parameter, field: str) -> Iterator[Problem]:
    for name, value in (("value", parameter.value), ("default", parameter.default)):
        wrong = "" if value is None else value_problem(value, parameter)
        if wrong:
            text = f"{wrong}; change the {name} or the declaration"
            yield Problem("InvalidParameter", f"{field}.{name}", text)
