"""What the demo needs before a workflow can run: cluster, images, operator, a clean namespace."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from demo.errors import DemoError
from demo.tools import Tools, run, run_module

SYSTEM = "spectra-system"
RELEASE = "spectra"
DEPLOYMENT = "deployment/spectra-operator"
NAMESPACE = "foundation"
WORKFLOW = "foundation"
EXAMPLE = "examples/foundation/foundation.yaml"
CHART = "helm/spectra-operator"
CONTENT = "spectra.dev/image-content"
"""Annotation of the operator's pods: the content of their image, whose tag is always the same."""
_ANNOTATION = "org.opencontainers.image.ref.name"


def bring_up(cluster: str) -> None:
    """Make the cluster ready.

    Raises:
        DemoError: It could not be made.
    """
    run_module("cluster", "up", "--name", cluster)


def build_images() -> list[Path]:
    """Build the images that have changed and return the archives of all.

    Raises:
        DemoError: A build failed.
    """
    return [Path(line) for line in run_module("images", "build", "--print").splitlines()]


def load_images(tools: Tools, archives: list[Path]) -> int:
    """Load the images that the cluster lacks; return how many those were.

    Raises:
        DemoError: One could not be loaded.
    """
    present = loaded(run(_list_command(tools))) if tools.containerd.exists() else {}
    missing = [path for path in archives if present.items().isdisjoint(named(path).items())]
    if missing:
        files = [str(path) for path in missing]
        run_module("cluster", "load-image", "--name", tools.cluster, *files)
    return len(missing)


def loaded(listing: str) -> dict[str, str]:
    """Return name to digest of the images that `ctr images ls` lists."""
    rows = (line.split() for line in listing.splitlines()[1:])
    return {row[0]: row[2] for row in rows if len(row) > 2}


def named(archive: Path) -> Mapping[str, str]:
    """Return name to digest of the images in an OCI archive; empty for any other.

    Raises:
        DemoError: The archive cannot be read.
    """
    try:
        with tarfile.open(archive) as tar:
            index = tar.extractfile("index.json")
            manifests = json.load(index)["manifests"] if index else []
    except KeyError:
        return {}
    except (OSError, tarfile.TarError, ValueError) as error:
        raise DemoError(f"{archive} is no image archive: {error}; remove it, run again") from error
    return {m.get("annotations", {}).get(_ANNOTATION, ""): m["digest"] for m in manifests}


def install(tools: Tools, content: str) -> None:
    """Install or upgrade the operator and wait until it is ready.

    Args:
        tools: The programs.
        content: Names the content of the operator's image: another one means new pods.

    Raises:
        DemoError: It did not become ready.
    """
    values = {"podAnnotations": {CONTENT: content}}
    options = ["--namespace", SYSTEM, "--create-namespace", "--wait", "--timeout", "120s"]
    options.append("--take-ownership")  # of CRDs that somebody applied by hand before
    options += [f"--set-json={key}={json.dumps(value)}" for key, value in values.items()]
    tools.run_helm("upgrade", "--install", RELEASE, CHART, *options)


def clear(tools: Tools) -> None:
    """Make the namespace, and remove the run before this one with all it made.

    Raises:
        DemoError: kubectl failed.
    """
    found = tools.run_kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "-o", "name")
    if not found.strip():
        tools.run_kubectl("create", "namespace", NAMESPACE)
    options = ["--ignore-not-found", "--cascade=foreground", "--timeout=60s"]
    tools.run_kubectl("delete", "workflow", WORKFLOW, "-n", NAMESPACE, *options)


def operator_pods(tools: Tools) -> list[str]:
    """Return the names of the operator's running pods.

    Raises:
        DemoError: kubectl failed.
    """
    select = ["-l", "app.kubernetes.io/name=spectra-operator", "--field-selector"]
    names = tools.run_kubectl(
        "get", "pods", "-n", SYSTEM, *select, "status.phase=Running", "-o", "name"
    )
    return [name.removeprefix("pod/") for name in names.split()]


def operator_hops(tools: Tools) -> dict[str, list[float]]:
    """Return the last hops that each replica measured, in seconds, oldest first.

    Raises:
        DemoError: A replica does not answer.
    """
    found = {}
    for name in operator_pods(tools):
        path = f"/api/v1/namespaces/{SYSTEM}/pods/{name}:8080/proxy/metrics/hops"
        found[name] = json.loads(tools.run_kubectl("get", "--raw", path))
    return found


def _list_command(tools: Tools) -> list[str]:
    return ["ctr", "--address", str(tools.containerd), "--namespace", "k8s.io", "images", "ls"]
