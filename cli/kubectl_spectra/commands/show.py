"""get and tree: what there is, and how it goes."""

from __future__ import annotations

import click

from .. import pictures, watching
from .. import session as shell
from ..completing import names
from ..errors import UsageProblem
from ..kinds import PHASES, WORKFLOWS
from ..output import machine, machine_option, print_table, workflow_table
from ..session import Session, cluster_options
from ..targets import fetch, parse_target
from ..tree import render
from .common import ALL, NAME, TIMEOUT, end_as


@click.command()
@click.argument("target", metavar="[NAME]", required=False, shell_complete=names)
@click.option("-A", "--all-namespaces", is_flag=True, help="Workflows of all namespaces.")
@click.option("-l", "--selector", default="", help="Only workflows with these labels.")
@machine_option("wide", "name")
@cluster_options
@click.pass_obj
def get(
    session: Session, target: str | None, all_namespaces: bool, selector: str, output: str | None
) -> None:
    """List workflows, or show one."""
    if target:
        if all_namespaces or selector:
            raise UsageProblem("give NAME, or --all-namespaces and --selector; not both")
        wanted = parse_target(target)
        found = fetch(session.cluster, wanted)
        bodies, kind = [found], wanted.kind
    else:
        found = session.cluster.find(WORKFLOWS, labels=selector, everywhere=all_namespaces)
        bodies, kind = found["items"], WORKFLOWS
    if output in ("json", "yaml"):
        session.say(machine(found, output))
    elif output == "name":
        for body in bodies:
            session.say(f"{kind.name.lower()}.{kind.group}/{body['metadata']['name']}")
    elif not bodies:
        if not all_namespaces:
            session.cluster.check_namespace()
        where = "any namespace" if all_namespaces else f"namespace {session.cluster.namespace}"
        session.note(f"there are no workflows in {where}")
    else:
        wide = output == "wide"
        table = workflow_table(bodies, shell.now(), wide=wide, everywhere=all_namespaces)
        print_table(session.console, table)


@click.command()
@NAME
@click.option("-w", "--watch", is_flag=True, help="Stay, and show every change until it ends.")
@ALL
@TIMEOUT
@machine_option()
@cluster_options
@click.pass_obj
def tree(
    session: Session,
    target: str,
    watch: bool,
    everything: bool,
    timeout: float | None,
    output: str | None,
) -> None:
    """Show a workflow's phases, tasks and items, and why they wait.

    With --watch the exit code is that of the workflow: 0 if it succeeded, 1 if not. NAME may be
    phase/NAME, for a phase that stands alone.
    """
    wanted = parse_target(target)
    if watch:
        if output:
            raise UsageProblem("--watch draws for people; leave out -o")
        end_as(watching.show_until_end(session, wanted, everything=everything, seconds=timeout))
    if output:
        body = fetch(session.cluster, wanted)
        labels = f"spectra.dev/workflow={wanted.name}"
        phases = (
            [] if wanted.kind == PHASES else session.cluster.find(PHASES, labels=labels)["items"]
        )
        session.say(machine({"target": body, "phases": phases}, output))
        return
    run = pictures.asked(session.cluster, wanted)
    session.console.print(render(run, watching.tree_look(session.console, everything)))
