"""CHANGELOG.md: its sections, and moving what is unreleased into a new one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from release.errors import ReleaseError

UNRELEASED = "Unreleased"
NOTHING = "Nothing yet."

_HEADING = re.compile(r"^## (?P<title>\S+)(?: \((?P<date>\d{4}-\d\d-\d\d)\))?$", re.M)


@dataclass(frozen=True)
class Section:
    """What changed in one version.

    Attributes:
        title: The version, or `Unreleased`.
        date: As in the heading, `2026-01-31`; empty where there is none.
        body: Its text, without the heading.
    """

    title: str
    date: str
    body: str


def sections(text: str) -> list[Section]:
    """Return the sections of a changelog, newest first."""
    headings = list(_HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings), len(text)][1:]
    return [
        Section(heading["title"], heading["date"] or "", text[heading.end() : end].strip())
        for heading, end in zip(headings, ends, strict=True)
    ]


def newest(text: str) -> str:
    """Return the title of the newest section of a release; empty when nothing was released."""
    return next((found.title for found in sections(text) if found.title != UNRELEASED), "")


def section(text: str, title: str) -> Section:
    """Return the section of a version, or what is unreleased.

    Raises:
        ReleaseError: There is none.
    """
    for found in sections(text):
        if found.title == title:
            return found
    raise ReleaseError(
        f"CHANGELOG.md has no section `## {title}`: write down what changed, "
        f"or run `python -m release bump`, which makes it of what is unreleased"
    )


def cut(text: str, version: str, date: str) -> str:
    """Return the changelog with all that is unreleased under the heading of a version.

    Raises:
        ReleaseError: The version has a section already, or nothing is unreleased.
    """
    if any(found.title == version for found in sections(text)):
        raise ReleaseError(f"CHANGELOG.md has a section `## {version}` already: take the next one")
    if section(text, UNRELEASED).body in {"", NOTHING}:
        raise ReleaseError("CHANGELOG.md says of nothing that it is unreleased: write it down")
    heading = f"## {UNRELEASED}\n"
    return text.replace(heading, f"{heading}\n{NOTHING}\n\n## {version} ({date})\n", 1)


def body_of_release(text: str, version: str, released: bool) -> str:
    """Return what the notes of a release say: its section, or for a snapshot what is unreleased.

    Raises:
        ReleaseError: There is no such section, it is empty, or a release leaves entries behind.
    """
    if not released:
        return section(text, UNRELEASED).body
    found = section(text, version)
    if not found.body:
        raise ReleaseError(f"CHANGELOG.md: the section of {version} is empty: say what changed")
    left = [each for each in sections(text) if each.title == UNRELEASED]
    if left and left[0].body not in {"", NOTHING}:
        raise ReleaseError(
            f"CHANGELOG.md: there are entries under {UNRELEASED}, but {version} is to be released; "
            f"move them into its section"
        )
    return found.body
