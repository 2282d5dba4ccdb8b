"""What several commands share: arguments and their ways to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

from .. import completing, errors
from ..view import RunRow

F = TypeVar("F", bound=Callable[..., Any])

NAME = click.argument("target", metavar="NAME", shell_complete=completing.names)
"""A workflow by name, or phase/NAME."""
TASK = click.argument("task", metavar="PHASE/TASK", shell_complete=completing.tasks)
ALL = click.option("--all", "everything", is_flag=True, help="Fold nothing, however long it is.")
TIMEOUT = click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Give up after this time."
)


def end(code: int) -> NoReturn:
    """End the program with an exit code."""
    raise click.exceptions.Exit(code)


def end_as(run: RunRow) -> NoReturn:
    """End the program as a run ended: 0 if it succeeded, else 1."""
    end(errors.OK if run.succeeded else errors.FAILED)
