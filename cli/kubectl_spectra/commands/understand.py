"""explain, graph and why: what would run, written out and drawn, and what keeps it."""

from __future__ import annotations

from dataclasses import asdict

import click

from .. import completing, graphs, pictures, reasons
from ..documents import is_file
from ..output import machine, machine_option
from ..session import Session, cluster_options
from ..specs import load
from ..targets import parse_target
from ..view import RunRow, phase_view, workflow_view
from .common import NAME

SOURCE = click.argument(
    "sources", metavar="FILE...|NAME", nargs=-1, required=True, shell_complete=completing.sources
)
"""Files, or one workflow of the cluster."""


@click.command()
@SOURCE
@click.option(
    "-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", help="Output format."
)
@cluster_options
@click.pass_obj
def explain(session: Session, sources: tuple[str, ...], output: str) -> None:
    """Write a workflow out: templates put in, patterns as plain tasks, parameters with values.

    A template that stands in another file is found when that file is given too. NAME may be
    phase/NAME, for a phase that stands alone.
    """
    session.say(machine(load(session, sources).to_body(), output))


@click.command()
@SOURCE
@click.option(
    "--format",
    "form",
    type=click.Choice(["dot", "mermaid"]),
    default="dot",
    show_default=True,
    help="Language of the drawing.",
)
@click.option("--phases", "phases_only", is_flag=True, help="Draw the phases without their tasks.")
@cluster_options
@click.pass_obj
def graph(session: Session, sources: tuple[str, ...], form: str, phases_only: bool) -> None:
    """Draw a workflow as a graph; of one in the cluster, states are colours.

    dot is for Graphviz: kubectl spectra graph NAME | dot -Tsvg > graph.svg. mermaid can stand in
    Markdown.
    """
    live = not is_file(sources[0])
    run = _run(session, sources, live=live)
    draw = graphs.dot if form == "dot" else graphs.mermaid
    session.say(draw(run, live=live, phases_only=phases_only))


def _run(session: Session, sources: tuple[str, ...], *, live: bool) -> RunRow:
    if live and len(sources) == 1:
        return pictures.asked(session.cluster, parse_target(sources[0]))
    body = load(session, sources).to_body()
    return workflow_view(body, ()) if body["kind"] == "Workflow" else phase_view(body)


@click.command()
@NAME
@click.argument("path", metavar="[PHASE[/TASK]]", required=False, shell_complete=completing.tasks)
@machine_option()
@cluster_options
@click.pass_obj
def why(session: Session, target: str, path: str | None, output: str | None) -> None:
    """Name the limit or the dependency that keeps a task, a phase or a workflow from going on.

    Each line explains the one before; the last one is the cause. For a phase that stands alone
    write why phase/NAME TASK.
    """
    wanted = parse_target(target)
    reasons.check(wanted, path or "")
    objects = reasons.gather(session.cluster, wanted)
    chain = reasons.chain(objects, wanted, path or "")
    if output:
        session.say(machine([asdict(link) for link in chain], output))
        return
    for place, link in enumerate(chain):
        session.say(f"{'  ' * place}{link}")
