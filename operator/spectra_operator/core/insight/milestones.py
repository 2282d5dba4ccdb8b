"""A phase's plan against what happened: how late it is, and how its milestone stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ...api.task import Plan
from ...api.workflow import StepState
from ..workflow.records import StepRecord
from .estimate import in_words

REACHED, LATE, MISSED, PENDING = "Reached", "Late", "Missed", "Pending"


@dataclass(frozen=True, slots=True)
class PlanView:
    """How a phase stands against its plan; `wake_at` is when time alone makes it late."""

    late: str = ""
    milestone: str = ""
    wake_at: datetime | None = None


NO_PLAN = PlanView()
_GRAIN = timedelta(seconds=1)
"""What is less late than that is on time; Kubernetes writes times in whole seconds."""


def against_plan(plan: Plan | None, step: StepRecord, began: datetime, now: datetime) -> PlanView:
    """Compare a phase with its plan; `began` is when its workflow started.

    A phase is late once it ends, or should have ended, after its due time: the planned start plus
    the planned duration. Without `startDay` the duration counts from its actual start; without a
    duration only the start can be late. A milestone is Reached when the phase has succeeded, Missed
    when it ended otherwise, Late when it is past due, else Pending.
    """
    if plan is None:
        return NO_PLAN
    due = _due(plan, step, began)
    at = _measured(plan, step) or now
    late = due is not None and at >= due + _GRAIN and step.state is not StepState.SKIPPED
    text = in_words((at - due).total_seconds()) if due and late else ""
    milestone = _milestone(step, late=late) if plan.milestone else ""
    waits = due is not None and not late and not step.ended and at is now
    return PlanView(text, milestone, due + _GRAIN if due and waits else None)


def _due(plan: Plan, step: StepRecord, began: datetime) -> datetime | None:
    """Return when the phase must have ended or, without a duration, must have begun."""
    start = step.started_at if plan.start_day is None else began + timedelta(days=plan.start_day)
    duration = _duration(plan)
    if start is None or (duration is None and plan.start_day is None):
        return None
    return start + (duration or timedelta(0))


def _duration(plan: Plan) -> timedelta | None:
    if plan.duration_days is not None:
        return timedelta(days=plan.duration_days)
    return timedelta(seconds=plan.duration_seconds) if plan.duration_seconds is not None else None


def _measured(plan: Plan, step: StepRecord) -> datetime | None:
    """Return what is compared with the due time; None while it has not come to pass."""
    return step.started_at if _duration(plan) is None else step.finished_at


def _milestone(step: StepRecord, *, late: bool) -> str:
    if step.state is StepState.SUCCEEDED:
        return REACHED
    if step.ended:
        return MISSED
    return LATE if late else PENDING
