"""Images as OCI archives: read what an engine wrote, and write it anew under a release's name.

An engine stamps what it builds with the time of the build. Written anew, an image depends only on
its content: every time is that of the commit, and blobs are compressed the same way.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from release.archives import gzipped, packed, retimed
from release.errors import ReleaseError

Body = dict[str, Any]

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"

_MANY = (INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")
_SYSTEM_PYTHON = ("usr/lib/python3", "usr/local/lib/python3")
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Layout:
    """One image as it lies in an archive.

    Attributes:
        config: Its configuration, as parsed JSON.
        layers: Its layers as plain tar archives, the lowest first.
    """

    config: Body
    layers: tuple[bytes, ...]

    @property
    def platform(self) -> str:
        """What it runs on, such as `linux/amd64`."""
        return f"{self.config['os']}/{self.config['architecture']}"


@dataclass(frozen=True)
class Stamp:
    """What an image is released as.

    Attributes:
        reference: Its full name with the tag.
        epoch: The time of everything in it, in seconds since 1970.
        timestamp: The same by RFC 3339.
        labels: Labels that it gets beside its own.
    """

    reference: str
    epoch: int
    timestamp: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Packed:
    """An image that is ready to be published.

    Attributes:
        digest: Of its manifest, which a registry knows it by: `sha256:` and 64 hex digits.
        archive: The OCI archive's bytes. Docker loads it, too.
    """

    digest: str
    archive: bytes


def read(path: Path) -> Layout:
    """Read the image in an archive of buildah, or of a Docker engine from version 25 on.

    Raises:
        ReleaseError: It is no OCI archive, or holds no image for one platform.
    """
    with tarfile.open(path) as archive:
        files = {
            posixpath.normpath(entry.name): _bytes(archive, entry)
            for entry in archive
            if entry.isreg()
        }
    if "index.json" not in files:
        raise ReleaseError(f"{path} is no OCI archive: build it with buildah or Docker 25 or later")
    manifest = _manifest(files, json.loads(files["index.json"]))
    layers = tuple(_plain(_blob(files, layer)) for layer in manifest["layers"])
    return Layout(json.loads(_blob(files, manifest["config"])), layers)


def pack(layout: Layout, stamp: Stamp) -> Packed:
    """Write an image anew; the same image and stamp always give the same bytes."""
    done = [_anew(layer, stamp.epoch) for layer in layout.layers]
    blobs = [blob for _, blob in done]
    config = _json(_config(layout.config, [diff_id for diff_id, _ in done], stamp))
    layers = [_descriptor(LAYER, blob) for blob in blobs]
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config),
            "layers": layers,
            "annotations": dict(stamp.labels),
        }
    )
    names = {"org.opencontainers.image.ref.name": stamp.reference}
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [_descriptor(MANIFEST, manifest) | {"annotations": names}],
    }
    for_docker = {
        "Config": _path(_digest(config)),
        "RepoTags": [stamp.reference],
        "Layers": [_path(layer["digest"]) for layer in layers],
    }
    files = {_path(_digest(blob)): blob for blob in (*blobs, config, manifest)} | {
        "index.json": _json(index),
        "manifest.json": _json([for_docker]),
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
    }
    return Packed(_digest(manifest), packed(sorted(files.items()), stamp.epoch))


@lru_cache(maxsize=2)  # images of one base share its layer
def _anew(layer: bytes, epoch: int) -> tuple[str, bytes]:
    """A layer with the release's times: its digest, and itself compressed."""
    plain = retimed(layer, lambda entry: _time(entry, epoch))
    return _digest(plain), gzipped(plain)


def _config(config: Body, diff_ids: list[str], stamp: Stamp) -> Body:
    inner = config.get("config") or {}
    labels = {**(inner.get("Labels") or {}), **stamp.labels}
    return config | {
        "created": stamp.timestamp,
        "config": inner | {"Labels": dict(sorted(labels.items()))},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [_step(step, stamp.timestamp) for step in config.get("history") or []],
    }


def _step(step: Body, timestamp: str) -> Body:
    """A step of the build, without the comment, which names images of this one build."""
    return {name: value for name, value in step.items() if name != "comment"} | {
        "created": timestamp
    }


def _time(entry: tarfile.TarInfo, epoch: int) -> int:
    """The release's time, but for the sources of the distribution's Python.

    Their byte code notes when they were written, and would be stale with any other time. It is
    the package's, so builds do not differ by it.
    """
    name = posixpath.normpath(entry.name).lstrip("/")
    if name.startswith(_SYSTEM_PYTHON) and name.endswith(".py"):
        return min(int(entry.mtime), epoch)
    return epoch


def _manifest(files: Mapping[str, bytes], index: Body) -> Body:
    """The manifest of the one image; an engine may wrap it, beside one that says how it was built.

    Raises:
        ReleaseError: There is none, or several.
    """
    wanted = [
        each
        for each in index["manifests"]
        if (each.get("platform") or {}).get("architecture") != "unknown"
    ]
    if len(wanted) != 1:
        raise ReleaseError(f"expected an archive with one image, found {len(wanted)}")
    found: Body = json.loads(_blob(files, wanted[0]))
    return _manifest(files, found) if wanted[0].get("mediaType") in _MANY else found


def _blob(files: Mapping[str, bytes], descriptor: Body) -> bytes:
    digest = descriptor["digest"]
    content = files.get(_path(digest))
    if content is None or _digest(content) != digest:
        raise ReleaseError(f"the archive's blob {digest} is missing or damaged: build it again")
    return content


def _plain(layer: bytes) -> bytes:
    return gzip.decompress(layer) if layer.startswith(_GZIP_MAGIC) else layer


def _bytes(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(entry)
    return file.read() if file else b""


def _descriptor(kind: str, content: bytes) -> Body:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(body: Any) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def open_layer(layer: bytes) -> tarfile.TarFile:
    """Open a plain layer for reading."""
    return tarfile.open(fileobj=io.BytesIO(layer), mode="r:")
