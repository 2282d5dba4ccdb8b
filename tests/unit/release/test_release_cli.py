"""The command line of releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders.releases import CHANGELOG, a_repository, commit
from release import cli, versions
from release.errors import ReleaseError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cli, "ROOT", a_repository(tmp_path))
    commit(tmp_path)
    return tmp_path


def test_check_tells_what_would_be_made(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check"]) == 0

    said = capsys.readouterr().out
    assert said.startswith("snapshot 1.2.0.dev0 of ")
    assert said.endswith("images in docker.io/local\n")


def test_a_refusal_is_one_line_and_an_exit_code(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "new.txt").touch()

    assert cli.main(["check"]) == 1
    assert cli.main(["build"]) == 1
    assert capsys.readouterr().err.count("error: the tree has changes") == 2


def test_bump_names_what_it_wrote_and_takes_a_date(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_generate", lambda: None)

    assert cli.main(["bump", "1.2.0", "--date", "2026-02-03"]) == 0

    assert "written: pyproject.toml" in capsys.readouterr().out
    assert "## 1.2.0 (2026-02-03)" in (root / "CHANGELOG.md").read_text()


def test_the_date_of_a_release_is_today_unless_said_otherwise(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_generate", lambda: None)

    cli.main(["bump", "1.2.0"])

    assert versions.disagreements(root) == []
    assert (root / "CHANGELOG.md").read_text() != CHANGELOG


def test_bump_says_when_the_generated_files_could_not_be_renewed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ReleaseError, match="the version is written, but `make generate` failed"):
        cli._generate()


def test_a_wrong_version_changes_nothing(root: Path) -> None:
    assert cli.main(["bump", "next"]) == 1
    assert str(versions.current(root)) == "1.2.0.dev0"
