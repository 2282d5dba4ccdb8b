"""The words and figures that go with a release: notes, `release.json`, checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from release.source import Source
from release.versions import Version

CHECKSUMS = "SHA256SUMS"


@dataclass(frozen=True)
class ImageEntry:
    """An image as the release lists it.

    Attributes:
        name: Without registry.
        reference: Full name and tag.
        digest: What a registry knows it by.
        platform: What it runs on.
        file: Its archive among the release's files.
        sbom: Its bill of materials among them.
    """

    name: str
    reference: str
    digest: str
    platform: str
    file: str
    sbom: str


def notes(version: Version, source: Source, changes: str, images: Sequence[ImageEntry]) -> str:
    """Return what is told of a release, as Markdown: what it is, what changed, its images."""
    rows = [f"| `{i.reference}` | {i.platform} | `{i.digest}` |" for i in images]
    table = ["| Image | Platform | Digest |", "|---|---|---|", *rows]
    return "\n\n".join([_heading(version, source), changes, "## Images", "\n".join(table)]) + "\n"


def summary(version: Version, source: Source, images: Sequence[ImageEntry]) -> str:
    """Return the same for programs, as JSON."""
    body = {
        "version": str(version),
        "semanticVersion": version.semantic,
        "snapshot": not version.released,
        "commit": source.commit,
        "dirty": source.dirty,
        "time": source.timestamp,
        "images": [asdict(image) for image in images],
    }
    return json.dumps(body, indent=2) + "\n"


def checksums(folder: Path) -> str:
    """Return the SHA-256 sums of a folder's files, as `sha256sum --check` reads them."""
    files = sorted(path for path in folder.iterdir() if path.name != CHECKSUMS)
    return "".join(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in files)


def _heading(version: Version, source: Source) -> str:
    made = f"Made from commit `{source.commit}` of {source.time:%Y-%m-%d}."
    if source.dirty:
        made += " **The tree had changes that are not in this commit: for trying only.**"
    if version.released:
        return f"# Spectra {version}\n\n{made}"
    return f"# Spectra {version}: a snapshot, no release\n\n{made}"
