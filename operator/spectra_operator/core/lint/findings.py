"""Manifests as a file has them, and what is found in them: file, line, field, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..spec.paths import Path, Step, below, shown

__all__ = ["Finding", "Manifest", "Mark", "Path", "Severity", "resolve", "shown"]

Mark = tuple[int, int]
"""Line and column, counted from 1."""
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a file.

    Attributes:
        file: Name of the file, for messages.
        body: The object as JSON data; anything at all.
        marks: Where each key and entry stands, by its path; () is the object itself.
    """

    file: str
    body: Any
    marks: Mapping[Path, Mark] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind that it says it is."""
        return str(self.body.get("kind", "")) if isinstance(self.body, Mapping) else ""

    @property
    def name(self) -> str:
        """Its name; empty if it has none."""
        meta = self.body.get("metadata") if isinstance(self.body, Mapping) else None
        found = meta.get("name") if isinstance(meta, Mapping) else None
        return found if isinstance(found, str) else ""

    def mark(self, path: Path) -> Mark:
        """Return where a path stands, or else the nearest that is around it."""
        for length in range(len(path), -1, -1):
            found = self.marks.get(path[:length])
            if found:
                return found
        return (1, 1)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, or odd, in a file.

    Attributes:
        file: Name of the file.
        line: Counted from 1.
        column: Counted from 1.
        field: Path of the field, such as `spec.phases[build].tasks[a].agent`; empty for what is
            wrong with a file as a whole.
        reason: One word in CamelCase.
        message: What is wrong and what to do.
        severity: An error keeps the object from working; a warning does not.
    """

    file: str
    line: int
    column: int
    field: str
    reason: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        field = f"{self.field}: " if self.field else ""
        return f"{where}: {self.severity}: {field}{self.message} ({self.reason})"


def resolve(field_path: str, body: Any) -> Path:
    """Return the path that a field of a message means, as far as the object has it."""
    path: list[Step] = []
    value, rest = body, field_path
    while rest:
        found = _entry(rest, value) if rest.startswith("[") else _key(rest.lstrip("."), value)
        if found is None:
            break
        step, rest = found
        path.append(step)
        value = below(value, step)
    return tuple(path)


def _entry(rest: str, value: Any) -> tuple[Step, str] | None:
    name, _, after = rest[1:].partition("]")
    if not isinstance(value, list):
        return None
    for index, item in enumerate(value):
        if isinstance(item, Mapping) and item.get("name") == name:
            return index, after
    index = int(name) if name.isdecimal() and len(name) < 9 else -1
    return (index, after) if 0 <= index < len(value) else None


def _key(rest: str, value: Any) -> tuple[Step, str] | None:
    """Take the longest key that the text goes on with; keys of values may hold dots."""
    if not isinstance(value, Mapping):
        return None
    fits = [key for key in value if isinstance(key, str) and key and _goes_on(rest, key)]
    if not fits:
        return None
    key = max(fits, key=len)
    return key, rest[len(key) :]


def _goes_on(rest: str, key: str) -> bool:
    return rest.startswith(key) and (len(rest) == len(key) or rest[len(key)] in ".[")
