"""The changelog becomes the notes of a release."""

from __future__ import annotations

import pytest

from builders.releases import CHANGELOG
from checks.repository import ROOT
from release import changelog
from release.changelog import Section
from release.errors import ReleaseError


def test_sections_have_a_title_a_date_and_what_changed() -> None:
    assert changelog.sections(CHANGELOG) == [
        Section("Unreleased", "", "- A feature."),
        Section("1.1.0", "2026-01-02", "- The feature before."),
    ]


def test_what_is_unreleased_is_no_release() -> None:
    assert changelog.newest(CHANGELOG) == "1.1.0"
    assert changelog.newest("# Changelog\n\n## Unreleased\n") == ""


def test_a_cut_moves_what_is_unreleased_under_the_version() -> None:
    text = changelog.cut(CHANGELOG, "1.2.0", "2026-02-03")

    assert changelog.sections(text) == [
        Section("Unreleased", "", "Nothing yet."),
        Section("1.2.0", "2026-02-03", "- A feature."),
        Section("1.1.0", "2026-01-02", "- The feature before."),
    ]
    assert text.startswith("# Changelog\n\nAll notable changes.\n\n## Unreleased\n")


def test_nothing_is_not_cut() -> None:
    empty = CHANGELOG.replace("- A feature.", "Nothing yet.")

    with pytest.raises(ReleaseError, match="says of nothing that it is unreleased"):
        changelog.cut(empty, "1.2.0", "2026-02-03")


def test_a_version_is_cut_once() -> None:
    with pytest.raises(ReleaseError, match=r"has a section `## 1\.1\.0` already"):
        changelog.cut(CHANGELOG, "1.1.0", "2026-02-03")


def test_the_notes_of_a_release_are_its_section() -> None:
    text = changelog.cut(CHANGELOG, "1.2.0", "2026-02-03")

    assert changelog.body_of_release(text, "1.2.0", released=True) == "- A feature."


def test_the_notes_of_a_snapshot_are_what_is_unreleased() -> None:
    assert changelog.body_of_release(CHANGELOG, "1.2.0.dev0", released=False) == "- A feature."


def test_a_release_leaves_no_entry_behind() -> None:
    with pytest.raises(ReleaseError, match=r"entries under Unreleased, but 1\.1\.0"):
        changelog.body_of_release(CHANGELOG, "1.1.0", released=True)


def test_a_release_says_what_changed() -> None:
    empty = CHANGELOG.replace("- The feature before.", "")

    with pytest.raises(ReleaseError, match=r"the section of 1\.1\.0 is empty"):
        changelog.body_of_release(empty, "1.1.0", released=True)


def test_a_version_without_a_section_says_how_to_get_one() -> None:
    with pytest.raises(ReleaseError, match=r"no section `## 3\.0\.0`: .*`python -m release bump`"):
        changelog.section(CHANGELOG, "3.0.0")


def test_the_changelog_of_this_repository_can_be_read() -> None:
    found = changelog.sections((ROOT / "CHANGELOG.md").read_text())

    assert found[0].title == "Unreleased"
    assert all(section.date and section.body for section in found[1:])


def test_headings_of_a_lower_level_are_part_of_what_changed() -> None:
    text = CHANGELOG.replace("- A feature.", "### Added\n\n- A feature.\n\n### Fixed\n\n- It.")

    cut = changelog.cut(text, "1.2.0", "2026-02-03")

    body = changelog.body_of_release(cut, "1.2.0", released=True)
    assert body == "### Added\n\n- A feature.\n\n### Fixed\n\n- It."


def test_a_changelog_without_anything_to_release_says_so() -> None:
    for text in ("# Changelog\n", "# Changelog\n\n## 1.1.0 (2026-01-02)\n\n- It.\n"):
        with pytest.raises(ReleaseError, match="no section `## Unreleased`"):
            changelog.cut(text, "1.2.0", "2026-02-03")


def test_a_release_needs_no_heading_for_what_comes_next() -> None:
    text = "# Changelog\n\n## 1.1.0 (2026-01-02)\n\n- It.\n"

    assert changelog.body_of_release(text, "1.1.0", released=True) == "- It."


def test_a_second_cut_leaves_the_first_as_it_is() -> None:
    once = changelog.cut(CHANGELOG, "1.2.0", "2026-02-03").replace("Nothing yet.", "- More.")

    twice = changelog.sections(changelog.cut(once, "1.3.0", "2026-03-04"))

    assert [(found.title, found.body) for found in twice] == [
        ("Unreleased", "Nothing yet."),
        ("1.3.0", "- More."),
        ("1.2.0", "- A feature."),
        ("1.1.0", "- The feature before."),
    ]
