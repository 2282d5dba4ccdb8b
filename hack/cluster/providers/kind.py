"""A cluster in containers, made by kind: wherever a Docker engine answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from cluster import commands, processes
from cluster import state as states
from cluster.config import MAX_PODS
from cluster.errors import ClusterError, ProviderRefused
from cluster.providers.base import Context, Health
from cluster.state import ClusterState

WAIT = "180s"
IMAGE_VARIABLE = "SPECTRA_KIND_NODE_IMAGE"
DOCKER_PROBE = ("docker", "version", "--format", "{{.Server.Version}}")


def docker_answers() -> bool:
    """Tell whether a Docker engine can be used."""
    return commands.attempt(DOCKER_PROBE).code == 0


def kind_config(image: str = "") -> str:
    """Return kind's configuration: one node that takes as many pods as the local one.

    Args:
        image: Of the node, which decides the version of Kubernetes; empty means kind's own.
    """
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "maxPods": MAX_PODS,
    }
    node = {"role": "control-plane"} | ({"image": image} if image else {})
    body = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [node],
        "kubeadmConfigPatches": [json.dumps(kubelet)],
    }
    return json.dumps(body)


def create_command(kind: Path, name: str, kubeconfig: Path, config: Path) -> list[str]:
    """Return the command line that makes a cluster and waits until it is ready."""
    place = [f"--name={name}", f"--kubeconfig={kubeconfig}"]
    return [str(kind), "create", "cluster", *place, f"--config={config}", f"--wait={WAIT}"]


def delete_command(kind: Path, name: str, kubeconfig: Path) -> list[str]:
    """Return the command line that removes a cluster."""
    return [str(kind), "delete", "cluster", f"--name={name}", f"--kubeconfig={kubeconfig}"]


def load_command(kind: Path, name: str, archive: Path) -> list[str]:
    """Return the command line that gives an image archive to every node."""
    return [str(kind), "load", "image-archive", str(archive), f"--name={name}"]


class KindProvider:
    """Makes the cluster with kind."""

    name = "kind"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._paths = context.paths

    def up(self) -> None:
        """Make the cluster ready; one that does not answer is made anew.

        Raises:
            ProviderRefused: No Docker engine answers.
        """
        if not docker_answers():
            raise ProviderRefused(
                "no Docker engine answers (`docker version` fails): "
                "start one, or use --provider local as root on Linux"
            )
        if self._exists():
            if self.status().ready:
                return
            self._context.console.say("making the cluster anew: it does not answer")
            self.down()
        self._paths.conf.mkdir(parents=True, exist_ok=True)
        config = self._paths.conf / "kind.json"
        config.write_text(kind_config(self._context.environ.get(IMAGE_VARIABLE, "")))
        self._context.console.say("making the cluster with kind")
        commands.run(create_command(self._kind(), self._paths.name, self._paths.kubeconfig, config))
        states.save(
            self._paths.state_file, ClusterState(provider=self.name, boot_id=states.boot_id())
        )

    def down(self) -> None:
        """Remove the cluster and its files."""
        state = states.load(self._paths.state_file)
        if state is not None and state.boot_id == states.boot_id():
            processes.kill(list(state.processes.values()))
        commands.run(delete_command(self._kind(), self._paths.name, self._paths.kubeconfig))
        shutil.rmtree(self._paths.root, ignore_errors=True)

    def status(self) -> Health:
        """Tell whether kind knows the cluster and its API server is ready."""
        if not self._exists():
            return Health(False, ("no such cluster",))
        kubectl = self._context.builder.ensure(["kubectl"])["kubectl"]
        done = commands.attempt(
            [str(kubectl), f"--kubeconfig={self._paths.kubeconfig}", "get", "--raw=/readyz"]
        )
        return Health(done.code == 0, (f"kind cluster: {done.output or done.errors}".strip(),))

    def load_images(self, files: Sequence[Path]) -> None:
        """Give image archives to the cluster's nodes.

        Raises:
            ClusterError: There is no such file, or kind refused it.
        """
        for file in files:
            if not file.is_file():
                raise ClusterError(f"there is no image archive {file}")
            commands.run(load_command(self._kind(), self._paths.name, file))

    def command_prefix(self) -> list[str]:
        """Return nothing: the API server is reached from the host as it is."""
        return []

    def _kind(self) -> Path:
        return self._context.builder.ensure(["kind"])["kind"]

    def _exists(self) -> bool:
        known = commands.attempt([str(self._kind()), "get", "clusters"]).output.splitlines()
        return self._paths.name in known and self._paths.kubeconfig.exists()
