"""Other versions of the operator: the chart and the images of any commit of this repository.

A version is named by its commit, as tags may not travel with a clone.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from builders.cluster import ROOT, LocalCluster, run_sync
from e2e.harness import installation
from images.builder import cache_folder

CUT_0_1_0 = "fbe2d0dd29fd4cc9d0a6601e2dc70355279b468d"
"""The commit of 0.1.0."""
NEEDED_IMAGES = ("operator", "agent")
"""What tests need of it."""
REFERENCE = "docker.io/local/spectra-{image}:{tag}"
BUILD_SECONDS = 1800.0
_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")


class CommitMissing(AssertionError):  # noqa: N818 - reads as the sentence pytest prints
    """The clone does not have the commit of a version."""


@dataclass(frozen=True)
class Version:
    """A version that was, or this checkout.

    Attributes:
        checkout: Its sources.
        tag: The tag of its images.
        chart: Name and version of its chart, as `helm list` shows them.
    """

    checkout: Path
    tag: str
    chart: str

    def reference(self, image: str) -> str:
        """Return the full name of one of its images, such as `operator`."""
        return REFERENCE.format(image=image, tag=self.tag)

    def install(self, cluster: LocalCluster) -> None:
        """Install its operator, or go to it from another one, and wait until it is ready."""
        installation.install(cluster, self.checkout, self.tag)


def this_version() -> Version:
    """Return the version that this checkout is."""
    return Version(ROOT, "dev", _chart(ROOT))


def version_of(commit: str, folder: Path) -> Version:
    """Return the version of a commit.

    Args:
        commit: Its full hash.
        folder: An empty folder of the test, for the sources.
    """
    checkout = exported(commit, folder)
    return Version(checkout, f"commit-{commit[:12]}", _chart(checkout))


def load(cluster: LocalCluster, version: Version, *images: str) -> None:
    """Hand images of a version to a cluster; what was built once on this machine is kept."""
    for image in images:
        cluster.load_archive(archive(version, image))


def archive(version: Version, image: str) -> Path:
    """Return the archive of an image under the version's tag.

    What a commit holds never changes, so its images stay in the cache. The builder itself keeps
    only the newest few, and checkouts that are worked on would push it out.
    """
    if version.checkout == ROOT:
        return built(ROOT, image)
    kept = cache_folder(os.environ).parent / "versions" / version.tag / f"{image}.tar"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}")
        tagged(built(version.checkout, image), version.reference(image), part)
        part.rename(kept)
    return kept


def exported(commit: str, folder: Path, repository: Path = ROOT) -> Path:
    """Return a folder with the sources of a commit.

    Raises:
        CommitMissing: The clone has not got it.
    """
    checkout = folder / "checkout"
    git = ["git", "-c", f"safe.directory={repository}"]
    known = subprocess.run(
        [*git, "cat-file", "-e", f"{commit}^{{commit}}"], cwd=repository, check=False
    )
    if known.returncode:
        raise CommitMissing(
            f"commit {commit} is not in this clone, and upgrades from it cannot be tested. Fetch "
            "the full history: git fetch --unshallow, or git fetch origin where the clone is not "
            "a shallow one; a hosted CI has to check out with depth 0."
        )
    command = [*git, "archive", "--format=tar", commit]
    sources = subprocess.run(command, cwd=repository, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(sources)) as tar:
        tar.extractall(checkout, filter="data")
    return checkout


def built(checkout: Path, image: str) -> Path:
    """Return the archive of an image, built by the tools of the sources themselves."""
    tool = [sys.executable, "-m", "images", "build", image, "--print"]
    command = ["env", f"PYTHONPATH={checkout / 'hack'}", *tool]
    return Path(run_sync(command, seconds=BUILD_SECONDS).strip())


def tagged(source: Path, name: str, target: Path) -> Path:
    """Return a copy of an OCI archive with one image, which has another name there."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as copy:
        for member in old:
            file = old.extractfile(member)
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


def _chart(checkout: Path) -> str:
    text = (checkout / "helm" / "spectra-operator" / "Chart.yaml").read_text()
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return f"{fields['name']}-{fields['version']}"


def main() -> None:
    """Build what is not in the cache; `make test` does so while the quick tests run."""
    with tempfile.TemporaryDirectory() as folder:
        older = version_of(CUT_0_1_0, Path(folder))
        for image in NEEDED_IMAGES:
            archive(older, image)


if __name__ == "__main__":
    main()
