"""The reference of conditions and reasons, from the catalogue beside this file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from website.markdown import cell, code, page, table

_INTRO = (
    "What the operator says of an object stands in its `status`, in words for people (`message`) "
    "and in one word for programs (`reason`). This page has each of these words, what it means and "
    "what to do. `kubectl spectra why NAME` follows the reasons to their cause."
)
_WORD = re.compile(r"[A-Z]+[a-z]+(?:[A-Z]+[a-z]*)*")
_SPEAKING = ("core", "engine", "dispatch")
_NOT_SPEAKING = ("core/lint", "core/language")
"""Their words are those of the linter, which docs/validation.md lists, and of the parser."""


@dataclass(frozen=True, slots=True)
class Section:
    """Reasons that are found in one place: by reason, what it means and what to do."""

    title: str
    where: str
    reasons: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is said of conditions and reasons.

    `conditions` are kind, type, what True and what False means. `others` are words of the code
    that are spelt like reasons and are none.
    """

    conditions: Sequence[Sequence[str]]
    sections: Sequence[Section]
    others: frozenset[str]

    @property
    def reasons(self) -> frozenset[str]:
        """Every reason that is explained."""
        return frozenset(reason for section in self.sections for reason in section.reasons)


@cache
def catalogue() -> Catalogue:
    """Return the catalogue.

    Raises:
        ValueError: An entry has not the parts that it should have.
    """
    data: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("reasons.yaml").read_text())
    sections = tuple(
        Section(each["title"], each["where"], {k: _pair(k, v) for k, v in each["reasons"].items()})
        for each in data["sections"]
    )
    others = frozenset(word for words in data["not_reasons"].values() for word in words)
    for entry in data["conditions"]:
        if len(entry) != 4:
            raise ValueError(f"reasons.yaml: {entry}: kind, type, if True, if False are wanted")
    return Catalogue(data["conditions"], sections, others)


def _pair(reason: str, value: Any) -> tuple[str, str]:
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) for v in value)):
        raise ValueError(f"reasons.yaml: {reason}: what it means and what to do are wanted")
    return value[0], value[1]


def reasons_page() -> str:
    """Return the page of conditions and reasons."""
    known = catalogue()
    conditions = [(cell(k), code(t), cell(yes), cell(no)) for k, t, yes, no in known.conditions]
    parts = [f"## Conditions\n\n{table(('Of', 'Type', 'True', 'False'), conditions)}"]
    for section in known.sections:
        rows = [(code(r), cell(means), cell(do)) for r, (means, do) in section.reasons.items()]
        where = f"Where it is seen: {cell(section.where)}."
        parts.append(
            f"## {section.title}\n\n{where}\n\n{table(('Reason', 'Meaning', 'What to do'), rows)}"
        )
    return page("Conditions and reasons", _INTRO, *parts)


def words_of_code(package: Path) -> dict[str, str]:
    """Return every string of the operator that is spelt like a reason, with a file that has it."""
    found: dict[str, str] = {}
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith(_SPEAKING) or name.startswith(_NOT_SPEAKING):
            continue
        for word in _strings(path):
            if _WORD.fullmatch(word):
                found.setdefault(word, name)
    return found


def _strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
