"""All commands, put together."""

from __future__ import annotations

import click

from .commands.ask import cancel, mark_succeeded, rerun, retry, skip, terminate
from .commands.completion import completion, version_
from .commands.levels import resume, set_, suspend
from .commands.lint import lint
from .commands.logs import logs
from .commands.rollout import rollout
from .commands.show import get, tree
from .commands.simulate import simulate_
from .commands.submit import submit
from .commands.understand import explain, graph, why
from .program import Program
from .session import cluster_options

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Program, context_settings=_SETTINGS, no_args_is_help=True)
@cluster_options
def program() -> None:
    """Submit, follow, steer and understand Spectra's workflows."""


for command in (
    submit,
    get,
    tree,
    logs,
    suspend,
    resume,
    set_,
    cancel,
    terminate,
    retry,
    rerun,
    skip,
    mark_succeeded,
    rollout,
    why,
    lint,
    explain,
    simulate_,
    graph,
    completion,
    version_,
):
    program.add_command(command)
