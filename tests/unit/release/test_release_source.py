"""What a release is made from is a commit, and the tree has to be as it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builders.releases import a_repository, commit
from release import source
from release.errors import ReleaseError
from release.source import Source


@pytest.fixture
def root(tmp_path: Path) -> Path:
    a_repository(tmp_path)
    (tmp_path / ".gitignore").write_text("build/\n")
    commit(tmp_path, "2026-03-04T05:06:07+02:00")
    return tmp_path


def test_a_commit_is_read_with_its_time_in_utc(root: Path) -> None:
    found = source.read(root)

    assert (len(found.commit), found.dirty) == (40, False)
    assert found.time == datetime(2026, 3, 4, 3, 6, 7, tzinfo=UTC)
    assert found.timestamp == "2026-03-04T03:06:07Z"


def test_the_newest_commit_counts(root: Path) -> None:
    (root / "more").touch()
    newest = commit(root, "2027-01-01T00:00:00Z")

    assert (source.read(root).commit, source.read(root).time.year) == (newest, 2027)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "CHANGELOG.md").unlink(),
        lambda root: (root / "CHANGELOG.md").chmod(0o755),
        lambda root: (root / "CHANGELOG.md").write_text("other"),
        lambda root: (root / "docs" / "new.md").touch(),
    ],
    ids=["deleted", "executable", "changed", "new"],
)
def test_any_difference_from_the_commit_is_noticed(
    root: Path, change: Callable[[Path], object]
) -> None:
    change(root)

    assert source.read(root).dirty


def test_what_git_ignores_is_no_difference(root: Path) -> None:
    (root / "build").mkdir()
    (root / "build" / "out").touch()

    assert not source.read(root).dirty


def test_a_repository_that_is_broken_is_refused(tmp_path: Path) -> None:
    a_repository(tmp_path)
    (tmp_path / ".git").mkdir()

    with pytest.raises(ReleaseError, match="release from a Git checkout"):
        source.read(tmp_path)


def test_a_clean_tree_may_be_released_and_any_other_only_where_that_is_allowed() -> None:
    clean, dirty = (Source("c" * 40, 0, dirty=dirty) for dirty in (False, True))

    source.refuse_dirty(clean, allowed=False)
    source.refuse_dirty(dirty, allowed=True)
    with pytest.raises(ReleaseError, match="not committed"):
        source.refuse_dirty(dirty, allowed=False)


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2", "v1.2.0-dev", "V1.2.0"])
def test_a_tag_that_is_only_like_the_versions_is_refused(tag: str) -> None:
    with pytest.raises(ReleaseError, match=rf"the tag is {tag}, .* whose tag is v1\.2\.0"):
        source.refuse_other_tag(tag, "1.2.0")


def test_a_release_without_a_tag_is_nobodys_mistake() -> None:
    source.refuse_other_tag("", "1.2.0")
    source.refuse_other_tag("v1.2.0", "1.2.0")
