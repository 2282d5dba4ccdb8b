"""What a workflow imposes on its phases, and on those that follow its end."""

from __future__ import annotations

from datetime import datetime, timedelta

from ...api.action import ActionType
from ...api.common import FailurePolicy
from ..phase.settle import DEADLINE, FAILING
from ..snapshot import SUSPENDED, Levels, WorkflowSnapshot
from .orders import stopped_by
from .records import WorkflowRecord
from .steps import PHASE_DELETED, Steps, is_broken

AT_ONCE = 0
"""Seconds of grace for pods that are terminated."""


def main_levels(snapshot: WorkflowSnapshot, record: WorkflowRecord, seen_now: Steps) -> Levels:
    """Return what holds for the phases of the spec."""
    spec = snapshot.shape.spec
    stops_others = spec.failure_policy is not FailurePolicy.CONTINUE
    deleted = any(step.reason == PHASE_DELETED for step in seen_now.values())
    halted = deleted or (stops_others and is_broken(snapshot, record, seen_now))
    halt = FAILING if halted else ""
    cancel, grace = _stop(snapshot, record)
    if not cancel and spec.on_failure_running == "Cancel":
        cancel = halt
    return Levels(hold=_hold(snapshot, record), halt=halt, cancel=cancel, grace=grace)


def levels_after(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> Levels:
    """Return what holds for phases that follow the end: only Terminate stops them."""
    cancel, grace = _ordered_stop(record)
    if grace is None:
        cancel = ""
    return Levels(hold=_hold(snapshot, record), cancel=cancel, grace=grace)


def deadline_of(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> datetime | None:
    """Return when the present run must have ended; a later run has as much time as the first."""
    seconds = snapshot.shape.spec.active_deadline_seconds
    if seconds is None or record.started_at is None:
        return None
    began = record.started_at
    if record.run > 1:
        began = next((o.at for o in record.orders if o.run == record.run), began)
    return began + timedelta(seconds=seconds)


def _hold(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> str:
    """Return why nothing new may start; a run that was cancelled goes on to its end all the same.

    Else nobody would see that what tidies up after it waits for the workflow to be resumed.
    """
    if stopped_by(record):
        return ""
    return SUSPENDED if snapshot.shape.spec.suspend else ""


def _stop(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> tuple[str, int | None]:
    cancel, grace = _ordered_stop(record)
    deadline = deadline_of(snapshot, record)
    late = deadline is not None and snapshot.now >= deadline
    return (cancel, grace) if cancel or not late else (DEADLINE, None)


def _ordered_stop(record: WorkflowRecord) -> tuple[str, int | None]:
    order = stopped_by(record)
    if order is None:
        return "", None
    if order.type is ActionType.TERMINATE:
        return "Terminated", AT_ONCE
    return "Cancelled", None
