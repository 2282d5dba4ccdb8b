"""Archives whose bytes depend on nothing but what is in them."""

from __future__ import annotations

import copy
import gzip
import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

LEVEL = 5
"""Of compression: one more takes half as long again for one percent."""

_TIMES = ("mtime", "atime", "ctime")


def gzipped(content: bytes) -> bytes:
    """Return content compressed, without a time in the header."""
    return gzip.compress(content, LEVEL, mtime=0)


def timed(entry: tarfile.TarInfo, when: int) -> tarfile.TarInfo:
    """Return an entry of an archive with another time, everything else as it was."""
    changed = copy.copy(entry)
    changed.mtime = when
    changed.pax_headers = {k: v for k, v in entry.pax_headers.items() if k not in _TIMES}
    return changed


def retimed(content: bytes, time_of: Callable[[tarfile.TarInfo], int]) -> bytes:
    """Return a tar archive with other times; its entries stay in their order."""
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content), mode="r:") as old,
        tarfile.open(fileobj=target, mode="w:", format=tarfile.PAX_FORMAT) as new,
    ):
        for entry in old:
            file = old.extractfile(entry) if entry.isreg() else None
            new.addfile(timed(entry, time_of(entry)), file)
    return target.getvalue()


def packed(files: Iterable[tuple[str, bytes]], epoch: int) -> bytes:
    """Return a tar archive of files, in their order, all of one time, owned by root."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), 0o644, epoch
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def repack(path: Path, epoch: int) -> None:
    """Write a compressed tar archive anew: entries by name, all of one time, owned by root."""
    with tarfile.open(path, "r:gz") as archive:
        files = [(each.name, _content(archive, each)) for each in archive if each.isreg()]
    path.write_bytes(gzipped(packed(sorted(files), epoch)))


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(entry)
    return file.read() if file else b""
