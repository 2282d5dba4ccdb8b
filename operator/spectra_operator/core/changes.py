"""Changes of levels: who turned suspend, priority or parallelism of a run, when and why.

A change is the difference between the levels that stand in status and those of the spec, so that
it is noted once, whoever notices it. Who changes a level may sign that in the same write:

    spectra.dev/changed-by: alice
    spectra.dev/changed: suspend=true 2026-02-03T04:05:06Z
    spectra.dev/change-reason: the data is wrong

The admission policy lets nobody write these in another's name. A signature that was there when
the levels were last looked at speaks of a former change, whatever it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..api.constants import ANNOTATION_CHANGED, ANNOTATION_CHANGED_BY, ANNOTATION_REASON
from ..api.phase import PhaseSpec
from ..api.workflow import WorkflowSpec

FIELDS = ("suspend", "priority", "parallelism")
UNLIMITED = "none"
UNKNOWN = "unknown"
"""Actor of a change that left no trace in the object."""
_SHORT = 256
_WORD = re.compile(r"[^,\s]+")


@dataclass(frozen=True, slots=True)
class SpecLevels:
    """The levels of a spec, and the signature that the object had when they were looked at."""

    suspend: bool = False
    priority: int = 0
    parallelism: int | None = None
    signature: str = ""

    def texts(self) -> dict[str, str]:
        """Return the levels as they are written in records and signatures."""
        limit = UNLIMITED if self.parallelism is None else str(self.parallelism)
        return {
            "suspend": "true" if self.suspend else "false",
            "priority": str(self.priority),
            "parallelism": limit,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a level; `before` and `after` are texts as in a signature."""

    field: str
    before: str
    after: str
    actor: str
    at: datetime
    reason: str = ""

    @property
    def who_and_why(self) -> str:
        """The actor and the reason, as messages give them."""
        return f"{self.actor}: {self.reason}" if self.reason else self.actor


@dataclass(frozen=True, slots=True)
class Editors:
    """Who wrote the levels, as an object's metadata tell.

    `managers` has the field manager of each level that stands in the spec, `last` the one that
    wrote any part of the spec last. `by`, `reason` and `signature` are the annotations.
    """

    managers: Mapping[str, str] = field(default_factory=dict)
    last: str = ""
    by: str = ""
    reason: str = ""
    signature: str = ""

    def signed(self, name: str, value: str) -> bool:
        """Whether the signature says that a level was set to a value, and by whom."""
        return bool(self.by) and f"{name}={value}" in _WORD.findall(self.signature)


NOBODY = Editors()


def editors_of(meta: Mapping[str, Any]) -> Editors:
    """Return who wrote the levels of an object, from its metadata."""
    notes = meta.get("annotations") or {}
    managers: dict[str, str] = {}
    last = ""
    for manager, written in _writers(meta):
        last = manager
        managers |= {name: manager for name in FIELDS if f"f:{name}" in written}
    found = Editors(
        managers=managers,
        last=last,
        by=notes.get(ANNOTATION_CHANGED_BY, "")[:_SHORT],
        reason=notes.get(ANNOTATION_REASON, "")[:_SHORT],
        signature=notes.get(ANNOTATION_CHANGED, "")[:_SHORT],
    )
    return NOBODY if found == NOBODY else found


def _writers(meta: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield field managers and what they wrote of the spec, the last one last."""
    entries = [e for e in meta.get("managedFields") or () if not e.get("subresource")]
    for entry in sorted(entries, key=lambda e: str(e.get("time") or "")):
        written = (entry.get("fieldsV1") or {}).get("f:spec")
        if written:
            yield str(entry.get("manager") or "")[:_SHORT], written


def levels_of(spec: WorkflowSpec | PhaseSpec, editors: Editors) -> SpecLevels:
    """Return the levels of a spec as they are looked at now."""
    return SpecLevels(spec.suspend, spec.priority, spec.parallelism, editors.signature)


def note_changes(
    seen: SpecLevels | None, now: SpecLevels, editors: Editors, at: datetime
) -> tuple[Change, ...]:
    """Return what has changed since the levels were last seen; nothing at the first look."""
    if seen is None or seen == now:
        return ()
    before, after = seen.texts(), now.texts()
    is_new = now.signature != seen.signature
    return tuple(
        _change(name, (before[name], after[name]), editors, at, is_new=is_new)
        for name in FIELDS
        if before[name] != after[name]
    )


def _change(
    name: str, values: tuple[str, str], editors: Editors, at: datetime, *, is_new: bool
) -> Change:
    before, after = values
    if is_new and editors.signed(name, after):
        return Change(name, before, after, editors.by, at, editors.reason)
    return Change(name, before, after, editors.managers.get(name) or editors.last or UNKNOWN, at)
