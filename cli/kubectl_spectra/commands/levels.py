"""suspend, resume and set: fields of the spec that may change while it runs."""

from __future__ import annotations

from typing import Any

import click

from ..errors import UsageProblem
from ..kinds import WORKFLOWS
from ..session import Session, cluster_options
from ..targets import parse_target
from ..view import ENDS
from .common import NAME


@click.command()
@NAME
@cluster_options
@click.pass_obj
def suspend(session: Session, target: str) -> None:
    """Start nothing new in a workflow; what runs goes on."""
    _suspended(session, target, on=True)


@click.command()
@NAME
@cluster_options
@click.pass_obj
def resume(session: Session, target: str) -> None:
    """Go on with a suspended workflow."""
    _suspended(session, target, on=False)


def _suspended(session: Session, target: str, *, on: bool) -> None:
    wanted = parse_target(target)
    body = session.cluster.patch(wanted.kind, wanted.name, {"spec": {"suspend": on}})
    session.say(f"{wanted.title} {'suspended' if on else 'resumed'}")
    state = str((body.get("status") or {}).get("state"))
    if state in ENDS:
        session.note(f"it has ended ({state}); this holds for a retry only")


@click.group(name="set")
def set_() -> None:
    """Change what may change while a workflow runs."""


@set_.command()
@NAME
@click.argument("value", type=click.IntRange(-1_000_000, 1_000_000))
@cluster_options
@click.pass_obj
def priority(session: Session, target: str, value: int) -> None:
    """Change the priority: higher goes first where workflows wait for the same agent.

    A negative one is written after two dashes: set priority NAME -- -5.
    """
    _set(session, target, "priority", value)


@set_.command()
@NAME
@click.argument("value", metavar="COUNT|none")
@cluster_options
@click.pass_obj
def parallelism(session: Session, target: str, value: str) -> None:
    """Change how many attempts may run at once; none lifts the limit."""
    if value != "none" and not (value.isascii() and value.isdigit() and int(value) > 0):
        raise UsageProblem(f"{value!r}: write a number of attempts from 1, or none")
    _set(session, target, "parallelism", None if value == "none" else int(value))


def _set(session: Session, target: str, field: str, value: Any) -> None:
    wanted = parse_target(target)
    session.cluster.patch(wanted.kind, wanted.name, {"spec": {field: value}})
    shown = "unlimited" if value is None else value
    note = "" if wanted.kind == WORKFLOWS else " (holds only if it stands alone)"
    session.say(f"{wanted.title} {field} set to {shown}{note}")
