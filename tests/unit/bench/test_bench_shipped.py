"""The environment of the measured operator: that of the image, made anew when its lock changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import shipped
from bench.errors import BenchError


class Programs:
    """Notes what would be run; a wheel appears where one is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []
        self.fails = ""

    def __call__(self, command: Sequence[str]) -> str:
        words = " ".join(command[3:]).replace(str(self.folder), "HERE")
        if self.fails and self.fails in words:
            raise BenchError(f"exit code 1 from {words}")
        self.ran.append(words)
        if "wheel" in command:
            (self.folder / "wheels").mkdir(parents=True)
            (self.folder / "wheels" / "spectra.whl").touch()
        return ""

    def again(self) -> list[str]:
        """What a new process of the benchmark runs."""
        self.ran.clear()
        shipped.shipped_python.cache_clear()
        shipped.shipped_python()
        return list(self.ran)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    root, folder = tmp_path / "root", tmp_path / "shipped"
    root.mkdir()
    folder.mkdir()
    (root / "requirements.lock").write_text("kopf==1\n")
    found = Programs(folder)
    monkeypatch.setattr(shipped, "ROOT", root)
    monkeypatch.setattr(shipped, "FOLDER", folder)
    monkeypatch.setattr(shipped, "run_program", found)
    return found


DEPENDENCIES = [
    "--clear --without-pip HERE",
    "--quiet --disable-pip-version-check --python HERE/bin/python install "
    "--require-hashes -r requirements.lock",
]
OURS = [
    "--quiet --disable-pip-version-check wheel --no-deps --no-build-isolation "
    "--wheel-dir HERE/wheels .",
    "--quiet --disable-pip-version-check --python HERE/bin/python install "
    "--no-deps --force-reinstall --no-index HERE/wheels/spectra.whl",
]


def test_the_locked_dependencies_are_installed_by_their_hashes_and_then_the_operator(
    programs: Programs,
) -> None:
    assert programs.again() == DEPENDENCIES + OURS


def test_the_same_lock_is_not_installed_twice_but_the_operator_is(programs: Programs) -> None:
    programs.again()
    assert programs.again() == OURS


def test_another_lock_has_an_environment_of_its_own(programs: Programs) -> None:
    programs.again()
    (programs.folder.parent / "root" / "requirements.lock").write_text("kopf==2\n")
    assert programs.again() == DEPENDENCIES + OURS


def test_what_could_not_be_installed_is_installed_the_next_time(programs: Programs) -> None:
    programs.fails = "--require-hashes"
    with pytest.raises(BenchError, match="--require-hashes"):
        programs.again()
    programs.fails = ""
    assert programs.again() == DEPENDENCIES + OURS
