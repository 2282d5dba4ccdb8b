"""The version stands in several files, and all must agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders.releases import CHANGELOG, a_repository
from checks import cli
from checks import repository as repo
from release import versions
from release.errors import ReleaseError

RELEASED = CHANGELOG.replace("- A feature.\n", "Nothing yet.\n\n## 1.2.0 (2026-02-03)\n\n- It.\n")


def test_a_snapshot_is_written_as_python_and_as_charts_write_it() -> None:
    version = versions.parse("1.2.0.dev0")

    assert (str(version), version.semantic, version.released) == ("1.2.0.dev0", "1.2.0-dev", False)


def test_a_release_is_written_the_same_way_everywhere() -> None:
    version = versions.parse("1.2.0")

    assert (str(version), version.semantic, version.released) == ("1.2.0", "1.2.0", True)


def test_versions_go_by_number_and_a_snapshot_comes_before_its_release() -> None:
    texts = ["0.9.0", "0.10.0.dev0", "0.10.0", "1.0.0.dev0", "1.0.0"]

    assert sorted({*texts}, key=versions.parse) == texts


@pytest.mark.parametrize("text", ["1.2", "v1.2.3", "1.2.3-dev", "1.2.3rc1", "1.2.3.dev1", ""])
def test_anything_else_is_no_version(text: str) -> None:
    with pytest.raises(ReleaseError, match=r"write X\.Y\.Z"):
        versions.parse(text)


def test_files_of_one_version_agree(tmp_path: Path) -> None:
    assert versions.disagreements(a_repository(tmp_path)) == []
    assert versions.disagreements(a_repository(tmp_path, "1.2.0", "1.2.0", RELEASED)) == []


def test_each_place_with_another_version_is_named_with_what_belongs_there(tmp_path: Path) -> None:
    root = a_repository(tmp_path, chart="1.1.0")

    first, second = versions.disagreements(root)

    assert first.startswith("helm/spectra-operator/Chart.yaml: version is 1.1.0, but")
    assert "write 1.2.0-dev" in first
    assert second.startswith("helm/spectra-operator/Chart.yaml: appVersion is 1.1.0")


def test_the_documents_show_the_version_too(tmp_path: Path) -> None:
    root = a_repository(tmp_path)
    page = root / "docs/cli.md"
    page.write_text(page.read_text().replace('"version": "1.2.0.dev0"', '"version": "1.1.0"'))

    [problem] = versions.disagreements(root)

    assert problem.startswith("docs/cli.md: `version -o json` is 1.1.0")


def test_a_release_needs_a_section_of_the_changelog(tmp_path: Path) -> None:
    [problem] = versions.disagreements(a_repository(tmp_path, "1.2.0", "1.2.0"))

    assert "the newest section is 1.1.0" in problem
    assert "## 1.2.0 (YYYY-MM-DD)" in problem


def test_a_snapshot_leads_to_something_newer_than_what_is_released(tmp_path: Path) -> None:
    [problem] = versions.disagreements(a_repository(tmp_path, log=RELEASED))

    assert problem.startswith("CHANGELOG.md: 1.2.0 is released already")


def test_a_place_that_is_gone_is_an_error_and_no_agreement(tmp_path: Path) -> None:
    root = a_repository(tmp_path)
    (root / "docs/cli.md").write_text("$ kubectl spectra version\n")

    with pytest.raises(ReleaseError, match=r"docs/cli\.md: expected one line .* found 0"):
        versions.disagreements(root)


def test_the_check_of_the_repository_looks_at_the_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repo, "ROOT", a_repository(tmp_path, chart="9.9.9"))

    assert [problem.partition(":")[0] for problem in cli.check_versions()] == [
        "helm/spectra-operator/Chart.yaml"
    ] * 2


def test_this_repository_agrees() -> None:
    assert versions.disagreements(repo.ROOT) == []


def test_a_place_that_is_there_twice_is_not_rewritten() -> None:
    text = 'version = "1.2.0"\nversion = "1.2.0"\n'

    with pytest.raises(ReleaseError, match=r"pyproject\.toml: expected one .* version, found 2"):
        versions.rewritten(text, versions.PLACES[0], versions.parse("1.3.0"))


@pytest.mark.parametrize("version", ["1.3.0", "1.3.0.dev0"])
def test_every_place_is_rewritten_as_it_writes_versions(tmp_path: Path, version: str) -> None:
    root, wanted = a_repository(tmp_path), versions.parse(version)

    for place in versions.PLACES:
        text = versions.rewritten((root / place.path).read_text(), place, wanted)

        assert place.pattern.search(text)
        assert place.spelt(wanted) in text


def test_a_first_release_has_none_before_it(tmp_path: Path) -> None:
    root = a_repository(tmp_path, log="# Changelog\n\n## Unreleased\n\n- All.\n")
    assert versions.disagreements(root) == []

    [problem] = versions.disagreements(
        a_repository(tmp_path, "1.2.0", "1.2.0", "# Changelog\n\n## Unreleased\n\n- All.\n")
    )

    assert "the newest section is none" in problem


def test_a_changelog_whose_newest_section_is_no_version_is_an_error(tmp_path: Path) -> None:
    log = CHANGELOG.replace("## 1.1.0 (2026-01-02)", "## Later")

    with pytest.raises(ReleaseError, match=r"'Later' is no version"):
        versions.disagreements(a_repository(tmp_path, log=log))
