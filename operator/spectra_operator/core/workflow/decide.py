"""Decides about one workflow: which phases to create, what holds for them, when it is over.

record --orders--> record --phases as seen--> levels --> steps --> outcome --> decision
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ...api.workflow import StepState, WorkflowState
from ..attempts.results import Usage
from ..change_status import with_changes
from ..phase.settle import DEADLINE
from ..snapshot import Levels, WorkflowShape, WorkflowSnapshot
from ..spec.expand import TEMPLATE_NOT_FOUND
from .end import following_steps, outcome_of, over, under_way
from .levels import deadline_of, levels_after, main_levels
from .orders import hand_over, settled, stopped_by, take_in
from .records import PhaseView, StepRecord, WorkflowRecord
from .rest import insight_of, next_look
from .steps import PHASE_DELETED, all_steps, current_views, planned, seen_steps

__all__ = ["PHASE_DELETED", "WorkflowDecision", "decide_workflow"]

WORKSPACE = "WorkspaceNotReady"


@dataclass(frozen=True, slots=True)
class WorkflowDecision:
    """What to do for a workflow.

    `create` names phases to create now; `levels` is what its phases live under, `after` what
    those live under that follow the end. `hand_over` has for each Phase object the orders that it
    is to carry out, `settled` those that are done, with the reason if refused. `discard` names
    phases whose former objects are to be deleted.
    """

    record: WorkflowRecord
    levels: Levels = Levels()
    create: tuple[str, ...] = ()
    wake_at: datetime | None = None
    after: Levels = Levels()
    hand_over: Mapping[str, frozenset[str]] = field(default_factory=dict)
    settled: Mapping[str, str] = field(default_factory=dict)
    discard: tuple[str, ...] = ()


def decide_workflow(snapshot: WorkflowSnapshot) -> WorkflowDecision:
    """Return what to do for a workflow, from this snapshot alone."""
    record = take_in(snapshot)
    if record.ended:
        return WorkflowDecision(record, settled=settled(snapshot, record, {}))
    if snapshot.shape.problems:
        return WorkflowDecision(_rejected(snapshot, record))
    if not snapshot.shape.missing_templates:
        record = with_changes(record, snapshot.shape, snapshot.now)
    if not record.started_at and stopped_by(record):
        return WorkflowDecision(_never_begun(snapshot, record))
    waiting = _pending(snapshot, record)
    return WorkflowDecision(waiting) if waiting else _decide(snapshot, record)


def _decide(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> WorkflowDecision:
    views = current_views(snapshot, record)
    record = replace(
        record,
        generation=snapshot.shape.generation,
        started_at=record.started_at or snapshot.now,
        template=record.template or snapshot.shape.template,
    )
    seen_now = seen_steps(snapshot, record, views)
    levels = main_levels(snapshot, record, seen_now)
    steps = all_steps(snapshot, record, seen_now, levels)
    after = levels_after(snapshot, record)
    decided = _with_steps(snapshot, record, steps, views)
    decided = _with_state(snapshot, record, decided, levels)
    deadline = deadline_of(snapshot, decided)
    due = deadline if deadline and snapshot.now < deadline and not decided.outcome else None
    return WorkflowDecision(
        record=decided,
        levels=levels,
        create=_to_create(snapshot, decided, levels),
        wake_at=None if decided.ended else next_look(decided.insight, due),
        after=after,
        hand_over=hand_over(snapshot, decided, views),
        settled=settled(snapshot, decided, views),
        discard=tuple(sorted(snapshot.leftovers)),
    )


def _with_steps(
    snapshot: WorkflowSnapshot,
    record: WorkflowRecord,
    steps: Mapping[str, StepRecord],
    views: Mapping[str, PhaseView],
) -> WorkflowRecord:
    used = (*snapshot.phases.values(), *snapshot.fallbacks.values())
    return replace(
        record,
        insight=insight_of(snapshot, record, steps, views),
        usage=sum((view.usage for view in used), start=Usage()),
        steps=steps,
    )


def _with_state(
    snapshot: WorkflowSnapshot, before: WorkflowRecord, record: WorkflowRecord, levels: Levels
) -> WorkflowRecord:
    """Return the record with its state; `before` has the outcome as it is stored."""
    outcome = outcome_of(snapshot, before, record.steps, levels)
    if outcome is None:
        record = _going_on(snapshot, replace(record, reason="", message=""), levels)
    else:
        following = following_steps(snapshot, before, outcome, levels.hold)
        record = replace(record, steps={**record.steps, **following})
        done = all(step.ended for step in following.values())
        record = over(record, outcome, snapshot.now) if done else under_way(record, outcome)
    held = record.outcome is not None and bool(levels.hold)
    suspended = record.state is WorkflowState.SUSPENDED or held
    if suspended != record.suspended:
        record = replace(record, suspended=suspended, suspended_changed_at=snapshot.now)
    return record


def _to_create(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, levels: Levels
) -> tuple[str, ...]:
    """Return the phases to create; a later object of one only once its run is stored."""
    if levels.hold or snapshot.claim or record.ended:
        return ()
    stored = snapshot.persisted.steps
    return tuple(
        name
        for name, step in record.steps.items()
        if step.state is StepState.READY
        and not step.object_name
        and (name not in stored or stored[name].run == step.run)
    )


def _rejected(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> WorkflowRecord:
    problems = snapshot.shape.problems
    return replace(
        record,
        generation=snapshot.shape.generation,
        state=WorkflowState.REJECTED,
        reason=problems[0].reason,
        message="; ".join(str(p) for p in problems)[:1024],
        finished_at=snapshot.now,
        steps=_untouched(snapshot.shape),
    )


def _never_begun(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> WorkflowRecord:
    """A workflow that was stopped before it started has nothing to tidy up."""
    order = stopped_by(record)
    text = f"cancelled before it started by {order.who_and_why}" if order else ""
    steps = _untouched(snapshot.shape)
    return replace(
        record,
        generation=snapshot.shape.generation,
        state=WorkflowState.CANCELLED,
        reason="Cancelled",
        message=text[:1024],
        finished_at=snapshot.now,
        steps={name: replace(s, state=StepState.CANCELLED) for name, s in steps.items()},
    )


def _pending(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> WorkflowRecord | None:
    """Return a workflow that waits for what it needs to begin with, or None."""
    templates = snapshot.shape.missing_templates
    if templates:
        reason, what, names = TEMPLATE_NOT_FOUND, "WorkflowTemplates", templates
    elif snapshot.missing_agents and not record.started_at:
        reason, what, names = "AgentNotFound", "agents", snapshot.missing_agents
    else:
        return None
    return replace(
        record,
        generation=snapshot.shape.generation,
        state=WorkflowState.PENDING,
        reason=reason,
        message=f"waits for {what} that do not exist yet: {', '.join(names)}"[:1024],
        steps=_untouched(snapshot.shape) if not record.started_at else record.steps,
    )


def _untouched(shape: WorkflowShape) -> dict[str, StepRecord]:
    return {p.name: StepRecord(tally=planned(shape, p.name)) for p in shape.spec.all_phases}


def _going_on(snapshot: WorkflowSnapshot, record: WorkflowRecord, levels: Levels) -> WorkflowRecord:
    state, (reason, text) = WorkflowState.RUNNING, ("", "")
    if levels.cancel:
        reason, text = levels.cancel, _why_stopped(record, levels)
    elif levels.halt:
        reason, text = levels.halt, "a phase failed; what runs is finishing"
    elif levels.hold:
        state, reason = WorkflowState.SUSPENDED, levels.hold
        text = "spec.suspend is true; what runs goes on"
    elif snapshot.claim:
        reason, text = WORKSPACE, snapshot.claim
    else:
        reason, text = _waiting(record)
    return replace(record, state=state, reason=reason, message=text[:1024])


def _why_stopped(record: WorkflowRecord, levels: Levels) -> str:
    order = stopped_by(record)
    if order:
        return f"{levels.cancel.lower()} by {order.who_and_why}; what runs is being stopped"
    why = "the deadline passed" if levels.cancel == DEADLINE else "a phase failed"
    return f"{why}; what runs is being stopped"


def _waiting(record: WorkflowRecord) -> tuple[str, str]:
    """Return why nothing runs, if so."""
    if record.tally().running:
        return "", ""
    for name, step in record.steps.items():
        if step.message and step.object_name and not step.ended:
            return "Waiting", f"phase {name}: {step.message}"
    return "", ""
