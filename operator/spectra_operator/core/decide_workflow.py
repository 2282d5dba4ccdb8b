"""Decides about one workflow: which phases to create, what holds for them, when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..api.common import FailurePolicy
from ..api.phase import PhaseState
from ..api.workflow import StepState, WorkflowState
from .estimate import path_seconds
from .records import Tally
from .results import Usage
from .settle import DEADLINE, DEPENDENCY_FAILED, FAILING
from .snapshot import Levels, WorkflowShape, WorkflowSnapshot
from .workflow_records import PhaseView, StepRecord, WorkflowRecord

PHASE_DELETED = "PhaseDeleted"

_FROM_VIEW = {
    None: StepState.READY,
    PhaseState.READY: StepState.READY,
    PhaseState.RUNNING: StepState.RUNNING,
    PhaseState.SUCCEEDED: StepState.SUCCEEDED,
    PhaseState.FAILED: StepState.FAILED,
    PhaseState.CANCELLED: StepState.CANCELLED,
    PhaseState.REJECTED: StepState.FAILED,
}


@dataclass(frozen=True, slots=True)
class WorkflowDecision:
    """What to do for a workflow: phases to create now, and the levels its phases live under."""

    record: WorkflowRecord
    levels: Levels = Levels()
    create: tuple[str, ...] = ()
    wake_at: datetime | None = None


def decide_workflow(snapshot: WorkflowSnapshot) -> WorkflowDecision:
    """Return what to do for a workflow, from this snapshot alone."""
    shape, persisted = snapshot.shape, snapshot.persisted
    if persisted.ended:
        return WorkflowDecision(persisted)
    if shape.problems:
        return WorkflowDecision(_rejected(snapshot))
    if not persisted.started_at and snapshot.missing_agents:
        return WorkflowDecision(_pending(snapshot))
    started_at = persisted.started_at or snapshot.now
    deadline = _deadline(shape, started_at)
    levels = _levels(snapshot, deadline)
    steps = _steps(snapshot, levels)
    create = () if levels.hold else tuple(n for n, s in steps.items() if _to_create(s))
    record = WorkflowRecord(
        generation=shape.generation,
        started_at=started_at,
        suspended=persisted.suspended,
        suspended_changed_at=persisted.suspended_changed_at,
        remaining=_remaining(snapshot, steps),
        usage=sum((v.usage for v in snapshot.phases.values()), start=Usage()),
        steps=steps,
    )
    record = _with_state(snapshot, record, levels)
    wake_at = deadline if deadline and snapshot.now < deadline and not record.ended else None
    return WorkflowDecision(record, levels, create, wake_at)


def _rejected(snapshot: WorkflowSnapshot) -> WorkflowRecord:
    problems = snapshot.shape.problems
    return WorkflowRecord(
        generation=snapshot.shape.generation,
        state=WorkflowState.REJECTED,
        reason=problems[0].reason,
        message="; ".join(str(p) for p in problems)[:1024],
        finished_at=snapshot.now,
        steps=_untouched(snapshot.shape),
    )


def _pending(snapshot: WorkflowSnapshot) -> WorkflowRecord:
    names = ", ".join(snapshot.missing_agents)
    return WorkflowRecord(
        generation=snapshot.shape.generation,
        state=WorkflowState.PENDING,
        reason="AgentNotFound",
        message=f"waits for agents that do not exist yet: {names}"[:1024],
        steps=_untouched(snapshot.shape),
    )


def _untouched(shape: WorkflowShape) -> dict[str, StepRecord]:
    return {p.name: StepRecord(tally=_planned(shape, p.name)) for p in shape.spec.all_phases}


def _planned(shape: WorkflowShape, name: str) -> Tally:
    phase = next(p for p in shape.spec.all_phases if p.name == name)
    return Tally(total=sum(task.count or 1 for task in phase.all_tasks))


def _deadline(shape: WorkflowShape, started_at: datetime) -> datetime | None:
    seconds = shape.spec.active_deadline_seconds
    return None if seconds is None else started_at + timedelta(seconds=seconds)


def _levels(snapshot: WorkflowSnapshot, deadline: datetime | None) -> Levels:
    spec = snapshot.shape.spec
    bad = any(v.ended and v.state is not PhaseState.SUCCEEDED for v in snapshot.phases.values())
    deleted = any(_deleted(snapshot, p.name) for p in spec.all_phases)
    bad = bad or bool(snapshot.refused)
    fails = spec.failure_policy is FailurePolicy.FAIL
    late = deadline is not None and snapshot.now >= deadline
    return Levels(
        hold="Suspended" if spec.suspend else "",
        halt=FAILING if deleted or (bad and fails) else "",
        cancel=DEADLINE if late else "",
    )


def _deleted(snapshot: WorkflowSnapshot, name: str) -> bool:
    """Whether a phase that existed is gone: its results are lost, and it must not run again."""
    before = snapshot.persisted.steps.get(name)
    return bool(before and before.object_name and name not in snapshot.phases)


def _steps(snapshot: WorkflowSnapshot, levels: Levels) -> dict[str, StepRecord]:
    steps: dict[str, StepRecord] = {}
    for name in snapshot.shape.graph.order:
        view = snapshot.phases.get(name)
        if view:
            steps[name] = _seen(view)
        elif _deleted(snapshot, name):
            before = snapshot.persisted.steps[name]
            text = "the Phase object was deleted while the workflow ran"
            steps[name] = replace(before, state=StepState.CANCELLED, message=text)
        else:
            steps[name] = _unborn(snapshot, name, steps, levels)
    return {p.name: steps[p.name] for p in snapshot.shape.spec.all_phases}


def _seen(view: PhaseView) -> StepRecord:
    return StepRecord(
        state=_FROM_VIEW[view.state],
        object_name=view.object_name,
        tally=view.tally,
        started_at=view.started_at,
        finished_at=view.finished_at,
        message=view.message if view.state is not PhaseState.SUCCEEDED else "",
    )


def _unborn(
    snapshot: WorkflowSnapshot, name: str, steps: Mapping[str, StepRecord], levels: Levels
) -> StepRecord:
    planned = _planned(snapshot.shape, name)
    if levels.cancel:
        tally = replace(planned, cancelled=planned.total)
        return StepRecord(StepState.CANCELLED, tally=tally, message=levels.cancel)
    skipped = replace(planned, skipped=planned.total)
    if name in snapshot.refused:
        text = snapshot.refused[name][:1024]
        return StepRecord(StepState.FAILED, tally=skipped, message=text)
    parents = snapshot.shape.graph.parents[name]
    bad = [p for p in parents if steps[p].ended and steps[p].state is not StepState.SUCCEEDED]
    if bad:
        text = f"{DEPENDENCY_FAILED}: {', '.join(bad[:5])} did not succeed"
        return StepRecord(StepState.SKIPPED, tally=skipped, message=text)
    if levels.halt:
        return StepRecord(StepState.SKIPPED, tally=skipped, message="the workflow is failing")
    waits = [p for p in parents if not steps[p].ended]
    if waits:
        return StepRecord(tally=planned, message="for " + ", ".join(waits[:5]))
    delay = snapshot.delayed.get(name, "")
    return StepRecord(StepState.READY, tally=planned, message=delay[:1024])


def _to_create(step: StepRecord) -> bool:
    return step.state is StepState.READY and not step.object_name


def _with_state(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, levels: Levels
) -> WorkflowRecord:
    record = _over(snapshot, record, levels) or _going_on(record, levels)
    suspended = record.state is WorkflowState.SUSPENDED
    if suspended != record.suspended:
        record = replace(record, suspended=suspended, suspended_changed_at=snapshot.now)
    return record


def _over(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, levels: Levels
) -> WorkflowRecord | None:
    steps = record.steps.values()
    if not all(step.ended for step in steps):
        return None
    times = [s.finished_at for s in steps if s.finished_at]
    record = replace(record, finished_at=max(times, default=snapshot.now), remaining=None)
    if all(step.state is StepState.SUCCEEDED for step in steps):
        return replace(record, state=WorkflowState.SUCCEEDED)
    if levels.cancel:
        text = f"activeDeadlineSeconds: {snapshot.shape.spec.active_deadline_seconds} s have passed"
        return replace(record, state=WorkflowState.FAILED, reason=levels.cancel, message=text)
    reason, text = _first_failure(snapshot, record)
    return replace(record, state=WorkflowState.FAILED, reason=reason, message=text[:1024])


def _first_failure(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> tuple[str, str]:
    for name in record.steps:
        if _deleted(snapshot, name):
            return PHASE_DELETED, f"phase {name}: {record.steps[name].message}"
    failed = {n: s for n, s in record.steps.items() if s.state is StepState.FAILED}
    for name, step in sorted(failed.items(), key=lambda x: _finished(x[1], snapshot.now)):
        return "PhaseFailed", f"phase {name}: {step.message}"
    name = next(n for n, s in record.steps.items() if s.state is not StepState.SUCCEEDED)
    return "PhaseCancelled", f"phase {name}: {record.steps[name].message}"


def _finished(step: StepRecord, now: datetime) -> datetime:
    return step.finished_at or now


def _going_on(record: WorkflowRecord, levels: Levels) -> WorkflowRecord:
    if levels.cancel:
        text = "the deadline passed; what runs is being stopped"
        return replace(record, state=WorkflowState.RUNNING, reason=levels.cancel, message=text)
    if levels.halt:
        text = "a phase failed; what runs is finishing"
        return replace(record, state=WorkflowState.RUNNING, reason=levels.halt, message=text)
    if levels.hold:
        return replace(
            record,
            state=WorkflowState.SUSPENDED,
            reason="Suspended",
            message="spec.suspend is true; what runs goes on",
        )
    for name, step in record.steps.items():
        if step.message and step.object_name and not step.ended and not record.tally().running:
            text = f"phase {name}: {step.message}"[:1024]
            return replace(record, state=WorkflowState.RUNNING, reason="Waiting", message=text)
    return replace(record, state=WorkflowState.RUNNING)


def _remaining(snapshot: WorkflowSnapshot, steps: Mapping[str, StepRecord]) -> float | None:
    """Seconds on the longest path of phases to come; unborn ones are judged by those seen."""
    per_item = _seconds_per_item(snapshot)
    lengths: dict[str, float] = {}
    for name, step in steps.items():
        view = snapshot.phases.get(name)
        if step.ended:
            lengths[name] = 0.0
        elif view and view.remaining is not None:
            lengths[name] = view.remaining
        elif per_item is None:
            return None
        else:
            lengths[name] = per_item * snapshot.shape.depths[name]
    return path_seconds(snapshot.shape.graph, lengths)


def _seconds_per_item(snapshot: WorkflowSnapshot) -> float | None:
    """Mean seconds that a step of the graph took in phases that are over or give an estimate."""
    samples = []
    for name, view in snapshot.phases.items():
        if view.state is PhaseState.SUCCEEDED and view.started_at and view.finished_at:
            seconds = (view.finished_at - view.started_at).total_seconds()
            samples.append(seconds / snapshot.shape.depths[name])
        elif view.remaining and not view.tally.succeeded:
            samples.append(view.remaining / snapshot.shape.depths[name])
    return sum(samples) / len(samples) if samples else None
