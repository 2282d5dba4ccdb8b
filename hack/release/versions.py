"""The version: how it is written in which file, and whether all files agree on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from release import changelog
from release.errors import ReleaseError

PYPROJECT = Path("pyproject.toml")
CHART = Path("helm/spectra-operator/Chart.yaml")
CHANGELOG = Path("CHANGELOG.md")

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(\.dev0)?")


@dataclass(frozen=True, order=True)
class Version:
    """A version of the project. A snapshot comes before the release that it leads to.

    Attributes:
        numbers: Major, minor, patch.
        released: False for the `.dev0` between two releases.
    """

    numbers: tuple[int, int, int]
    released: bool

    def __str__(self) -> str:
        """As Python packages write it: `1.2.3` or `1.2.3.dev0`."""
        return self._plain + ("" if self.released else ".dev0")

    @property
    def semantic(self) -> str:
        """As charts and tags of images write it: `1.2.3` or `1.2.3-dev`."""
        return self._plain + ("" if self.released else "-dev")

    @property
    def _plain(self) -> str:
        return ".".join(str(number) for number in self.numbers)


@dataclass(frozen=True)
class Place:
    """A line of a file that holds the version.

    Attributes:
        path: The file, relative to the repository.
        name: What the line is called in messages.
        pattern: Matches the line; its group `version` is the version.
        semantic: Whether it is written as charts write it.
    """

    path: Path
    name: str
    pattern: re.Pattern[str]
    semantic: bool = False

    def spelt(self, version: Version) -> str:
        """Return the version as this place writes it."""
        return version.semantic if self.semantic else str(version)


def _line(before: str, after: str = "") -> re.Pattern[str]:
    return re.compile(rf"^(?P<before>{before})(?P<version>[^\s\"]+)(?P<after>{after})$", re.M)


PLACES = (
    Place(PYPROJECT, "version", _line('version = "', '"')),
    Place(CHART, "version", _line("version: "), semantic=True),
    Place(CHART, "appVersion", _line("appVersion: "), semantic=True),
    Place(Path("docs/cli.md"), "`version`", _line("kubectl-spectra ")),
    Place(Path("docs/cli.md"), "`version -o json`", _line(r'\{"version": "', r'"\}')),
)
"""Every line that holds the version and is written by hand; the rest is generated from these."""


def parse(text: str) -> Version:
    """Read a version as Python packages write it.

    Raises:
        ReleaseError: It is none of ours.
    """
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ReleaseError(f"{text!r} is no version: write X.Y.Z, or X.Y.Z.dev0 on the way to it")
    major, minor, patch = (int(number) for number in found.groups()[:3])
    return Version((major, minor, patch), released=found[4] is None)


def current(root: Path) -> Version:
    """Return the version in pyproject.toml, which the others are compared with.

    Raises:
        ReleaseError: There is none, or it is none of ours.
    """
    return parse(_written(root, PLACES[0]))


def disagreements(root: Path) -> list[str]:
    """Return what does not fit the version in pyproject.toml, each with the file and what to do.

    Raises:
        ReleaseError: A place has no version at all.
    """
    version = current(root)
    found = [
        f"{place.path}: {place.name} is {written}, but pyproject.toml says {version}; "
        f"write {place.spelt(version)}, or run `python -m release bump`"
        for place in PLACES
        if (written := _written(root, place)) != place.spelt(version)
    ]
    return found + list(_changelog_problems((root / CHANGELOG).read_text(), version))


def rewritten(text: str, place: Place, version: Version) -> str:
    """Return a file's text with another version in a place.

    Raises:
        ReleaseError: The place is not there, or there twice.
    """
    pattern = rf"\g<before>{place.spelt(version)}\g<after>"
    changed, count = place.pattern.subn(pattern, text)
    if count != 1:
        raise ReleaseError(f"{place.path}: expected one line with {place.name}, found {count}")
    return changed


def _written(root: Path, place: Place) -> str:
    found = place.pattern.findall((root / place.path).read_text())
    if len(found) != 1:
        raise ReleaseError(f"{place.path}: expected one line with {place.name}, found {len(found)}")
    return str(found[0][1])


def _changelog_problems(text: str, version: Version) -> Iterator[str]:
    newest = changelog.newest(text)
    if version.released and newest != str(version):
        yield (
            f"{CHANGELOG}: the newest section is {newest or 'none'}, but pyproject.toml says "
            f"{version}; give it a section `## {version} (YYYY-MM-DD)`"
        )
    if not version.released and newest and parse(newest) >= version:
        yield (
            f"{CHANGELOG}: {newest} is released already, so {version} does not lead to anything "
            f"newer; run `python -m release bump` with the next version and .dev0"
        )
