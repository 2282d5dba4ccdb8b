"""Where things are in the repository, and running programs in it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster import catalog, paths, schemas
from cluster.binaries import Builder
from cluster.console import Console

ROOT = Path(__file__).resolve().parents[2]
CHART = Path("helm/spectra-operator")
MANIFESTS = Path("manifests")
CRDS = Path("crds")
DOCS = Path("docs")
RELEASE = "spectra"
NAMESPACE = "spectra-system"


class CheckError(Exception):
    """A program that a check needs failed; the text says which and why."""


def binary(name: str) -> str:
    """Return the path of a tool that the cluster tool pins and builds, such as `helm`.

    Raises:
        ClusterError: It could not be built.
    """
    return str(_builder().ensure([name])[name])


def kubernetes_schemas() -> Path:
    """Return the folder with the JSON schemas of Kubernetes' own kinds, for kubeconform.

    Raises:
        ClusterError: They could not be made.
    """
    return schemas.ensure(paths.cache_root(os.environ), Console())


def attempt(command: Sequence[str], stdin: str = "") -> tuple[int, str, str]:
    """Run a program in the repository; return exit code, output and errors."""
    done = subprocess.run(
        command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def run(command: Sequence[str]) -> str:
    """Run a program in the repository and return its output.

    Raises:
        CheckError: It ended with an error.
    """
    code, output, errors = attempt(command)
    if code:
        raise CheckError(f"{' '.join(command)} failed: {errors.strip() or output.strip()}")
    return output


def kubernetes_version() -> str:
    """Return the version of Kubernetes that the project is checked against, such as `v1.34.4`."""
    return catalog.version(catalog.KUBERNETES)


def tracked_files() -> list[Path]:
    """Return the files that Git tracks or would add, relative to the root, that still exist.

    Raises:
        CheckError: This is no Git checkout.
    """
    # A build machine's checkout may belong to another user than the one who checks it.
    git = ["git", "-c", f"safe.directory={ROOT}"]
    listing = run([*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    names = sorted({Path(name) for name in listing.split("\0") if name})
    return [name for name in names if (ROOT / name).is_file()]


def _builder() -> Builder:
    return Builder(paths.cache_root(os.environ), Console())
