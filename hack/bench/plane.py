"""A control plane of the benchmark's own: fresh etcd, fake nodes, CustomResourceDefinitions."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.errors import BenchError
from bench.process import a_service_account
from bench.programs import run_program
from cluster import paths, state
from cluster.kwok import Lasting
from cluster.lock import locked

CLUSTER = "spectra-bench"
OWN = (CLUSTER, "spectra-profile")
"""How the names of clusters begin that only measuring makes."""
SYSTEM, NAMESPACE = "spectra-system", "bench"
FAKE_NODES = 12
"""A thousand pods each: room for the widest scenario at once."""


@dataclass(frozen=True)
class Plane:
    """A running control plane.

    Attributes:
        name: The cluster's name.
    """

    name: str

    @cached_property
    def kubectl_path(self) -> str:
        """Path of kubectl."""
        return tool("path", "kubectl", "--name", self.name)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    @property
    def folder(self) -> Path:
        """The cluster's folder: it goes when the cluster goes."""
        return paths.cluster_paths(self.name, os.environ).root

    @cached_property
    def access_file(self) -> Path:
        """A kubeconfig with the token of a ServiceAccount, as a controller in a pod has."""
        return a_service_account(self, SYSTEM)

    def processes(self) -> dict[str, int]:
        """Return the control plane's processes by component; none if it is no local one."""
        found = state.load(paths.cluster_paths(self.name, os.environ).state_file)
        return {name: process.pid for name, process in found.processes.items()} if found else {}

    def run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """Run kubectl and return what it printed.

        Raises:
            BenchError: It failed.
        """
        assert program == "kubectl"
        return run_program([*self._kubectl, *arguments], stdin)

    async def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl beside other work and return what it printed.

        Raises:
            BenchError: It failed.
        """
        return await asyncio.to_thread(run_program, [*self._kubectl, *arguments], stdin)

    @property
    def _kubectl(self) -> list[str]:
        return [self.kubectl_path, "--kubeconfig", str(self.kubeconfig)]


def check_free(name: str) -> None:
    """See that a control plane of this name may be made, and so removed.

    Only what a benchmark left is removed; it is known by its name.

    Raises:
        BenchError: There is a cluster of that name, and it may be somebody's.
        ClusterError: What is known of it cannot be read.
    """
    if name.startswith(OWN) or state.load(paths.cluster_paths(name, os.environ).state_file) is None:
        return
    remove = f"python -m cluster down --name {name}"
    raise BenchError(
        f"--name: there is a cluster {name}, which would be removed; choose another name,"
        f" or remove it by `{remove}`"
    )


@contextmanager
def owned(name: str) -> Iterator[None]:
    """Be the only one that measures on control planes of this name, until the end of the block.

    Raises:
        BenchError: Another process measures on them; each would take down the other's.
    """

    def refuse(holder: str) -> None:
        raise BenchError(
            f"--name: {holder} measures on the cluster {name}; wait for its end,"
            " or choose another name"
        )

    file = paths.cluster_paths(name, os.environ).lock_file.with_name(f"{name}.measured.lock")
    with locked(file, f"process {os.getpid()}", refuse):
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


@contextmanager
def a_plane(name: str, manifests: list[Path], lasting: Lasting) -> Iterator[Plane]:
    """Make a fresh control plane and remove it at the end of the block.

    Args:
        name: The cluster's name; one that a benchmark left is removed first.
        manifests: Files or folders of an engine's CustomResourceDefinitions and the like.
        lasting: How long pods run.

    Raises:
        BenchError: It could not be made, or there is one of that name that is no benchmark's.
    """
    check_free(name)
    plane = Plane(name)
    tool("down", "--name", name)
    span = f"{lasting.least}-{lasting.most}"
    try:
        tool("up", "--name", name, "--kwok-nodes", str(FAKE_NODES), "--kwok-milliseconds", span)
        for namespace in (SYSTEM, NAMESPACE):
            plane.run("kubectl", "create", "namespace", namespace)
        for path in manifests:
            plane.run("kubectl", "apply", "--server-side", "-n", NAMESPACE, "-f", str(path))
        plane.run("kubectl", "wait", "--for=condition=Established", "crd", "--all")
        yield plane
    finally:
        tool("down", "--name", name)


def tool(*arguments: str) -> str:
    """Run the cluster tool and return what it printed.

    Raises:
        BenchError: It failed.
    """
    return run_program([sys.executable, "-m", "cluster", *arguments]).strip()
