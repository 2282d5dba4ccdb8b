"""What releases are made of: a small repository, and images as an engine would save them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from release.oci import Layout

Body = dict[str, Any]

CHANGELOG = """\
# Changelog

All notable changes.

## Unreleased

- A feature.

## 1.1.0 (2026-01-02)

- The feature before.
"""
_PYPROJECT = '[project]\nname = "spectra-operator"\nversion = "{python}"\n'
_CHART = "apiVersion: v2\nname: spectra-operator\nversion: {chart}\nappVersion: {chart}\n"
_CLI = (
    "$ kubectl spectra version\nkubectl-spectra {python}\n\n"
    '$ kubectl spectra version -o json\n{{"version": "{python}"}}\n'
)
_VALUES = "image:\n  repository: docker.io/local/spectra-operator\n  tag: dev\n"

OS_RELEASE = 'PRETTY_NAME="Debian"\nVERSION_ID="12"\nID=debian\n'


def a_repository(
    root: Path,
    python: str = "1.2.0.dev0",
    chart: str = "1.2.0-dev",
    log: str = CHANGELOG,
) -> Path:
    """Write the files that hold the version."""
    files = {
        "pyproject.toml": _PYPROJECT.format(python=python),
        "helm/spectra-operator/Chart.yaml": _CHART.format(chart=chart),
        "helm/spectra-operator/values.yaml": _VALUES,
        "docs/cli.md": _CLI.format(python=python),
        "CHANGELOG.md": log,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def commit(root: Path, when: str = "2026-03-04T05:06:07Z") -> str:
    """Commit all files of a folder, which becomes a repository if it is none; returns the hash."""
    who = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    env = {"GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when, "PATH": "/usr/bin:/bin"}

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *who, *words], cwd=root, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--no-gpg-sign", "--message=all")
    return git("rev-parse", "HEAD")


def metadata(name: str, version: str, *lines: str) -> str:
    """The METADATA file of a Python package."""
    return "\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *lines, ""])


def site(name: str, version: str) -> str:
    """Where that file is in an image."""
    return f"opt/spectra/lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA"


def a_layer(files: Mapping[str, str], mtime: float = 1_000.0) -> bytes:
    """A layer of an image, as a plain tar archive."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.mtime = len(text), 0o640, 7, mtime
            archive.addfile(entry, io.BytesIO(text.encode()))
    return target.getvalue()


def a_layout(*layers: bytes, env: tuple[str, ...] = ()) -> Layout:
    """An image of layers."""
    config = {
        "created": "2026-11-22T04:03:54.1Z",
        "os": "linux",
        "architecture": "amd64",
        "config": {"User": "65532", "Env": list(env), "Labels": {"a": "kept"}},
        "history": [
            {"created": "2026-11-22T04:03:52.0Z", "created_by": "COPY", "comment": "FROM 85f2"}
        ],
    }
    return Layout(config, layers)


def saved_by_buildah(path: Path, layout: Layout) -> Path:
    """Write an image as buildah pushes it to an OCI archive."""
    files, manifest = _blobs(layout, compressed=True)
    return _write(path, files, [manifest])


def saved_by_docker(path: Path, layout: Layout) -> Path:
    """Write an image as Docker saves it: plain layers, and beside it how it was built."""
    files, manifest = _blobs(layout, compressed=False)
    attestation = _add(files, {"layers": []}) | {
        "platform": {"architecture": "unknown", "os": "unknown"}
    }
    index = {"manifests": [manifest | {"platform": {"architecture": "amd64"}}, attestation]}
    kind = {"mediaType": "application/vnd.oci.image.index.v1+json"}
    return _write(path, files, [_add(files, index) | kind])


def _blobs(layout: Layout, *, compressed: bool) -> tuple[dict[str, bytes], Body]:
    files: dict[str, bytes] = {}
    layers = [_add(files, gzip.compress(x) if compressed else x) for x in layout.layers]
    return files, _add(files, {"config": _add(files, layout.config), "layers": layers})


def _add(files: dict[str, bytes], content: bytes | Mapping[str, Any]) -> Body:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    sha = hashlib.sha256(data).hexdigest()
    files[f"blobs/sha256/{sha}"] = data
    return {"digest": f"sha256:{sha}", "size": len(data)}


def _write(path: Path, files: Mapping[str, bytes], manifests: list[Body]) -> Path:
    index = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
    with tarfile.open(path, "w") as archive:
        for name, content in {**files, "index.json": index}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path
