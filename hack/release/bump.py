"""Moving to another version: every line that is written by hand, then what is generated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from release import changelog, versions
from release.errors import ReleaseError
from release.versions import Version


def bump(root: Path, version: Version, date: str, generate: Callable[[], None]) -> list[Path]:
    """Write a version everywhere, and in the changelog if it is a release; returns what changed.

    Args:
        root: The repository.
        version: Newer than the one before.
        date: Of the release, `2026-01-31`.
        generate: Renews the generated files. Not called when something is wrong.

    Raises:
        ReleaseError: The version is not newer, a place is missing, or nothing is unreleased.
            Then nothing was written.
    """
    before = versions.current(root)
    if version <= before:
        raise ReleaseError(f"{version} is not newer than {before}, which pyproject.toml has")
    texts = edited(root, version, date)
    for path, text in texts.items():
        (root / path).write_text(text)
    generate()
    return list(texts)


def edited(root: Path, version: Version, date: str) -> dict[Path, str]:
    """Return the new texts of all files that hold the version.

    Raises:
        ReleaseError: See :func:`bump`.
    """
    texts = {place.path: (root / place.path).read_text() for place in versions.PLACES}
    for place in versions.PLACES:
        texts[place.path] = versions.rewritten(texts[place.path], place, version)
    if version.released:
        log = (root / versions.CHANGELOG).read_text()
        texts[versions.CHANGELOG] = changelog.cut(log, str(version), date)
    return texts
