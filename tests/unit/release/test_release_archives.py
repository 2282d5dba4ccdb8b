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


def test_a_repacked_archive_has_files_alone_and_no_other_time_than_the_commits(
    tmp_path: Path,
) -> None:
    path = tmp_path / "chart.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for kind, name in ((tarfile.DIRTYPE, "chart"), (tarfile.REGTYPE, "chart/empty")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mtime = kind, 5
            archive.addfile(entry, io.BytesIO())

    archives.repack(path, EPOCH)

    with tarfile.open(path) as archive:
        assert [(e.name, e.size, e.mtime) for e in archive] == [("chart/empty", 0, EPOCH)]


def test_a_name_that_is_too_long_for_a_plain_header_is_kept_whole(tmp_path: Path) -> None:
    name = "folder/" * 40 + "file"

    [entry] = entries(archives.packed([(name, b"x")], EPOCH))

    assert entry.name == name


def test_an_archive_of_nothing_can_be_packed_and_retimed() -> None:
    empty = archives.packed([], EPOCH)

    assert entries(empty) == []
    assert archives.retimed(empty, lambda _: 0) == empty


def test_the_time_of_an_entry_may_depend_on_what_it_is() -> None:
    before = a_layer({"new": "1", "old": "2"}, mtime=9)

    after = entries(archives.retimed(before, lambda entry: 1 if entry.name == "old" else EPOCH))

    assert {entry.name: entry.mtime for entry in after} == {"new": EPOCH, "old": 1}


def test_changing_the_time_of_an_entry_leaves_the_entry_itself_alone() -> None:
    entry = tarfile.TarInfo("a")
    entry.mtime, entry.pax_headers = 5, {"mtime": "5.5", "comment": "kept"}

    changed = archives.timed(entry, EPOCH)

    assert (changed.mtime, changed.pax_headers) == (EPOCH, {"comment": "kept"})
    assert (entry.mtime, entry.pax_headers) == (5, {"mtime": "5.5", "comment": "kept"})
