"""The base image where none can be pulled: Debian's own packages, less what no pod needs."""

from __future__ import annotations

import hashlib
import tarfile
from fnmatch import fnmatchcase
from pathlib import Path

from images.steps import Run

SUITE = "bookworm"

MMDEBSTRAP = (
    "mmdebstrap",
    "--quiet",
    "--variant=essential",
    "--include=ca-certificates,python3-venv",
    '--customize-hook=ln -s python3 "$1/usr/bin/python"',
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    SUITE,
)
"""Makes the builder's file system: Debian's essential packages, Python 3.11, venv and pip."""

DROPPED = (
    "usr/bin/perl*",
    "usr/lib/*/gconv/*",
    "usr/lib/*/libperl*",
    "usr/lib/*/perl*",
    "usr/lib/python3*/ensurepip/*",
    "usr/lib/python3*/lib2to3/*",
    "usr/lib/python3*/pydoc_data/*",
    "usr/share/perl*",
    "usr/share/python-wheels/*",
    "var/cache/apt/*",
    "var/cache/debconf/*",
    "var/lib/apt/lists/*",
    "var/log/*",
)
"""What the final base goes without: it is needed to install packages, not to run Python."""


def base_key() -> str:
    """Names the base by its recipe; the archive's own packages may be newer on each build."""
    return hashlib.sha256("\0".join((*MMDEBSTRAP, *DROPPED)).encode()).hexdigest()[:16]


def make_base(folder: Path, run: Run) -> tuple[Path, Path]:
    """Make the file systems of the builder and the final base; returns both archives.

    Nothing is done when they are there.
    """
    builder, base = folder / "builder.tar", folder / "base.tar"
    folder.mkdir(parents=True, exist_ok=True)
    if not builder.exists():
        part = folder / "builder.part.tar"
        run([*MMDEBSTRAP, str(part)])
        part.rename(builder)
    if not base.exists():
        part = folder / "base.part.tar"
        slim(builder, part)
        part.rename(base)
    return builder, base


def slim(source: Path, target: Path) -> None:
    """Copy a tar archive without the entries that :data:`DROPPED` names."""
    with tarfile.open(source) as full, tarfile.open(target, "w") as small:
        for entry in full:
            if is_dropped(entry.name):
                continue
            small.addfile(entry, full.extractfile(entry) if entry.isreg() else None)


def is_dropped(name: str) -> bool:
    """Whether an archive's entry is left out (``*`` also matches ``/``)."""
    plain = name.removeprefix("./")
    return any(fnmatchcase(plain, pattern) for pattern in DROPPED)
