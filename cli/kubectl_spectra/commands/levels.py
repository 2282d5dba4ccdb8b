"""suspend, resume and set: fields of the spec that may change while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from .. import session as shell
from ..errors import NotFound, UnknownKind, UsageProblem
from ..kinds import WORKFLOWS
from ..levels import level_patch
from ..session import Session, cluster_options
from ..targets import missing, parse_target
from ..view import ENDS
from .common import NAME


def changing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what every change of a level needs."""
    reason = click.option("--reason", help="Why, in a sentence; it is kept in the status.")
    return reason(cluster_options(click.pass_obj(command)))


@click.command()
@NAME
@changing
def suspend(session: Session, /, target: str, reason: str | None) -> None:
    """Start nothing new in a workflow; what runs goes on."""
    _suspended(session, target, reason, on=True)


@click.command()
@NAME
@changing
def resume(session: Session, /, target: str, reason: str | None) -> None:
    """Go on with a suspended workflow."""
    _suspended(session, target, reason, on=False)


def _suspended(session: Session, target: str, reason: str | None, *, on: bool) -> None:
    body = _change(session, target, "suspend", on, reason)
    session.say(f"{parse_target(target).title} {'suspended' if on else 'resumed'}")
    state = str((body.get("status") or {}).get("state"))
    if state in ENDS:
        session.note(f"it has ended ({state}); this holds for a retry only")


@click.group(name="set")
def set_() -> None:
    """Change what may change while a workflow runs."""


@set_.command()
@NAME
@click.argument("value", type=click.IntRange(-1_000_000, 1_000_000))
@changing
def priority(session: Session, /, target: str, value: int, reason: str | None) -> None:
    """Change the priority: higher goes first where workflows wait for the same agent.

    A negative one is written after two dashes: set priority NAME -- -5.
    """
    _set(session, target, "priority", value, reason)


@set_.command()
@NAME
@click.argument("value", metavar="COUNT|none")
@changing
def parallelism(session: Session, /, target: str, value: str, reason: str | None) -> None:
    """Change how many attempts may run at once; none lifts the limit."""
    if value != "none" and not (value.isascii() and value.isdigit() and int(value) > 0):
        raise UsageProblem(f"{value!r}: write a number of attempts from 1, or none")
    _set(session, target, "parallelism", None if value == "none" else int(value), reason)


def _set(session: Session, target: str, field: str, value: Any, reason: str | None) -> None:
    wanted = parse_target(target)
    _change(session, target, field, value, reason)
    shown = "unlimited" if value is None else value
    note = "" if wanted.kind == WORKFLOWS else " (holds only if it stands alone)"
    session.say(f"{wanted.title} {field} set to {shown}{note}")


def _change(
    session: Session, target: str, field: str, value: Any, reason: str | None
) -> dict[str, Any]:
    wanted, cluster = parse_target(target), session.cluster
    patch = level_patch(field, value, cluster.whoami(), reason, shell.now())
    try:
        return cluster.patch(wanted.kind, wanted.name, patch)
    except UnknownKind:
        raise
    except NotFound:
        raise missing(cluster, wanted.kind, wanted.name) from None
