"""Conditions of objects, as `kubectl wait` reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .changes import Change, SpecLevels


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of an object, without the times that its status keeps."""

    type: str
    status: bool
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """What conditions of a workflow or phase are made from: its state and the times of its turns.

    `accepted` is false for a run that was rejected or is pending.
    """

    generation: int
    state: str
    accepted: bool
    ended: bool
    succeeded: bool
    suspended: bool
    reason: str
    message: str
    started_at: datetime | None
    finished_at: datetime | None
    suspended_changed_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the records of phases and workflows have in common; see their status' fields.

    `levels` are None before the first look at them.
    """

    generation: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    suspended: bool = False
    suspended_changed_at: datetime | None = None
    levels: SpecLevels | None = None
    changes: tuple[Change, ...] = ()


def run_of(
    record: RunRecord, state: str, ends: tuple[bool, bool], accepted: bool, now: datetime
) -> Run:
    """Return what the conditions of a record are made from; `ends` is (ended, succeeded)."""
    return Run(
        generation=record.generation,
        state=state,
        accepted=accepted,
        ended=ends[0],
        succeeded=ends[1],
        suspended=record.suspended,
        reason=record.reason,
        message=record.message,
        started_at=record.started_at,
        finished_at=record.finished_at,
        suspended_changed_at=record.suspended_changed_at,
        now=now,
    )


def conditions(run: Run) -> list[dict[str, Any]]:
    """Return Accepted, Progressing, Complete, Failed and Suspended."""
    begin = run.started_at or run.finished_at or run.now
    end = run.finished_at or begin
    failed = run.ended and not run.succeeded
    why, text = run.reason or run.state, run.message
    refusal = ("", "") if run.accepted else (why, text)
    return [
        _condition(run, "Accepted", run.accepted, begin, *refusal),
        _condition(run, "Progressing", run.accepted and not run.ended, end, why, text),
        _condition(run, "Complete", run.ended and run.succeeded, end, why, ""),
        _condition(run, "Failed", failed, end, why, text if failed else ""),
        _condition(run, "Suspended", run.suspended, run.suspended_changed_at or begin, "", ""),
    ]


def _condition(
    run: Run, name: str, status: bool, since: datetime, reason: str, message: str
) -> dict[str, Any]:
    return {
        "type": name,
        "status": "True" if status else "False",
        "observedGeneration": run.generation,
        "lastTransitionTime": timestamp(since),
        "reason": reason or (name if status else f"Not{name}"),
        "message": message,
    }


def render_conditions(
    found: Iterable[Condition],
    stored: Iterable[dict[str, Any]],
    generation: int,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return conditions as a status has them; one whose status stays keeps its transition time.

    Args:
        found: The conditions as they are now.
        stored: The conditions that stand in the status now.
        generation: The generation of the object's spec that was looked at.
        now: When they were found.
    """
    before = {each.get("type"): each for each in stored}
    rendered = []
    for each in found:
        status = "True" if each.status else "False"
        old = before.get(each.type, {})
        same = old.get("status") == status and old.get("lastTransitionTime")
        rendered.append(
            {
                "type": each.type,
                "status": status,
                "observedGeneration": generation,
                "lastTransitionTime": same or timestamp(now),
                "reason": each.reason,
                "message": each.message,
            }
        )
    return rendered


def timestamp(at: datetime) -> str:
    """Return a time as Kubernetes writes it, in whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def find(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a condition of a status by its type, or an empty mapping."""
    for condition in status.get("conditions") or ():
        if condition.get("type") == name:
            found: Mapping[str, Any] = condition
            return found
    return {}
