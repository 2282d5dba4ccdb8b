"""The base that is made where none can be pulled."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from images import base

FILES = {
    "./usr/bin/python3.11": b"python",
    "./usr/bin/perl": b"perl",
    "./usr/share/perl/5.36.0/CPAN.pm": b"perl",
    "./usr/share/python-wheels/pip.whl": b"pip",
    "./usr/lib/python3.11/json/__init__.py": b"json",
    "./usr/lib/python3.11/ensurepip/__init__.py": b"ensurepip",
}


def make(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid = len(content), 0o755, 7
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("./usr/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, "python3.11"
        archive.addfile(link)


class FakeDebian:
    """Writes the archive that mmdebstrap was asked for."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, command: Sequence[str]) -> str:
        assert command[0] == "mmdebstrap"
        make(Path(command[-1]))
        self.calls += 1
        return ""


def test_the_final_base_keeps_python_and_loses_what_installs_packages(tmp_path: Path) -> None:
    builder, slim = base.make_base(tmp_path, FakeDebian())
    with tarfile.open(builder) as full, tarfile.open(slim) as small:
        assert set(full.getnames()) - set(small.getnames()) == {
            "./usr/bin/perl",
            "./usr/share/perl/5.36.0/CPAN.pm",
            "./usr/share/python-wheels/pip.whl",
            "./usr/lib/python3.11/ensurepip/__init__.py",
        }
        kept = small.getmember("./usr/bin/python3.11")
        content = small.extractfile(kept)
        assert content is not None
        assert (content.read(), kept.mode, kept.uid) == (b"python", 0o755, 7)
        assert small.getmember("./usr/bin/python3").linkname == "python3.11"


def test_a_base_is_made_once(tmp_path: Path) -> None:
    debian = FakeDebian()
    assert base.make_base(tmp_path, debian) == base.make_base(tmp_path, debian)
    assert debian.calls == 1


def test_a_base_that_was_broken_off_is_made_again(tmp_path: Path) -> None:
    def breaks(command: Sequence[str]) -> str:
        Path(command[-1]).write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        base.make_base(tmp_path, breaks)
    debian = FakeDebian()
    base.make_base(tmp_path, debian)
    assert debian.calls == 1


def test_the_key_follows_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    before = base.base_key()
    monkeypatch.setattr(base, "DROPPED", (*base.DROPPED, "usr/bin/vi*"))
    assert base.base_key() != before
