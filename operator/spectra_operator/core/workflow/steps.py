"""The phases of a workflow: how each stands, which may start, which never will.

| a phase whose object ...                              | is                                    |
|-------------------------------------------------------|---------------------------------------|
| exists                                                | as its object is                      |
| exists and has failed, with a fallback                | Ready again, for the fallback's object|
| was deleted                                           | Cancelled                             |
| does not exist, and ...                               |                                       |
|   everything is being stopped                         | Cancelled                             |
|   it cannot be made, or its condition is broken       | Failed                                |
|   a phase before it failed, or was skipped for that   | Skipped `DependencyFailed`            |
|   nothing new may start                               | Skipped `WorkflowFailing`             |
|   a phase before it has not ended                     | Waiting                               |
|   all phases before it were skipped by a condition    | Skipped `DependencySkipped`           |
|   its `when` is false                                 | Skipped `ConditionFalse`              |
|   otherwise                                           | Ready: it is created                  |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...api.phase import PhaseState
from ...api.workflow import PhaseTemplate, StepState
from ..language.expressions import ExpressionError, compile_expression, condition
from ..language.references import PHASE_ROOTS
from ..phase.records import Tally
from ..phase.settle import DEPENDENCY_FAILED, FAILING
from ..phase.skips import BENIGN, CONDITION_FALSE, DEPENDENCY_SKIPPED
from ..snapshot import Levels, WorkflowShape, WorkflowSnapshot
from .orders import awaited
from .records import PhaseView, StepRecord, WorkflowRecord

PHASE_DELETED = "PhaseDeleted"
CONDITION_INVALID = "ConditionInvalid"
REFUSED = "PhaseRefused"
_DELETED = "the Phase object was deleted while the workflow ran"

_FROM_VIEW = {
    None: StepState.READY,
    PhaseState.READY: StepState.READY,
    PhaseState.RUNNING: StepState.RUNNING,
    PhaseState.SUCCEEDED: StepState.SUCCEEDED,
    PhaseState.FAILED: StepState.FAILED,
    PhaseState.CANCELLED: StepState.CANCELLED,
    PhaseState.REJECTED: StepState.FAILED,
}

Steps = Mapping[str, StepRecord]


def fallback_key(name: str) -> str:
    """Return by what a phase's fallback goes where phases to be created go by their name."""
    return f"{name}/fallback"


def planned(shape: WorkflowShape, name: str) -> Tally:
    """Return the items of a phase that has not begun."""
    return Tally(total=shape.items.get(name, 0))


def current_views(snapshot: WorkflowSnapshot, record: WorkflowRecord) -> dict[str, PhaseView]:
    """Return the objects of the spec's phases that count: a fallback's before that which failed."""
    found = {}
    for name in snapshot.shape.phases:
        view = snapshot.fallbacks.get(name) or snapshot.phases.get(name)
        before = snapshot.persisted.steps.get(name) or StepRecord()
        if view and (record.steps.get(name) or before).run == before.run:
            found[name] = view
    return found


def seen_steps(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, views: Mapping[str, PhaseView]
) -> dict[str, StepRecord]:
    """Return the phases that have or had an object, as it is."""
    found = {}
    for name in snapshot.shape.phases:
        before = record.steps.get(name) or StepRecord()
        view = views.get(name)
        fallback = name in snapshot.fallbacks
        if _is_lost(before, view, fallback=fallback):
            found[name] = replace(
                before, state=StepState.CANCELLED, reason=PHASE_DELETED, message=_DELETED
            )
        elif view:
            step = seen(view)
            if step.ended and awaited(snapshot, record, name, view):
                step = replace(step, state=StepState.RUNNING, finished_at=None, message="")
            found[name] = replace(step, run=before.run, fallback=fallback)
    return found


