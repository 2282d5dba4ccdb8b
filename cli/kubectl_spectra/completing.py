"""Completions that ask the cluster; where it does not answer there are none."""

from __future__ import annotations

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from . import pictures
from .cluster import Body, Cluster
from .errors import CliError
from .kinds import AGENTS, PHASES, TEMPLATES, WORKFLOWS
from .session import Session
from .targets import fetch, parse_agent, parse_target

Items = list[CompletionItem[str]]


def names(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete the names of workflows; after phase/ those of phases that stand alone."""
    if incomplete.startswith("phase/"):
        return _safely(_phases, context, incomplete)
    return _safely(_workflows, context, incomplete)


def templates(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete template/NAME."""

    def ask(cluster: Cluster) -> Items:
        found = cluster.find(TEMPLATES)["items"]
        return [CompletionItem(f"template/{_name(body)}") for body in found]

    return _safely(ask, context, incomplete)


def agents(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete the names of agents, each with how far its rollout has come."""

    def ask(cluster: Cluster) -> Items:
        found = cluster.find(AGENTS)["items"]
        return [CompletionItem(_name(body), help=_rollout(body).get("state")) for body in found]

    return _safely(ask, context, incomplete)


def revisions(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete the revisions that the history of the agent before on the line has promoted."""
    # Behind an option without its value click has not told the arguments apart yet.
    name = context.params.get("agent") or next(iter(context.args), "")
    if not name:
        return []

    def ask(cluster: Cluster) -> Items:
        history = _rollout(fetch(cluster, parse_agent(name))).get("history") or ()
        known = dict.fromkeys(e["revision"] for e in history if e["outcome"] == "Promoted")
        return [CompletionItem(revision) for revision in known]

    return _safely(ask, context, incomplete)


def tasks(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete the tasks of the run that stands before on the line."""
    # Behind an option without its value click has not told the arguments apart yet.
    name = context.params.get("target") or next(iter(context.args), "")
    if not name:
        return []

    def ask(cluster: Cluster) -> Items:
        run = pictures.asked(cluster, parse_target(name))
        return [
            CompletionItem(task.path, help=task.state)
            for phase in run.phases
            for task in phase.tasks
        ]

    return _safely(ask, context, incomplete)


def _workflows(cluster: Cluster) -> Items:
    found = cluster.find(WORKFLOWS)["items"]
    return [
        CompletionItem(_name(body), help=(body.get("status") or {}).get("state")) for body in found
    ]


def _phases(cluster: Cluster) -> Items:
    found = cluster.find(PHASES)["items"]
    return [CompletionItem(f"phase/{_name(b)}") for b in found if not b["spec"].get("workflowRef")]


def _rollout(agent: Body) -> Body:
    found: Body = (agent.get("status") or {}).get("rollout") or {}
    return found


def _name(body: Body) -> str:
    return str(body["metadata"]["name"])


def _safely(ask: Callable[[Cluster], Items], context: click.Context, incomplete: str) -> Items:
    session = context.ensure_object(Session)
    try:
        items = ask(session.cluster)
    except CliError:
        return []
    return [item for item in items if str(item.value).startswith(incomplete)]


def sources(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete names of workflows, and files."""
    return [*names(context, parameter, incomplete), CompletionItem(incomplete, type="file")]
