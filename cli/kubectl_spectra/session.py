"""What all commands share: the cluster, the console, and the options that choose them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

import click
from rich.console import Console

from .cluster import Access, Cluster

F = TypeVar("F", bound=Callable[..., Any])

WIDE = 10_000
"""Columns of an output that nobody looks at: lines are never broken for a program."""


@dataclass
class Session:
    """One call of the program.

    Attributes:
        access: Where the cluster is, as the options say.
    """

    access: Access = field(default_factory=Access)

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster; nothing is sent before it is asked."""
        return Cluster(self.access)

    @cached_property
    def console(self) -> Console:
        """Standard output, in colour only on a terminal."""
        return console_for(sys.stdout)

    @cached_property
    def errors(self) -> Console:
        """Standard error: what is said beside the result."""
        return console_for(sys.stderr)

    def say(self, text: str = "") -> None:
        """Print a plain line of the result."""
        click.echo(text)

    def note(self, text: str) -> None:
        """Print a line that is not part of the result."""
        click.echo(text, err=True)


def console_for(stream: Any) -> Console:
    """Return a console that writes to a stream and breaks lines on a terminal only."""
    tty = stream.isatty()
    return Console(file=stream, highlight=False, emoji=False, width=None if tty else WIDE)


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


def cluster_options(command: F) -> F:
    """Give a command kubectl's options that choose the cluster, the namespace and the user."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _set(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """Lay an option's value over what the command before it was given."""

    def callback(context: click.Context, _: click.Parameter, value: Any) -> None:
        access = context.ensure_object(Session).access
        if value not in (None, ()):
            setattr(access, name, value)

    return callback


def _option(flags: tuple[str, ...], name: str, text: str, **settings: Any) -> Callable[[F], F]:
    # Eager: completions of other parameters ask the cluster that these choose.
    return click.option(
        *flags, name, callback=_set(name), expose_value=False, is_eager=True, help=text, **settings
    )


_OPTIONS = (
    _option(("-n", "--namespace"), "namespace", "Namespace; the context's own by default."),
    _option(("--context",), "context", "Context of the kubeconfig."),
    _option(
        ("--kubeconfig",), "kubeconfig", "Path of the kubeconfig.", type=click.Path(dir_okay=False)
    ),
    _option(("--as",), "as_user", "User to act as.", metavar="USER"),
    _option(
        ("--as-group",),
        "as_groups",
        "Group to act as; may come often.",
        multiple=True,
        metavar="GROUP",
    ),
)
