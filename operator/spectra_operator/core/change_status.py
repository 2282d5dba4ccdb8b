"""Changes of levels in records and statuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from ..api.constants import MAX_CHANGES
from .attempts.evidence import instant
from .changes import Change, SpecLevels, levels_of, note_changes
from .conditions import RunRecord, find, timestamp
from .snapshot import PhaseShape, WorkflowShape

R = TypeVar("R", bound=RunRecord)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def with_changes(record: R, shape: WorkflowShape | PhaseShape, at: datetime) -> R:
    """Return the record with the levels of the spec, and with what has changed of them."""
    now = levels_of(shape.spec, shape.editors)
    if now == record.levels:
        return record
    news = note_changes(record.levels, now, shape.editors, at)
    return replace(record, levels=now, changes=(*record.changes, *news)[-MAX_CHANGES:])


def render_changes(record: RunRecord) -> dict[str, Any]:
    """Return the fields `levels` and `changes` of a status."""
    levels = record.levels
    if levels is None:
        return {}
    seen = {
        "suspend": levels.suspend,
        "priority": levels.priority,
        "parallelism": levels.parallelism,
        "signature": levels.signature or None,
    }
    return {
        "levels": {name: value for name, value in seen.items() if value is not None},
        "changes": [_render(change) for change in record.changes],
    }


def parse_run(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `RunRecord` that a status holds, by name."""
    suspended = find(status, "Suspended")
    return {
        "generation": status.get("observedGeneration", 0),
        "reason": status.get("reason", ""),
        "message": status.get("message", ""),
        "started_at": instant(status.get("startedAt")),
        "finished_at": instant(status.get("finishedAt")),
        "suspended": suspended.get("status") == "True",
        "suspended_changed_at": instant(suspended.get("lastTransitionTime")),
        "levels": parse_levels(status),
        "changes": parse_changes(status),
    }


def _render(change: Change) -> dict[str, Any]:
    status = {
        "field": change.field,
        "from": change.before,
        "to": change.after,
        "actor": change.actor,
        "at": timestamp(change.at),
    }
    return status | ({"reason": change.reason} if change.reason else {})


def parse_levels(status: Mapping[str, Any]) -> SpecLevels | None:
    """Return the levels that a status holds; None if nobody has looked at them yet."""
    seen = status.get("levels")
    if seen is None:
        return None
    return SpecLevels(
        suspend=seen.get("suspend", False),
        priority=seen.get("priority", 0),
        parallelism=seen.get("parallelism"),
        signature=seen.get("signature", ""),
    )


def parse_changes(status: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the changes that a status holds, oldest first."""
    return tuple(
        Change(
            field=change["field"],
            before=change["from"],
            after=change["to"],
            actor=change["actor"],
            at=instant(change["at"]) or EPOCH,
            reason=change.get("reason", ""),
        )
        for change in status.get("changes") or ()
    )
