"""The table of the chart's values, made from values.yaml and its comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):(?: (?P<default>.+))?$")
_COMMENT = re.compile(r"^ *# ?(?P<text>.*)$")
_HEAD = """\
<!-- Generated from helm/spectra-operator/values.yaml by `make generate`. Do not edit. -->
# Values of the chart

`values.schema.json` refuses what is not in this table, and says which value is wrong.

| Value | Default | Meaning |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the chart.

    Attributes:
        path: Its name, with dots.
        default: As written in values.yaml.
        meaning: Its comment, as one line.
    """

    path: str
    default: str
    meaning: str


def values_of(text: str) -> Iterator[Value]:
    """Yield the values of a values.yaml whose every value is one line below its comment."""
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if said := _COMMENT.match(line):
            comment.append(said["text"])
            continue
        found = _LINE.match(line)
        if found is None:
            comment = []
            continue
        path[len(found["indent"]) // 2 :] = [found["key"]]
        if found["default"]:
            yield Value(".".join(path), found["default"], " ".join(comment))
        comment = []


def document(text: str) -> str:
    """Return the table of a values.yaml as a Markdown document."""
    rows = (
        f"| `{value.path}` | `{value.default}` | {value.meaning.replace('|', '&#124;')} |\n"
        for value in values_of(text)
    )
    return _HEAD + "".join(rows)
