"""Keeping the fake nodes of a cluster as asked: KWOK running, Node objects there and ready."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from cluster import kwok, packages, processes
from cluster import state as states
from cluster.errors import ComponentFailed, ProviderRefused
from cluster.kwok import A_SECOND, Lasting
from cluster.providers.base import Context
from cluster.state import ClusterState

READY_SECONDS = 120.0
POLL_SECONDS = 0.25


def ensure(
    context: Context, prefix: Sequence[str], wanted: int, lasting: Lasting = A_SECOND
) -> None:
    """Make sure that the cluster has at least ``wanted`` fake nodes, or those it had.

    Args:
        context: The cluster.
        prefix: What to put before KWOK's command line, to reach the API server.
        wanted: How many nodes the user asked for; 0 keeps those there are.
        lasting: How long pods run; a KWOK that runs already keeps what it was told.

    Raises:
        ComponentFailed: KWOK died, or the nodes don't become ready.
        ProviderRefused: The cluster is not one that this tool made.
    """
    state = states.load(context.paths.state_file)
    count = max(wanted, state.kwok_nodes if state is not None else 0)
    if count == 0:
        return
    if state is None or state.provider == "existing":
        raise ProviderRefused("--kwok-nodes needs a cluster that this tool made: local or kind")
    running = kwok.PROCESS in state.processes and processes.is_alive(state.processes[kwok.PROCESS])
    if running and count == state.kwok_nodes:
        return
    state = replace(state, kwok_nodes=count)
    if not running:
        state = state.with_process(kwok.PROCESS, _start(context, prefix, lasting))
    states.save(context.paths.state_file, state)
    kwok.create_nodes(context.paths.kubeconfig, count)
    _wait(context, state)
    context.console.say(f"{count} fake nodes are ready")


def _start(context: Context, prefix: Sequence[str], lasting: Lasting) -> processes.ProcessId:
    binary = context.builder.ensure([kwok.PROCESS])[kwok.PROCESS]
    context.paths.conf.mkdir(parents=True, exist_ok=True)
    context.paths.logs.mkdir(parents=True, exist_ok=True)
    config = context.paths.conf / "kwok.yaml"
    config.write_text(kwok.configuration(kwok.stock_stages(), lasting))
    command = [*prefix, *kwok.command(binary, context.paths.kubeconfig, config)]
    environ = {"PATH": packages.SYSTEM_PATH, "HOME": str(context.paths.root)}
    return processes.spawn(command, context.paths.log(kwok.PROCESS), environ)


def _wait(context: Context, state: ClusterState) -> None:
    deadline = time.monotonic() + READY_SECONDS
    log = context.paths.log(kwok.PROCESS)
    while (ready := kwok.ready_nodes(context.paths.kubeconfig)) < state.kwok_nodes:
        if not processes.is_alive(state.processes[kwok.PROCESS]):
            raise ComponentFailed(f"kwok died; see {log}")
        if time.monotonic() > deadline:
            raise ComponentFailed(f"{ready} of {state.kwok_nodes} fake nodes ready; see {log}")
        time.sleep(POLL_SECONDS)
