"""A Schedule's status: from a record to what the API server stores, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..attempts.evidence import instant
from ..conditions import find, timestamp
from .records import BackfillRecord, RunView, ScheduleRecord

Status = dict[str, Any]


def render_schedule(record: ScheduleRecord, stored: Mapping[str, Any], now: datetime) -> Status:
    """Return the status object of a schedule; `stored` is the one that stands there now."""
    status: Status = {
        "observedGeneration": record.generation,
        "schedule": record.schedule,
        "active": [_active(run) for run in record.active],
        "activeRuns": record.active_runs,
        "lastScheduleTime": _time(record.last_schedule),
        "lastSuccessfulTime": _time(record.last_successful),
        "nextScheduleTime": _time(record.next),
        "decidedUntil": _time(record.decided_until),
        "missed": record.missed,
        "backfill": _backfill(record.backfill),
        "conditions": [
            _condition(record, stored, now, "Ready", holds=record.ready),
            _condition(record, stored, now, "Suspended", holds=record.suspended),
        ],
    }
    return {key: value for key, value in status.items() if value not in (None, "", [])}


def parse_schedule(status: Mapping[str, Any] | None) -> ScheduleRecord:
    """Return the record that a status holds; an empty status is an empty record."""
    if not status:
        return ScheduleRecord()
    ready = find(status, "Ready")
    return ScheduleRecord(
        generation=status.get("observedGeneration", 0),
        schedule=status.get("schedule", ""),
        decided_until=instant(status.get("decidedUntil")),
        last_schedule=instant(status.get("lastScheduleTime")),
        last_successful=instant(status.get("lastSuccessfulTime")),
        next=instant(status.get("nextScheduleTime")),
        missed=status.get("missed", 0),
        active=tuple(_parse_active(run) for run in status.get("active") or ()),
        active_runs=status.get("activeRuns", 0),
        backfill=_parse_backfill(status.get("backfill")),
        suspended=find(status, "Suspended").get("status") == "True",
        reason=ready.get("reason", ""),
        message=ready.get("message", ""),
    )


def _time(at: datetime | None) -> str | None:
    return timestamp(at) if at else None


def _active(run: RunView) -> Status:
    return {"name": run.name, "uid": run.uid, "scheduledTime": timestamp(run.at)}


def _parse_active(run: Mapping[str, Any]) -> RunView:
    return RunView(run["name"], datetime.fromisoformat(run["scheduledTime"]), run["uid"])


def _backfill(record: BackfillRecord | None) -> Status | None:
    if record is None:
        return None
    return {
        "from": timestamp(record.begin),
        "to": timestamp(record.end),
        "state": "Complete" if record.complete else "Running",
        "until": timestamp(record.until),
        "started": record.started,
    }


def _parse_backfill(status: Mapping[str, Any] | None) -> BackfillRecord | None:
    if not status:
        return None
    begin, end, until = (instant(status.get(name)) for name in ("from", "to", "until"))
    if begin is None or end is None or until is None:
        return None
    complete = status.get("state") == "Complete"
    return BackfillRecord(begin, end, until, status.get("started", 0), complete)


def _condition(
    record: ScheduleRecord,
    stored: Mapping[str, Any],
    now: datetime,
    name: str,
    *,
    holds: bool,
) -> Status:
    status = "True" if holds else "False"
    before = find(stored, name)
    same = before.get("status") == status
    is_ready = name == "Ready"
    return {
        "type": name,
        "status": status,
        "observedGeneration": record.generation,
        "lastTransitionTime": before["lastTransitionTime"] if same else timestamp(now),
        "reason": record.reason if is_ready else (name if holds else f"Not{name}"),
        "message": record.message if is_ready else "",
    }