def _is_lost(before: StepRecord, view: PhaseView | None, *, fallback: bool) -> bool:
    """Whether an object that was there is not: what it did is lost, and must not be done again."""
    if view is None:
        return bool(before.object_name) or before.fallback
    return bool(before.object_name) and before.fallback and not fallback


def seen(view: PhaseView) -> StepRecord:
    """Return a phase as its object is."""
    good = view.state is PhaseState.SUCCEEDED
    return StepRecord(
        state=_FROM_VIEW[view.state],
        object_name=view.object_name,
        tally=view.tally,
        started_at=view.started_at,
        finished_at=view.finished_at,
        reason="" if good else view.reason,
        message="" if good else view.message,
    )


def is_benign(step: StepRecord) -> bool:
    """Whether a phase was skipped for a reason that fails nothing."""
    return step.state is StepState.SKIPPED and step.reason in BENIGN


def is_good(step: StepRecord, template: PhaseTemplate) -> bool:
    """Whether an ended phase does not fail the workflow."""
    return (
        step.state is StepState.SUCCEEDED
        or is_benign(step)
        or (step.state is StepState.FAILED and template.allow_failure)
    )


def is_broken(snapshot: WorkflowSnapshot, record: WorkflowRecord, seen_now: Steps) -> bool:
    """Whether a phase has failed the workflow: for good, without leave, with no fallback left."""
    for name, template in snapshot.shape.phases.items():
        step = seen_now.get(name)
        if step is None:
            before = record.steps.get(name) or StepRecord()
            bad = name in snapshot.refused or _failed_unborn(before)
            if bad and not template.allow_failure:
                return True
        elif step.ended and not is_good(step, template) and not _may_fall_back(step, template):
            return True
    return False


def all_steps(
    snapshot: WorkflowSnapshot, record: WorkflowRecord, seen_now: Steps, levels: Levels
) -> dict[str, StepRecord]:
    """Return every phase of the spec with its state, in the order of the spec."""
    steps: dict[str, StepRecord] = {}
    for name in snapshot.shape.graph.order:
        step = seen_now.get(name)
        if step is None:
            before = record.steps.get(name) or StepRecord()
            step = replace(_unborn(snapshot, name, before, steps, levels), run=before.run)
        elif _may_fall_back(step, snapshot.shape.phases[name]):
            waits = [p for p in snapshot.shape.graph.parents[name] if not steps[p].ended]
            step = _fallen_back(snapshot, name, step, levels, waits)
        steps[name] = step
    return {name: steps[name] for name in snapshot.shape.phases if name in steps}


def _may_fall_back(step: StepRecord, template: PhaseTemplate) -> bool:
    return step.state is StepState.FAILED and template.fallback is not None and not step.fallback


def _fallen_back(
    snapshot: WorkflowSnapshot, name: str, step: StepRecord, levels: Levels, waits: list[str]
) -> StepRecord:
    """Return a phase that failed and whose fallback is to be made now, unless nothing may.

    `waits` names phases before it that are being done again.
    """
    if levels.cancel or levels.halt:
        return step
    key = fallback_key(name)
    if key in snapshot.refused:
        text = f"its fallback cannot be made: {snapshot.refused[key]}"
        return replace(step, reason=REFUSED, message=text[:1024])
    text = snapshot.delayed.get(key) or f"it failed, its fallback follows: {step.message}"
    return replace(
        step,
        state=StepState.WAITING if waits else StepState.READY,
        object_name="",
        fallback=True,
        finished_at=None,
        reason="Fallback",
        message=text[:1024],
    )


def _failed_unborn(step: StepRecord) -> bool:
    return step.state is StepState.FAILED and not step.object_name


def _is_latched(step: StepRecord) -> bool:
    """Whether what was decided of a phase without an object stays until an order changes it."""
    skipped = step.state is StepState.SKIPPED and step.reason == CONDITION_FALSE
    return _failed_unborn(step) or (skipped and not step.object_name)


