"""A Workflow's status: from a record to what the API server stores, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ...api.action import ActionType
from ...api.workflow import PhaseRole, StepState, WorkflowState
from ..attempts.evidence import instant
from ..change_status import EPOCH, parse_run, render_changes
from ..conditions import conditions, run_of, timestamp
from ..insight.expectations import PhaseInsight
from ..insight.status import parse_insight, render_insight, render_phase_insight
from ..orders import OrderRecord
from ..phase.records import Tally
from ..phase.status import Status, duration, parse_usage, render_tally, render_usage
from .records import StepRecord, WorkflowRecord


def render_workflow(record: WorkflowRecord, now: datetime) -> Status:
    """Return the status object of a workflow."""
    tally = record.tally()
    accepted = record.state not in (WorkflowState.REJECTED, WorkflowState.PENDING)
    succeeded = record.state is WorkflowState.SUCCEEDED
    ends = (record.ended, succeeded)
    run = run_of(record, str(record.state), ends, accepted, now)
    status: Status = {
        "observedGeneration": record.generation,
        "state": str(record.state),
        "reason": record.reason,
        "message": record.message,
        "progress": tally.progress,
        "counts": render_tally(tally),
        "run": record.run if record.run > 1 else None,
        "outcome": record.outcome and str(record.outcome),
        "template": record.template,
        "actions": [_order(order) for order in record.orders],
        "startedAt": record.started_at and timestamp(record.started_at),
        "finishedAt": record.finished_at and timestamp(record.finished_at),
        "duration": duration(record.started_at, record.finished_at),
        "usage": render_usage(record.usage),
        "phases": [_step(record, name) for name in record.steps],
        "conditions": conditions(run),
        **render_changes(record),
    }
    if record.started_at:
        status |= render_insight(record.insight, ended=record.ended)
    return {key: value for key, value in status.items() if value not in (None, "", [])}


def parse_workflow(status: Mapping[str, Any] | None) -> WorkflowRecord:
    """Return the record that a status holds; an empty status is an empty record."""
    if not status or not status.get("state"):
        return WorkflowRecord()
    return WorkflowRecord(
        **parse_run(status),
        state=WorkflowState(status["state"]),
        usage=parse_usage(status.get("usage")),
        run=status.get("run", 1),
        outcome=WorkflowState(status["outcome"]) if status.get("outcome") else None,
        template=status.get("template", ""),
        orders=tuple(_parse_order(order) for order in status.get("actions") or ()),
        steps={step["name"]: _parse_step(step) for step in status.get("phases") or ()},
        insight=parse_insight(status),
    )


def _step(record: WorkflowRecord, name: str) -> Status:
    step = record.steps[name]
    insight = record.insight.phases.get(name, PhaseInsight())
    status: Status = {
        "name": name,
        "state": str(step.state),
        "role": None if step.role is PhaseRole.MAIN else str(step.role),
        "objectName": step.object_name,
        "run": step.run if step.run > 1 else None,
        "fallback": step.fallback or None,
        "reason": step.reason,
        "progress": step.tally.progress,
        "counts": render_tally(step.tally),
        "startedAt": step.started_at and timestamp(step.started_at),
        "finishedAt": step.finished_at and timestamp(step.finished_at),
        "message": step.message,
        **render_phase_insight(insight, ended=step.ended),
    }
    return {key: value for key, value in status.items() if value not in (None, "")}


def _parse_step(step: Mapping[str, Any]) -> StepRecord:
    counts = step.get("counts") or {}
    return StepRecord(
        state=StepState(step["state"]),
        object_name=step.get("objectName", ""),
        tally=Tally(**counts),
        started_at=instant(step.get("startedAt")),
        finished_at=instant(step.get("finishedAt")),
        message=step.get("message", ""),
        reason=step.get("reason", ""),
        run=step.get("run", 1),
        fallback=step.get("fallback", False),
        role=PhaseRole(step.get("role", "Main")),
    )


def _order(order: OrderRecord) -> Status:
    status: Status = {
        "name": order.name,
        "uid": order.uid,
        "type": str(order.type),
        "phase": order.phase,
        "task": order.task,
        "actor": order.actor[:256],
        "reason": order.reason,
        "at": timestamp(order.at),
        "run": order.run if order.run > 1 else None,
        "refused": order.refused,
    }
    return {key: value for key, value in status.items() if value not in (None, "")}


def _parse_order(order: Mapping[str, Any]) -> OrderRecord:
    return OrderRecord(
        uid=order["uid"],
        name=order["name"],
        type=ActionType(order["type"]),
        actor=order["actor"],
        reason=order["reason"],
        at=instant(order["at"]) or EPOCH,
        phase=order.get("phase", ""),
        task=order.get("task", ""),
        run=order.get("run", 1),
        refused=order.get("refused", ""),
    )
