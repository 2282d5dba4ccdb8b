"""completion and version, and what kubectl asks to complete `kubectl spectra`."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version

import click
from click.shell_completion import ShellComplete, get_completion_class

from ..output import machine_option
from ..program import COMPLETE_VARIABLE
from ..session import Session

PROGRAM = "kubectl-spectra"
NO_FILES = 4
"""What kubectl takes for: offer no file names."""
DEFAULT = 0


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete `kubectl-spectra`.

    `kubectl spectra` itself is completed by kubectl's own completion, which asks
    kubectl_complete-spectra: there is nothing to set up beyond `kubectl completion`.
    """
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(made(context.find_root().command, {}, PROGRAM, COMPLETE_VARIABLE).source())


@click.command(name="version")
@machine_option()
@click.pass_obj
def version_(session: Session, output: str | None) -> None:
    """Print the version of this program."""
    try:
        found = version("spectra-operator")
    except PackageNotFoundError:
        found = "unknown"
    if output:
        session.say(json.dumps({"version": found}) if output == "json" else f"version: {found}")
    else:
        session.say(f"kubectl-spectra {found}")


def for_kubectl(program: click.Command, arguments: list[str]) -> str:
    """Return completions as kubectl wants them: a line each, then a directive.

    Args:
        program: The program.
        arguments: The words after `kubectl spectra`; the last is incomplete.
    """
    *before, incomplete = arguments or [""]
    items = ShellComplete(program, {}, PROGRAM, COMPLETE_VARIABLE).get_completions(
        before, incomplete
    )
    lines = [
        f"{item.value}\t{item.help}" if item.help else str(item.value)
        for item in items
        if item.type == "plain"
    ]
    files = any(item.type in ("file", "dir") for item in items)
    return "\n".join([*lines, f":{DEFAULT if files else NO_FILES}"])