def _unborn(
    snapshot: WorkflowSnapshot, name: str, before: StepRecord, steps: Steps, levels: Levels
) -> StepRecord:
    if _is_latched(before):
        return before
    items = planned(snapshot.shape, name)
    if levels.cancel and levels.cancel != FAILING:
        tally = replace(items, cancelled=items.total)
        text = levels.cancel
        return StepRecord(StepState.CANCELLED, tally=tally, message=text, reason=levels.cancel)
    if name in snapshot.refused:
        return _failed(items, REFUSED, snapshot.refused[name])
    return _held_back(snapshot, name, steps, levels) or _conditional(snapshot, name, steps)


def _held_back(
    snapshot: WorkflowSnapshot, name: str, steps: Steps, levels: Levels
) -> StepRecord | None:
    """Return a phase that cannot start by what is before it, or None."""
    items, templates = planned(snapshot.shape, name), snapshot.shape.phases
    parents = snapshot.shape.graph.parents[name]
    bad = [p for p in parents if steps[p].ended and not is_good(steps[p], templates[p])]
    waits = [p for p in parents if not steps[p].ended]
    if bad:
        return _skipped(items, DEPENDENCY_FAILED, f"{', '.join(bad[:5])} did not succeed")
    if levels.halt:
        return _skipped(items, FAILING, "the workflow is failing")
    if waits:
        return StepRecord(tally=items, message="for " + ", ".join(waits[:5]))
    if name in snapshot.leftovers:
        return StepRecord(tally=items, message="for its former object to be deleted")
    if parents and all(is_benign(steps[p]) for p in parents):
        text = f"all phases before it were skipped: {', '.join(parents[:5])}"
        return _skipped(items, DEPENDENCY_SKIPPED, text)
    return None


def _conditional(snapshot: WorkflowSnapshot, name: str, steps: Steps) -> StepRecord:
    """Return a phase that could start by all that is before it."""
    items, when = planned(snapshot.shape, name), snapshot.shape.phases[name].when
    if when is not None:
        try:
            holds = _holds(snapshot, when, steps)
        except ExpressionError as error:
            return _failed(items, CONDITION_INVALID, f"when {when!r}: {error}")
        if not holds:
            return _skipped(items, CONDITION_FALSE, f"its condition is false: {when}")
    text = snapshot.delayed.get(name) or snapshot.claim
    return StepRecord(StepState.READY, tally=items, message=text[:1024])


def _holds(snapshot: WorkflowSnapshot, when: str, steps: Steps) -> bool:
    expression = compile_expression(when, PHASE_ROOTS)
    shape = snapshot.shape
    wanted = expression.roots_and_names()
    names = wanted.get("phases", frozenset())
    known = steps.keys() if names is None else names & steps.keys()
    values: dict[str, Any] = {
        "parameters": {p.name: p.value for p in shape.spec.parameters},
        "workflow": {
            "name": shape.name,
            "namespace": shape.namespace,
            "uid": shape.uid,
            "priority": shape.spec.priority,
        },
        "phases": {name: phase_values_of(snapshot, name, steps[name]) for name in sorted(known)},
    }
    return condition(expression, values)


def phase_values_of(snapshot: WorkflowSnapshot, name: str, step: StepRecord) -> dict[str, Any]:
    """Return what later phases see of a phase; the outputs of one that did not succeed are null."""
    good = step.state is StepState.SUCCEEDED
    outputs = snapshot.values(name).get("outputs") if good else None
    return {"state": str(step.state), "outputs": outputs}


def _failed(items: Tally, reason: str, message: str) -> StepRecord:
    tally = replace(items, skipped=items.total)
    return StepRecord(StepState.FAILED, tally=tally, message=message[:1024], reason=reason)


def _skipped(items: Tally, reason: str, message: str) -> StepRecord:
    total = 0 if reason in BENIGN else items.total
    tally = replace(items, total=total, skipped=items.total)
    return StepRecord(StepState.SKIPPED, tally=tally, message=message[:1024], reason=reason)
