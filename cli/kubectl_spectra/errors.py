"""What can go wrong, as one sentence and an exit code."""

from __future__ import annotations

from typing import IO, Any

import click

OK = 0
FAILED = 1
"""The workflow failed, or a check found something."""
USAGE = 2
NOT_FOUND = 3
REFUSED = 4
UNREACHABLE = 5
INTERNAL = 70
TIMEOUT = 124
INTERRUPTED = 130


class CliError(click.ClickException):
    """The command cannot go on; the text names the object and what to do."""

    exit_code = FAILED

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence to standard error."""
        click.echo(f"error: {self.format_message()}", file=file, err=True)


class UsageProblem(CliError):  # noqa: N818 - as kube.errors
    """What was typed does not fit together."""

    exit_code = USAGE


class NotFound(CliError):  # noqa: N818 - as kube.errors
    """The object does not exist, or the cluster does not know its kind."""

    exit_code = NOT_FOUND


class UnknownKind(NotFound):
    """The cluster does not know the kind."""


class Refused(CliError):  # noqa: N818 - as kube.errors
    """The API server or the operator said no."""

    exit_code = REFUSED


class Exists(Refused):
    """There is an object of that name already."""


class Unreachable(CliError):  # noqa: N818 - as kube.errors
    """The cluster does not answer, or nothing says where it is."""

    exit_code = UNREACHABLE


class TimedOut(CliError):  # noqa: N818 - as kube.errors
    """What was waited for did not come in time."""

    exit_code = TIMEOUT
