"""What a local cluster can have on top, for those who ask for it: metrics-server."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cluster import metrics, packages, processes
from cluster import state as states
from cluster.apiclient import ApiClient
from cluster.components import Layout, kubeconfig_of
from cluster.errors import ComponentFailed, ProviderRefused
from cluster.network import HostLink
from cluster.providers.base import Context
from cluster.state import ClusterState

ADDONS = (metrics.NAME,)
READY_SECONDS = 120.0
POLL_SECONDS = 0.25


def ensure_metrics_server(context: Context, prefix: Sequence[str]) -> None:
    """Make sure that metrics-server runs in a local cluster, and answers.

    Args:
        context: The cluster.
        prefix: What to put before its command line, to reach the cluster's network.

    Raises:
        ComponentFailed: It died, or does not answer.
        ProviderRefused: There is no cluster whose processes are this tool's.
    """
    state = states.load(context.paths.state_file)
    if state is None or state.provider != "local":
        raise ProviderRefused(
            f"{metrics.NAME} is started beside a local cluster (`up --provider local`); "
            "on any other, install its own manifest"
        )
    if not kubeconfig_of(context.paths, metrics.NAME).exists():
        raise ProviderRefused(
            f"this cluster was made without a certificate for {metrics.NAME}: `down`, then `up`"
        )
    process = state.processes.get(metrics.NAME)
    if process is None or not processes.is_alive(process):
        process = _start(context, state, prefix)
        states.save(context.paths.state_file, state.with_process(metrics.NAME, process))
    _wait(context, process)
    context.console.say(f"{metrics.NAME} answers")


def _start(context: Context, state: ClusterState, prefix: Sequence[str]) -> processes.ProcessId:
    binaries = context.builder.ensure([metrics.NAME])
    layout = Layout(context.paths, HostLink(state.index), binaries)
    client = ApiClient(context.paths.kubeconfig)
    for collection, bodies in metrics.objects((context.paths.pki / "ca.crt").read_bytes()).items():
        for body in bodies:
            client.create(collection, body)
    client.close()
    environ = {"PATH": packages.SYSTEM_PATH, "HOME": str(context.paths.root)}
    command = [*prefix, *metrics.command(layout)]
    return processes.spawn(command, context.paths.log(metrics.NAME), environ)


def _wait(context: Context, process: processes.ProcessId) -> None:
    """Wait until the API server passes requests on to it."""
    client = ApiClient(context.paths.kubeconfig)
    log = context.paths.log(metrics.NAME)
    deadline = time.monotonic() + READY_SECONDS
    while not client.answers(metrics.NODES):
        if not processes.is_alive(process):
            raise ComponentFailed(f"{metrics.NAME} died; see {log}")
        if time.monotonic() > deadline:
            raise ComponentFailed(f"{metrics.NAME} does not answer; see {log}")
        time.sleep(POLL_SECONDS)
    client.close()
