"""The command line of releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders.releases import CHANGELOG, a_repository, commit
from release import build, cli, versions
from release.build import Request, Say
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


def test_bump_renews_what_is_generated_by_make(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (root / "Makefile").write_text("generate:\n\tgrep ^version pyproject.toml >generated\n")

    assert cli.main(["bump", "1.2.0", "--date", "2026-02-03"]) == 0

    assert (root / "generated").read_text() == 'version = "1.2.0"\n'
    assert "written: CHANGELOG.md" in capfd.readouterr().out


def test_bump_ends_with_an_error_when_what_is_generated_is_old(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (root / "Makefile").write_text("generate:\n\tfalse\n")

    assert cli.main(["bump", "1.2.0"]) == 1

    assert "`make generate` failed: run it again" in capfd.readouterr().err
    assert str(versions.current(root)) == "1.2.0"


def test_check_says_whether_it_is_a_release_and_where_its_images_will_be(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_generate", lambda: None)
    cli.main(["bump", "1.2.0"])
    found = commit(root)
    capsys.readouterr()

    assert cli.main(["check", "--tag", "v1.2.0", "--registry", "registry.example/team"]) == 0

    assert capsys.readouterr().out == (
        f"release 1.2.0 of {found}, images in registry.example/team\n"
    )


def test_check_refuses_the_tag_of_another_version(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", "--tag", "v9.9.9"]) == 1
    assert "error: the tag is v9.9.9" in capsys.readouterr().err


def test_a_release_is_named_on_standard_output_and_everything_else_told_beside_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "out" / "1.2.0"
    asked = []

    def make(request: Request, say: Say) -> Path:
        asked.append(request)
        folder.mkdir(parents=True)
        (folder / "notes.md").write_text("x" * 20_000)
        say("images")
        return folder

    monkeypatch.setattr(build, "make", make)

    assert cli.main(["build", "--allow-dirty", "--output", str(root / "out")]) == 0

    said = capsys.readouterr()
    assert said.out == f"{folder}\n"
    assert said.err == "images\n    0.02 MB  notes.md\n"
    assert asked == [Request(root, root / "out", allow_dirty=True)]


@pytest.mark.parametrize("words", [[], ["publish"], ["bump"], ["check", "1.2.0"]])
def test_a_command_line_that_makes_no_sense_is_explained(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)

    assert ended.value.code == 2
    assert "usage: python -m release" in capsys.readouterr().err
