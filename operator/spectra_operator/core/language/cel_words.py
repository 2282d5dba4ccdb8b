"""Says in plain words why the CEL library could not compile or run an expression."""

from __future__ import annotations

import re

from .cel_text import ExpressionError

_PLACE = re.compile(r"ERROR: <input>:\d+:(\d+): (.*)")
_FUNCTION = re.compile(
    r"Function '_?(?:f_)?(\w+)' error: (.*?)(?:\. Check function .*)?$", re.DOTALL
)
_UNDEFINED = re.compile(r"Undefined variable or function: '(?:_f_)?(\w+)'")
_OPERATION = re.compile(r"Unsupported operation: (.*?)\. CEL does not")
_KIND = re.compile(r"Unexpected type: got '(\w+)', want '([\w|]+)'")
_PANIC = "PanicException"
_CONVERT = "convert with int(), double() or string()"


class NotCelError(ExpressionError):
    """The CEL library could not parse an expression."""


def compile_words(error: BaseException) -> NotCelError:
    """Return why an expression is not CEL; anything that is not about it is raised again."""
    _own(error)
    found = _PLACE.search(str(error))
    if found is None:
        return NotCelError("it is not a CEL expression")
    said = found.group(2).removeprefix("Syntax error: ").split(" expecting ")[0]
    return NotCelError(f"it is not a CEL expression: character {found.group(1)}: {said}")


def run_words(error: BaseException) -> ExpressionError:
    """Return why an expression gives nothing; anything that is not about it is raised again."""
    _own(error)
    return ExpressionError(_sentence(error, str(error)))


def _own(error: BaseException) -> None:
    """A panic of the library is no Exception, and is the expression's fault all the same."""
    if not isinstance(error, Exception) and type(error).__name__ != _PANIC:
        raise error


def _sentence(error: BaseException, said: str) -> str:
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    if isinstance(error, OverflowError):
        return "a number is too large or too small for its type"
    if isinstance(error, KeyError):
        return f"there is no {said.strip(chr(34))} in it; ask with has() first"
    if isinstance(error, IndexError):
        return f"there is no entry {said.rsplit(' ', 1)[-1]} in the list; ask with size() first"
    if isinstance(error, TypeError):
        return _types(said)
    return _other(said)


def _types(said: str) -> str:
    if match := _OPERATION.search(said):
        return f"{match.group(1)} does not work; {_CONVERT}"
    if match := _KIND.search(said):
        wanted = match.group(2).replace("|", " or ")
        return f"there is a {match.group(1)} where {wanted} is needed; {_CONVERT}"
    return (
        "a field, operator or function was used on a value of a type that it does not take, "
        f"such as null; {_CONVERT}, ask for null with == null"
    )


def _other(said: str) -> str:
    if match := _UNDEFINED.search(said):
        return f"{match.group(1)}() does not take such a value; {_CONVERT}"
    if match := _FUNCTION.search(said):
        return f"{match.group(1)}() failed: {match.group(2).strip()}"
    if "convert" in said.lower():
        return "a value that it reads cannot be used in CEL, such as text that is not Unicode"
    return f"the CEL library refused it: {said[:120]}"
