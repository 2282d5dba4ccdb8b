"""Moving to another version changes every file that holds it, or none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builders.releases import CHANGELOG, a_repository
from checks.repository import ROOT
from release import versions
from release.bump import bump, edited
from release.errors import ReleaseError

DATE = "2026-02-03"


class Generator:
    """Remembers how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1


def texts(root: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_release_is_written_everywhere_and_cut_from_the_changelog(tmp_path: Path) -> None:
    root, generate = a_repository(tmp_path), Generator()

    changed = bump(root, versions.parse("1.2.0"), DATE, generate)

    assert set(changed) == {*(place.path for place in versions.PLACES), versions.CHANGELOG}
    assert versions.current(root) == versions.parse("1.2.0")
    assert versions.disagreements(root) == []
    assert f"## 1.2.0 ({DATE})\n\n- A feature." in (root / "CHANGELOG.md").read_text()
    assert generate.calls == 1


def test_the_way_to_the_next_release_leaves_the_changelog_alone(tmp_path: Path) -> None:
    root = a_repository(tmp_path, "1.1.0", "1.1.0")

    changed = bump(root, versions.parse("1.2.0.dev0"), DATE, Generator())

    assert versions.CHANGELOG not in changed
    assert versions.disagreements(root) == []
    assert "version: 1.2.0-dev\n" in (root / versions.CHART).read_text()


@pytest.mark.parametrize("version", ["1.2.0.dev0", "1.1.0", "1.1.9.dev0"])
def test_a_version_must_be_newer(tmp_path: Path, version: str) -> None:
    with pytest.raises(ReleaseError, match=r"is not newer than 1\.2\.0\.dev0"):
        bump(a_repository(tmp_path), versions.parse(version), DATE, Generator())


def test_nothing_is_written_when_something_is_wrong(tmp_path: Path) -> None:
    root = a_repository(tmp_path, log=CHANGELOG.replace("- A feature.", "Nothing yet."))
    before, generate = texts(root), Generator()

    with pytest.raises(ReleaseError, match="nothing that it is unreleased"):
        bump(root, versions.parse("1.2.0"), DATE, generate)

    assert (texts(root), generate.calls) == (before, 0)


def test_this_repository_can_be_moved_to_its_next_version(tmp_path: Path) -> None:
    for path in {*(place.path for place in versions.PLACES), versions.CHANGELOG}:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    log = tmp_path / versions.CHANGELOG
    log.write_text(log.read_text().replace("Nothing yet.", "- Something."))

    bump(tmp_path, versions.parse("999.0.0"), DATE, Generator())

    assert versions.disagreements(tmp_path) == []


def test_only_the_lines_with_the_version_change(tmp_path: Path) -> None:
    root = a_repository(tmp_path)

    text = edited(root, versions.parse("1.3.0.dev0"), DATE)[versions.PYPROJECT]

    assert text == (root / versions.PYPROJECT).read_text().replace("1.2.0.dev0", "1.3.0.dev0")


def test_a_release_can_follow_a_release(tmp_path: Path) -> None:
    root = a_repository(tmp_path, "1.1.0", "1.1.0")

    bump(root, versions.parse("1.1.1"), DATE, Generator())

    assert versions.disagreements(root) == []
    assert f"## 1.1.1 ({DATE})\n\n- A feature." in (root / "CHANGELOG.md").read_text()


def test_what_changes_after_a_release_goes_under_a_heading_that_is_empty_again(
    tmp_path: Path,
) -> None:
    root = a_repository(tmp_path)
    bump(root, versions.parse("1.2.0"), DATE, Generator())
    bump(root, versions.parse("1.3.0.dev0"), DATE, Generator())

    with pytest.raises(ReleaseError, match="nothing that it is unreleased"):
        bump(root, versions.parse("1.3.0"), DATE, Generator())

    assert versions.current(root) == versions.parse("1.3.0.dev0")


def test_nothing_is_written_when_a_page_has_lost_its_version(tmp_path: Path) -> None:
    root, generate = a_repository(tmp_path), Generator()
    (root / "docs/cli.md").write_text("nothing about versions\n")
    before = texts(root)

    with pytest.raises(ReleaseError, match=r"docs/cli\.md: expected one line .* found 0"):
        bump(root, versions.parse("1.2.0"), DATE, generate)

    assert (texts(root), generate.calls) == (before, 0)


def test_nothing_is_written_when_a_line_with_the_version_stands_twice(tmp_path: Path) -> None:
    root, generate = a_repository(tmp_path), Generator()
    chart = root / versions.CHART
    chart.write_text(chart.read_text() + "appVersion: 1.2.0-dev\n")
    before = texts(root)

    with pytest.raises(ReleaseError, match=r"Chart\.yaml: expected .* appVersion, found 2"):
        bump(root, versions.parse("1.2.0"), DATE, generate)

    assert (texts(root), generate.calls) == (before, 0)


def test_what_is_generated_is_renewed_from_the_new_version(tmp_path: Path) -> None:
    root, seen = a_repository(tmp_path), []

    bump(root, versions.parse("1.2.0"), DATE, lambda: seen.append(versions.current(root)))

    assert seen == [versions.parse("1.2.0")]


def test_files_that_disagreed_agree_after_a_bump(tmp_path: Path) -> None:
    root = a_repository(tmp_path, chart="0.9.0")
    assert versions.disagreements(root)

    bump(root, versions.parse("1.2.0"), DATE, Generator())

    assert versions.disagreements(root) == []
