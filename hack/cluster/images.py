"""Small OCI archives written by hand, for images of one static program."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class ImageSpec:
    """An image of a few programs.

    Attributes:
        name: Its full name, registry included, as pods will write it.
        files: Path in the image to a program on this machine.
        entrypoint: The command line it runs.
        links: Symbolic links in the image: path to target.
    """

    name: str
    files: dict[str, Path]
    entrypoint: Sequence[str]
    links: dict[str, str] = field(default_factory=dict)


def _layer(spec: ImageSpec) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for target, source in sorted(spec.files.items()):
            entry = tarfile.TarInfo(target.lstrip("/"))
            content = source.read_bytes()
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
        for target, destination in sorted(spec.links.items()):
            entry = tarfile.TarInfo(target.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, destination
            archive.addfile(entry)
    return buffer.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    media_type = f"application/vnd.oci.image.{kind}"
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def oci_blobs(spec: ImageSpec, machine: str) -> dict[str, bytes]:
    """Return the files of an OCI layout: path in the archive to content."""
    layer = _layer(spec)
    packed = gzip.compress(layer, mtime=0)
    config = _json(
        {
            "architecture": ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {"Entrypoint": list(spec.entrypoint), "Env": ["PATH=/bin:/usr/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("config.v1+json", config),
            "layers": [_descriptor("layer.v1.tar+gzip", packed)],
        }
    )
    named = _descriptor("manifest.v1+json", manifest)
    named["annotations"] = {
        "io.containerd.image.name": spec.name,
        "org.opencontainers.image.ref.name": spec.name,
    }
    blobs = {f"blobs/sha256/{_digest(part)[7:]}": part for part in (packed, config, manifest)}
    return {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json({"schemaVersion": 2, "manifests": [named]}),
        **blobs,
    }


def _json(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def write_oci_archive(spec: ImageSpec, machine: str, target: Path) -> None:
    """Write the image as an OCI archive, which containerd, kind and buildah read.

    Args:
        spec: What is in it.
        machine: The kernel's machine name, such as ``x86_64``.
        target: The file to write.
    """
    with tarfile.open(target, "w") as archive:
        for name, content in oci_blobs(spec, machine).items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
