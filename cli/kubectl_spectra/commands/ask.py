"""cancel, terminate, retry, rerun, skip, mark-succeeded: what is asked for by an Action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from spectra_operator.api.action import ActionState, ActionType

from .. import completing
from ..actions import Request, action_body, outcome
from ..errors import Refused
from ..kinds import ACTIONS
from ..output import machine
from ..reasons import see_task
from ..session import Session, cluster_options
from ..targets import fetch, parse_target, parse_task
from ..values import as_json, pairs
from .common import NAME, TASK

F = TypeVar("F", bound=Callable[..., Any])

WAIT_SECONDS = 60.0


def asking(*, needs_reason: bool) -> Callable[[F], F]:
    """Return what gives a command the options of every request."""
    options: list[Callable[[Any], Any]] = [
        click.option(
            "--reason",
            required=needs_reason,
            help="Why, in a sentence; it is kept in the status."
            + ("" if needs_reason else " One is made up if it is left out."),
        ),
        click.option("--wait", is_flag=True, help="Wait until it is applied or refused."),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0),
            default=WAIT_SECONDS,
            show_default=True,
            metavar="SECONDS",
            help="How long to wait.",
        ),
        # Short only: --output is what a task is taken to have returned.
        click.option(
            "-o", "form", type=click.Choice(["json", "yaml", "name"]), help="Output format."
        ),
        cluster_options,
        click.pass_obj,
    ]

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.command()
@NAME
@asking(needs_reason=False)
def cancel(session: Session, target: str, **how: Any) -> None:
    """Stop what runs in a workflow, run its finally tasks, and end it Cancelled."""
    ask(session, Request(ActionType.CANCEL, parse_target(target)), **how)


@click.command()
@NAME
@asking(needs_reason=False)
def terminate(session: Session, target: str, **how: Any) -> None:
    """Stop a workflow at once; not even its finally tasks run."""
    ask(session, Request(ActionType.TERMINATE, parse_target(target)), **how)


@click.command()
@NAME
@click.option(
    "--task", metavar="PHASE/TASK", shell_complete=completing.tasks, help="Only this task."
)
@asking(needs_reason=False)
def retry(session: Session, target: str, task: str | None, **how: Any) -> None:
    """Do again what failed in a workflow, and what did not run because of it."""
    wanted = parse_target(target)
    path = parse_task(wanted, task) if task else None
    ask(session, Request(ActionType.RETRY, wanted, path), **how)


@click.command()
@NAME
@TASK
@asking(needs_reason=False)
def rerun(session: Session, target: str, task: str, **how: Any) -> None:
    """Do a task again, whatever its state, and all that follows from it."""
    wanted = parse_target(target)
    ask(session, Request(ActionType.RERUN, wanted, parse_task(wanted, task)), **how)


@click.command()
@NAME
@TASK
@asking(needs_reason=True)
def skip(session: Session, target: str, task: str, **how: Any) -> None:
    """Treat a task that has not succeeded as skipped, and go on."""
    wanted = parse_target(target)
    ask(session, Request(ActionType.SKIP, wanted, parse_task(wanted, task)), **how)


@click.command(name="mark-succeeded")
@NAME
@TASK
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="KEY=VALUE",
    help="What the task is taken to have returned; JSON, else a string. May come often.",
)
@asking(needs_reason=True)
def mark_succeeded(
    session: Session, target: str, task: str, outputs: tuple[str, ...], **how: Any
) -> None:
    """Treat a task that has not succeeded as done, with the outputs given here."""
    wanted = parse_target(target)
    values = {key: as_json(text) for key, text in pairs(outputs, "--output").items()}
    path = parse_task(wanted, task)
    ask(session, Request(ActionType.MARK_SUCCEEDED, wanted, path, values or None), **how)


def ask(
    session: Session,
    request: Request,
    *,
    reason: str | None,
    wait: bool,
    timeout: float,
    form: str | None,
) -> None:
    """Make the Action of a request and tell what came of it; see `asking` for the options.

    Raises:
        Refused: It was refused; the text says why.
    """
    target = fetch(session.cluster, request.target)
    if request.task:
        see_task(session.cluster, request.target, target, request.task)
    body = action_body(request, target["metadata"]["uid"], session.cluster.whoami(), reason)
    made = session.cluster.create(ACTIONS, body)
    if wait:
        made = outcome(session.cluster, made, timeout)
    _print(session, request, made, form)
    status = made.get("status") or {}
    if status.get("state") == ActionState.REFUSED:
        title = request.target.title
        raise Refused(f"{request.type} of {title} was refused: {status.get('message')}")


def _print(session: Session, request: Request, made: dict[str, Any], form: str | None) -> None:
    name = made["metadata"]["name"]
    status = made.get("status") or {}
    if form == "name":
        session.say(f"action.spectra.dev/{name}")
    elif form:
        session.say(machine(made, form))
    elif status.get("state") == ActionState.APPLIED:
        message = f": {status['message']}" if status.get("message") else ""
        session.say(f"{request.target.title}: {request.type} applied{message}")
    elif status.get("state") != ActionState.REFUSED:
        session.say(f"{request.target.title}: {request.type} asked for (action {name})")
