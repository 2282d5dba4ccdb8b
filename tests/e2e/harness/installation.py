"""Installs the operator as its users do: by helm, as pods from its image."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from builders.cluster import ROOT, LocalCluster
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.errors import Conflict, NotFound
from spectra_operator.kube.resources import NAMESPACES

NAMESPACE = "spectra-system"
RELEASE = "spectra"
REPLICAS = 2
CONTENT_NAMESPACE = "spectra-content"
"""Here content is part of revisions. It stays, for the operator's rights are in it."""
OWN = {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
"""The operator's namespace: the API server refuses pods of the chart that are not restricted."""
FAKE_NODES = 1


def prepare(cluster: LocalCluster) -> None:
    """Make the cluster ready, with the operator of this checkout in it."""
    cluster.up(fake_nodes=FAKE_NODES)
    cluster.load_images()
    install(cluster)
    leftovers = ["delete", "namespaces", "--selector=spectra-test=e2e", "--wait=false"]
    cluster.run("kubectl", *leftovers)


def install(cluster: LocalCluster, checkout: Path = ROOT, tag: str = "dev") -> None:
    """Install or renew the operator; its pods are always new ones, so that their logs are ours.

    Args:
        cluster: Where.
        checkout: The sources whose chart is installed.
        tag: The tag of the operator's image, which the cluster has.
    """
    values = {
        "replicas": REPLICAS,
        "image.repository": "docker.io/local/spectra-operator",
        "image.tag": tag,
        "contentNamespaces": f"{{{CONTENT_NAMESPACE}}}",
        "podAnnotations.session": f"run-{uuid.uuid4().hex[:8]}",
    }
    for place in (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONTENT_NAMESPACE}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": OWN},
    ):
        cluster.run("kubectl", "apply", "--filename=-", stdin=json.dumps(place))
    settings = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    chart = str(checkout / "helm" / "spectra-operator")
    cluster.run(
        "helm",
        *("upgrade", "--install", RELEASE, chart),
        *("--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "3m"),
        *settings,
    )


async def remove_namespace(client: AiohttpClient, name: str) -> None:
    """Ask for the deletion of a namespace; one that is gone already is well."""
    try:
        await client.delete(NAMESPACES, None, name)
    except (NotFound, Conflict):
        return
