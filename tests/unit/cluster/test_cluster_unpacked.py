"""Programs of Debian packages that are unpacked into the cache; apt is played by scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import cli, unpacked
from cluster.console import Console
from cluster.errors import MissingProgram
from cluster.unpacked import Unpacker

PROGRAM = "spectra-example"
APT = """#!/bin/sh
echo "$1" >> "{log}"
[ "$1" != update ] || exec touch "{lists}"
[ -e "{lists}" ] || {{ echo "E: Unable to locate package" >&2; exit 100; }}
touch "{PROGRAM}_1.0_all.deb"
"""
DPKG = """#!/bin/sh
mkdir -p "$3/usr/bin" && echo done > "$3/usr/bin/{name}"
"""


class Machine:
    """A machine with apt; `lists` is there once apt knows its packages."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.lists = folder / "lists"
        self.log = folder / "log"
        self.cache = folder / "cache"
        self.has("apt-get", APT.format(log=self.log, lists=self.lists, PROGRAM=PROGRAM))
        self.has("dpkg-deb", DPKG.format(name=PROGRAM))

    def has(self, name: str, script: str) -> None:
        """Have a program of this name."""
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    @property
    def unpacker(self) -> Unpacker:
        return Unpacker(self.cache, Console())

    def asked(self) -> list[str]:
        """Return what apt was asked for."""
        return self.log.read_text().split() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{made.bin}:/usr/bin:/bin")
    monkeypatch.setattr(unpacked, "PROGRAMS", {PROGRAM: (PROGRAM, f"usr/bin/{PROGRAM}")})
    return made


def test_a_program_is_downloaded_once_and_its_package_does_not_stay(machine: Machine) -> None:
    machine.lists.touch()
    assert machine.unpacker.find(PROGRAM) is None

    path = machine.unpacker.ensure(PROGRAM)

    assert path.read_text() == "done\n"
    assert machine.unpacker.ensure(PROGRAM) == machine.unpacker.find(PROGRAM) == path
    assert machine.asked() == ["download"]
    assert [found.name for found in path.parent.iterdir() if found.name[0] != "."] == [PROGRAM]


def test_where_apt_does_not_know_the_package_its_lists_are_brought_up_to_date(
    machine: Machine,
) -> None:
    machine.unpacker.ensure(PROGRAM)

    assert machine.asked() == ["download", "update", "download"]


def test_what_else_a_package_has_is_unpacked_with_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.lists.touch()
    both = {name: (PROGRAM, f"usr/bin/{name}") for name in (PROGRAM, "tool")}
    monkeypatch.setattr(unpacked, "PROGRAMS", both)
    machine.has("dpkg-deb", DPKG.format(name=PROGRAM) + DPKG.format(name="tool"))

    machine.unpacker.ensure(PROGRAM)

    assert machine.unpacker.ensure("tool").read_text() == "done\n"
    assert machine.asked() == ["download"]


def test_an_installed_program_is_taken_as_it_is(machine: Machine) -> None:
    machine.has(PROGRAM, "#!/bin/sh\n")

    assert machine.unpacker.ensure(PROGRAM) == machine.bin / PROGRAM
    assert machine.asked() == []


def test_without_a_network_it_says_what_to_do_and_leaves_nothing(machine: Machine) -> None:
    machine.has("apt-get", "#!/bin/sh\necho 'E: Failed to fetch it' >&2\nexit 100\n")

    with pytest.raises(MissingProgram, match=r"(?s)go online, run apt-get update.*Failed to fetch"):
        machine.unpacker.ensure(PROGRAM)

    assert machine.unpacker.find(PROGRAM) is None


def test_a_package_without_the_program_is_refused(machine: Machine) -> None:
    machine.lists.touch()
    machine.has("dpkg-deb", "#!/bin/sh\nexit 0\n")

    with pytest.raises(MissingProgram, match="can't be unpacked"):
        machine.unpacker.ensure(PROGRAM)


def test_the_command_prints_the_path_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPECTRA_CACHE", str(machine.cache))
    machine.lists.touch()

    assert cli.main(["unpack", PROGRAM]) == 0

    assert capsys.readouterr().out == f"{machine.unpacker.find(PROGRAM)}\n"
