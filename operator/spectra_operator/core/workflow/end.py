"""The end of a workflow: what came of its phases, and what follows before it is over.

    phases end -> rollback -> on-failure -> finally -> end

What came of the phases is stored before anything follows it. What follows are Phase objects like
all others, made one after the other; none of them hides why the workflow failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ...api.action import ActionType
from ...api.common import FailurePolicy
from ...api.workflow import PhaseRole, StepState, WorkflowState
from ..phase.conclude import CANCELLED_BY
from ..phase.settle import DEADLINE
from ..snapshot import Levels, WorkflowShape, WorkflowSnapshot
from .orders import ROLLBACK, stopped_by
from .records import StepRecord, WorkflowRecord
from .steps import PHASE_DELETED, REFUSED, Steps, is_benign, is_good, seen

ON_FAILURE = "on-failure"
FINALLY = "finally"
ROLES = {
    ROLLBACK: PhaseRole.ROLLBACK,
    ON_FAILURE: PhaseRole.ON_FAILURE,
    FINALLY: PhaseRole.FINALLY,
}
"""What follows the end, in its order, and the role of each one's Phase."""
HELD = {"Suspended": "spec.suspend is true; it begins when the workflow is resumed"}
"""What a hold means for what follows the end, in words."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a workflow's phases."""

    state: WorkflowState
    reason: str = ""
    message: str = ""


def outcome_of(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, steps: Steps, levels: Levels
) -> Outcome | None:
    """Return what came of the phases of the spec; None while one of them has not ended."""
    if record.outcome:
        return Outcome(record.outcome, record.reason, record.message)
    if not all(step.ended for step in steps.values()):
        return None
    order = stopped_by(record)
    if order:
        reason = "Terminated" if order.type is ActionType.TERMINATE else "Cancelled"
        text = f"{reason.lower()} by {order.who_and_why}"
        return Outcome(WorkflowState.CANCELLED, reason, text[:1024])
    if all(is_good(step, snapshot.shape.phases[name]) for name, step in steps.items()):
        return Outcome(WorkflowState.SUCCEEDED)
    if levels.cancel == DEADLINE:
        text = f"activeDeadlineSeconds: {snapshot.shape.spec.active_deadline_seconds} s have passed"
        return Outcome(WorkflowState.FAILED, DEADLINE, text)
    reason, text = _first_failure(snapshot.shape, steps, snapshot.now)
    return Outcome(WorkflowState.FAILED, reason, text[:1024])


def _first_failure(shape: WorkflowShape, steps: Steps, now: datetime) -> tuple[str, str]:
    bad = {n: s for n, s in steps.items() if not is_good(s, shape.phases[n])}
    for name, step in bad.items():
        if step.reason == PHASE_DELETED:
            return PHASE_DELETED, f"phase {name}: {step.message}"
    failed = {n: s for n, s in bad.items() if s.state is StepState.FAILED}
    for name, step in sorted(failed.items(), key=lambda x: x[1].finished_at or now):
        return "PhaseFailed", f"phase {name}: {step.message}"
    name = next(n for n, s in bad.items() if not is_benign(s))
    return "PhaseCancelled", f"phase {name}: {bad[name].message}"


def followers(snapshot: WorkflowSnapshot, outcome: Outcome) -> tuple[str, ...]:
    """Return what follows the end of the phases, in order."""
    spec = snapshot.shape.spec
    failed = outcome.state is WorkflowState.FAILED
    rolls_back = failed and spec.failure_policy is FailurePolicy.ROLLBACK
    wanted = {
        ROLLBACK: rolls_back and _has_compensations(snapshot.shape),
        ON_FAILURE: failed and bool(spec.on_failure),
        FINALLY: bool(spec.finally_),
    }
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def _has_compensations(shape: WorkflowShape) -> bool:
    return any(
        task.compensate is not None
        for phase in shape.phases.values()
        for body in (phase, phase.fallback)
        if body is not None
        for task in body.all_tasks
    )


def following_steps(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, outcome: Outcome, hold: str
) -> dict[str, StepRecord]:
    """Return the phases that follow the end, one after the other; `hold` as in Levels."""
    order = stopped_by(record)
    terminated = order is not None and order.type is ActionType.TERMINATE
    found: dict[str, StepRecord] = {}
    for name in followers(snapshot, outcome):
        before_ended = all(step.ended for step in found.values())
        step = _following(snapshot, record, name, ready=before_ended and bool(record.outcome))
        if hold and step.state is StepState.READY and not step.object_name:
            step = replace(step, reason=hold, message=HELD.get(hold, hold))
        if step.object_name or not (terminated or name in snapshot.idle):
            found[name] = replace(step, run=record.run, role=ROLES[name])
    return found


def _following(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, name: str, *, ready: bool
) -> StepRecord:
    before = record.steps.get(name) or StepRecord()
    view = snapshot.phases.get(name)
    if view:
        return seen(view)
    if before.object_name:
        text = "the Phase object was deleted while the workflow ran"
        return replace(before, state=StepState.CANCELLED, reason=PHASE_DELETED, message=text)
    if name in snapshot.refused:
        return StepRecord(StepState.FAILED, message=snapshot.refused[name][:1024], reason=REFUSED)
    if not ready:
        return StepRecord()
    text = snapshot.delayed.get(name) or snapshot.claim
    return StepRecord(StepState.READY, message=text[:1024])


def under_way(record: WorkflowRecord, outcome: Outcome) -> WorkflowRecord:
    """Return the record of a workflow whose phases have ended and which is not over."""
    rollback = record.steps.get(ROLLBACK)
    undoing = rollback is not None and not rollback.ended
    state = WorkflowState.ROLLING_BACK if undoing else WorkflowState.FINALIZING
    return replace(
        record,
        state=state,
        outcome=outcome.state,
        reason=outcome.reason,
        message=outcome.message,
    )


def over(record: WorkflowRecord, outcome: Outcome, now: datetime) -> WorkflowRecord:
    """Return the record of a workflow that is over."""
    times = [s.finished_at for s in record.steps.values() if s.finished_at]
    state, reason, texts = outcome.state, outcome.reason, [outcome.message]
    for name, step in _following_failures(record.steps).items():
        texts.append(f"{name} is {step.state}: {step.message}")
        if state is WorkflowState.SUCCEEDED:
            state, reason = WorkflowState.FAILED, "FinallyFailed"
    order = stopped_by(record)
    if order and order.type is ActionType.TERMINATE and reason not in CANCELLED_BY:
        state, reason = WorkflowState.CANCELLED, "Terminated"
        texts.append(f"terminated by {order.who_and_why}")
    return replace(
        record,
        state=state,
        outcome=None,
        reason=reason,
        message="; ".join(text for text in texts if text)[:1024],
        finished_at=max(times, default=now),
    )


def _following_failures(steps: Mapping[str, StepRecord]) -> dict[str, StepRecord]:
    return {
        name: step
        for name, step in steps.items()
        if name in ROLES and step.ended and step.state is not StepState.SUCCEEDED
    }
