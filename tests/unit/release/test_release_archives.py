"""Archives depend on nothing but what is in them."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from builders.releases import a_layer
from release import archives

EPOCH = 1_700_000_000


def entries(content: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getmembers()


def test_a_packed_archive_is_of_one_time_and_of_nobody() -> None:
    [entry] = entries(archives.packed([("a", b"x")], EPOCH))

    assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) == (
        EPOCH,
        0,
        0,
        "",
        0o644,
    )


def test_compressed_bytes_hold_no_time() -> None:
    assert archives.gzipped(b"x" * 100)[4:8] == b"\0\0\0\0"


def test_a_retimed_archive_keeps_everything_else() -> None:
    before = a_layer({"b": "1", "a": "2"}, mtime=5.25)

    after = entries(archives.retimed(before, lambda _: EPOCH))

    assert [(e.name, e.mode, e.uid, e.mtime) for e in after] == [
        ("b", 0o640, 7, EPOCH),
        ("a", 0o640, 7, EPOCH),
    ]


def test_fractions_of_a_second_leave_no_trace() -> None:
    early, late = (a_layer({"a": "1"}, mtime=time) for time in (1.25, 2.75))

    assert early != late
    assert archives.retimed(early, lambda _: EPOCH) == archives.retimed(late, lambda _: EPOCH)


def test_links_and_folders_stay_what_they_are() -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for kind, name in ((tarfile.DIRTYPE, "d"), (tarfile.SYMTYPE, "l"), (tarfile.LNKTYPE, "h")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "" if name == "d" else "to"
            archive.addfile(entry)

    after = entries(archives.retimed(target.getvalue(), lambda _: EPOCH))

    assert [(e.name, e.type, e.linkname) for e in after] == [
        ("d", tarfile.DIRTYPE, ""),
        ("l", tarfile.SYMTYPE, "to"),
        ("h", tarfile.LNKTYPE, "to"),
    ]


def test_a_repacked_archive_does_not_depend_on_who_packed_it_when(tmp_path: Path) -> None:
    first, second = tmp_path / "1.tgz", tmp_path / "2.tgz"
    for path, names, when in ((first, ("a", "b"), 1), (second, ("b", "a"), 2)):
        with tarfile.open(path, "w:gz") as archive:
            for name in names:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime, entry.uid = 1, when, os.getpid() + when
                archive.addfile(entry, io.BytesIO(name.encode()))

    for path in (first, second):
        archives.repack(path, EPOCH)

    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        assert archive.getnames() == ["a", "b"]
