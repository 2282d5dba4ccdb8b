"""Running the programs of the demo: kubectl, helm, and the project's own tools."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import paths
from cluster.binaries import Builder
from cluster.console import Console
from demo.errors import DemoError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_CLUSTER = "spectra"
"""The cluster of a demo that is asked for without a name; the Makefile has the same."""


@dataclass(frozen=True)
class Tools:
    """The programs, for one cluster.

    Attributes:
        cluster: The cluster's name.
        kubectl: Path of kubectl.
        helm: Path of helm.
        kubeconfig: The cluster's kubeconfig.
    """

    cluster: str
    kubectl: str
    helm: str
    kubeconfig: Path

    @property
    def containerd(self) -> Path:
        """The socket of a local cluster's containerd; missing with other providers."""
        return paths.cluster_paths(self.cluster, os.environ).containerd_socket

    def run_kubectl(self, *arguments: str) -> str:
        """Run kubectl and return its output.

        Raises:
            DemoError: It failed.
        """
        return run([self.kubectl, *arguments], self._environment())

    def run_helm(self, *arguments: str) -> str:
        """Run helm and return its output.

        Raises:
            DemoError: It failed.
        """
        return run([self.helm, *arguments], self._environment())

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}


def prepare(cluster: str, console: Console) -> Tools:
    """Return the programs for a cluster, building those that are missing.

    Raises:
        ClusterError: One could not be built.
    """
    binaries = Builder(paths.cache_root(os.environ), console).ensure(["kubectl", "helm"])
    kubeconfig = paths.cluster_paths(cluster, os.environ).kubeconfig
    return Tools(cluster, str(binaries["kubectl"]), str(binaries["helm"]), kubeconfig)


def run(command: Sequence[str], environ: dict[str, str] | None = None) -> str:
    """Run a program in the repository and return its output.

    Raises:
        DemoError: It failed; the text has the command and what it said.
    """
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise DemoError(f"{' '.join(command)} failed with {done.returncode}: {said}")
    return done.stdout


def run_module(*arguments: str) -> str:
    """Run one of the project's own tools; its progress goes to the terminal.

    Raises:
        DemoError: It failed; it has said why.
    """
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise DemoError(f"python -m {' '.join(arguments)} failed; it says why above")
    return done.stdout
