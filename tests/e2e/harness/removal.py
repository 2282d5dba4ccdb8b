"""What an uninstall must not leave behind."""

from __future__ import annotations

import yaml

from builders.cluster import LocalCluster
from e2e.harness import installation
from e2e.harness.play import Play
from spectra_operator.api.constants import RESULT_FINALIZER

_KINDS = (
    "clusterroles,clusterrolebindings,validatingadmissionpolicies",
    "validatingadmissionpolicybindings,validatingwebhookconfigurations",
    "deployments,pods,jobs,services,serviceaccounts,roles,rolebindings",
    "secrets,configmaps,networkpolicies,poddisruptionbudgets",
)


async def made_by_the_release(cluster: LocalCluster) -> set[str]:
    """Return the objects that carry the release's label, as kind/name, but for CRDs and pods."""
    every = await _labelled(cluster)
    found = {f"{name.split('/')[0].split('.')[0]}/{name.split('/')[1]}" for name in every}
    return {name for name in found if not name.startswith("pod/")}


def in_the_manifest(cluster: LocalCluster) -> set[str]:
    """Return the objects that the release's present revision consists of, as kind/name, no CRDs."""
    text = cluster.run(
        "helm", "get", "manifest", installation.RELEASE, "-n", installation.NAMESPACE
    )
    bodies = [body for body in yaml.safe_load_all(text) if body]
    return {
        f"{body['kind'].lower()}/{body['metadata']['name']}"
        for body in bodies
        if body["kind"] != "CustomResourceDefinition"
    }


async def left_of_the_release(cluster: LocalCluster) -> list[str]:
    """Return what is left of a release: objects with its label, and Leases of shards."""
    found = await cluster.kubectl("get", "leases", "-n", installation.NAMESPACE, "-o", "name")
    return [*await _labelled(cluster), *found.split()]


def held(play: Play) -> list[str]:
    """Return the names of pods that our finalizer holds."""
    pods = play.world.all("Pod")
    return [
        pod["metadata"]["name"]
        for pod in pods
        if RESULT_FINALIZER in pod["metadata"].get("finalizers", ())
    ]


async def _labelled(cluster: LocalCluster) -> list[str]:
    label = "--selector=app.kubernetes.io/instance=spectra"
    every = await cluster.kubectl("get", ",".join(_KINDS), "-A", label, "-o", "name")
    return every.split()
