"""rollout: how an agent's new revision does, and what is asked for of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from spectra_operator.api.action import ActionType

from .. import completing, errors
from .. import session as shell
from ..actions import Request
from ..errors import NotFound, TimedOut, UsageProblem
from ..following import Follower, Source
from ..kinds import AGENTS
from ..output import machine, machine_option, print_table
from ..rollouts import RolloutView, history_table, lines, render, rollout_view
from ..session import Session, cluster_options
from ..targets import Target, fetch, missing, parse_agent
from ..watching import Deadline, shown_until_end
from .ask import ask, asking
from .common import TIMEOUT, end

AGENT = click.argument("agent", metavar="AGENT", shell_complete=completing.agents)


@click.group()
def rollout() -> None:
    """See how a new revision of an agent does, and promote, stop or take it back."""


@rollout.command()
@AGENT
@click.option("-w", "--watch", is_flag=True, help="Stay, and show every change until it ends.")
@TIMEOUT
@machine_option()
@cluster_options
@click.pass_obj
def status(
    session: Session, agent: str, watch: bool, timeout: float | None, output: str | None
) -> None:
    """Show how far the rollout of an agent has come, and how its revisions do.

    The exit code is 1 if it was rolled back or aborted, else 0.
    """
    wanted = parse_agent(agent)
    if output and watch:
        raise UsageProblem("--watch draws for people; leave out -o")
    if output:
        known = fetch(session.cluster, wanted).get("status") or {}
        found = {name: known[name] for name in ("rollout", "revisions") if name in known}
        session.say(machine(found, output))
        return
    if watch:
        views = _follow(session, wanted, Deadline(timeout))
        view = shown_until_end(session, views, lambda each: render(each, shell.now()), lines)
    else:
        view = rollout_view(fetch(session.cluster, wanted))
        print_table(session.console, render(view, shell.now()))
    end(errors.FAILED if view.went_back else errors.OK)


@rollout.command()
@AGENT
@machine_option()
@cluster_options
@click.pass_obj
def history(session: Session, agent: str, output: str | None) -> None:
    """List what became of an agent's last revisions, oldest first."""
    wanted = parse_agent(agent)
    body = fetch(session.cluster, wanted)
    view = rollout_view(body)
    if output:
        known = (body.get("status") or {}).get("rollout") or {}
        session.say(machine(known.get("history") or [], output))
    elif not view.record.history:
        session.note(f"{wanted.title} has no history yet")
    else:
        print_table(session.console, history_table(view, shell.now()))


@rollout.command()
@AGENT
@asking(needs_reason=True)
def promote(session: Session, agent: str, **how: Any) -> None:
    """Make the revision under way stable now, without the rest of gates and analysis."""
    ask(session, Request(ActionType.PROMOTE, parse_agent(agent)), **how)


@rollout.command()
@AGENT
@asking(needs_reason=False)
def abort(session: Session, agent: str, **how: Any) -> None:
    """Give up the revision under way; the stable one goes on."""
    ask(session, Request(ActionType.ABORT, parse_agent(agent)), **how)


@rollout.command()
@AGENT
@click.option(
    "--to-revision",
    metavar="REVISION",
    shell_complete=completing.revisions,
    help="A revision that was promoted; else the one before.",
)
@asking(needs_reason=False)
def undo(session: Session, agent: str, to_revision: str | None, **how: Any) -> None:
    """Give up what is under way, or else go back to the revision that was promoted before."""
    request = Request(ActionType.UNDO, parse_agent(agent), revision=to_revision)
    ask(session, request, **how)


@rollout.command(name="retry")
@AGENT
@asking(needs_reason=False)
def retry_(session: Session, agent: str, **how: Any) -> None:
    """Judge a revision that was rolled back or aborted from the start."""
    ask(session, Request(ActionType.RETRY, parse_agent(agent)), **how)


def _follow(session: Session, target: Target, deadline: Deadline) -> Iterator[RolloutView]:
    """Yield a rollout now and after each change; the last one is of its end.

    Raises:
        NotFound: There is no such agent, or it was deleted meanwhile.
        TimedOut: It has not ended by the deadline.
    """
    source = Source(AGENTS, fields=f"metadata.name={target.name}")
    with Follower(session.cluster, [source]) as follower:
        body = follower.get(AGENTS, target.name)
        if body is None:
            raise missing(session.cluster, AGENTS, target.name)
        while True:
            view = rollout_view(body)
            yield view
            if view.ended:
                return
            try:
                follower.wait(deadline.left)
            except TimedOut:
                text = f"the rollout of {target.title} has not ended in time; it is {view.state}"
                raise TimedOut(text) from None
            body = follower.get(AGENTS, target.name)
            if body is None:
                raise NotFound(f"{target.title} was deleted meanwhile")
