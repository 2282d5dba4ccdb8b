"""Other versions of the operator: the chart and the image of any commit of this repository.

A version is named by its commit, as tags may not travel with a clone.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

from builders.cluster import ROOT, LocalCluster, run_sync
from e2e.harness import installation

REFERENCE = "docker.io/local/spectra-operator:{tag}"
BUILD_SECONDS = 1800.0
_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")


def install(cluster: LocalCluster, commit: str, folder: Path) -> None:
    """Install the operator of a commit, or go to it from another one, and wait until it is ready.

    Args:
        cluster: Where.
        commit: Whose chart and image.
        folder: An empty folder of the test, for the sources.
    """
    tag = f"commit-{commit[:12]}"
    checkout = exported(commit, folder)
    cluster.load_archive(tagged(built(checkout), tag, folder / "operator.tar"))
    installation.install(cluster, checkout, tag)


def exported(commit: str, folder: Path) -> Path:
    """Return a folder with the sources of a commit."""
    checkout = folder / "checkout"
    git = ["git", "-c", f"safe.directory={ROOT}", "archive", "--format=tar", commit]
    sources = subprocess.run(git, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(sources)) as tar:
        tar.extractall(checkout, filter="data")
    return checkout


def built(checkout: Path) -> Path:
    """Return the archive of the operator's image, built by the tools of the sources themselves."""
    tool = [sys.executable, "-m", "images", "build", "operator", "--print"]
    command = ["env", f"PYTHONPATH={checkout / 'hack'}", *tool]
    return Path(run_sync(command, seconds=BUILD_SECONDS).strip())


def tagged(archive: Path, tag: str, target: Path) -> Path:
    """Return a copy of an OCI archive with one image, which has another tag there."""
    name = REFERENCE.format(tag=tag)
    with tarfile.open(archive) as source, tarfile.open(target, "w") as copy:
        for member in source:
            file = source.extractfile(member)
            if member.name == "index.json" and file is not None:
                content = _renamed(file.read(), name)
                member.size = len(content)
                file = io.BytesIO(content)
            copy.addfile(member, file)
    return target


def _renamed(index: bytes, name: str) -> bytes:
    body = json.loads(index)
    for manifest in body["manifests"]:
        annotations = manifest.setdefault("annotations", {})
        annotations |= dict.fromkeys({_NAMES[0], *annotations} & set(_NAMES), name)
    return json.dumps(body).encode()
