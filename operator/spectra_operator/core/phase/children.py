"""Planner tasks: what becomes of a plan stands in the Phase that carries it out, the child."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ...api.phase import PhaseState
from ..attempts.evidence import Attempt, Kind, Outcome
from ..attempts.results import Result
from ..snapshot import Child
from . import fold, judging
from .records import Spawned, TaskRecord


def follow(
    tasks: Mapping[str, TaskRecord], children: Mapping[str, Child], contexts: fold.Contexts
) -> dict[str, TaskRecord]:
    """Return the tasks with what their children have come to."""
    followed = dict(tasks)
    taken = 0  # of the room for outputs, by plans that ended in this same pass

    def context(task: str) -> judging.Context:
        given = contexts(task)
        return replace(given, output_bytes_left=given.output_bytes_left - taken)

    for name, record in tasks.items():
        if record.spawned is not None and not record.ended:
            child = _of_plan(record.spawned, children.get(name))
            followed[name] = _follow(name, record, child, context)
            taken += followed[name].output_bytes()
    return followed


def to_create(tasks: Mapping[str, TaskRecord], children: Mapping[str, Child]) -> tuple[str, ...]:
    """Return the planner tasks whose plan has no Phase yet."""
    return tuple(
        name
        for name, record in tasks.items()
        if record.spawned
        and record.spawned.tasks
        and not record.ended
        and _of_plan(record.spawned, children.get(name)) is None
    )


def _of_plan(plan: Spawned, child: Child | None) -> Child | None:
    """Return the child if it carries out this plan, and not a former one."""
    return child if child and child.view.object_name == plan.object_name else None


def _follow(
    name: str, record: TaskRecord, child: Child | None, contexts: fold.Contexts
) -> TaskRecord:
    plan = record.spawned
    if plan is None:
        return record
    if child is None and plan.tasks:
        return record
    if child is None:
        text = f"phase {plan.object_name}, which carried out its plan, was deleted"
        return _end(name, record, Outcome(Kind.FAILED, "PhaseDeleted", text, final=True), contexts)
    if not child.view.ended:
        text = f"{child.view.tally.progress} of its tasks are done in phase {plan.object_name}"
        seen = replace(plan, tasks="")
        return replace(record, spawned=seen, reason="Spawned", message=text)
    return _end(name, record, _outcome(plan, child), contexts, child.view.finished_at)


def _outcome(plan: Spawned, child: Child) -> Outcome:
    view = child.view
    if view.state is PhaseState.SUCCEEDED:
        outputs = gathered(json.loads(child.outputs or "{}"), plan.outputs)
        return Outcome(Kind.SUCCEEDED, result=Result(outputs=outputs, usage=view.usage))
    text = f"phase {plan.object_name} is {view.state}: {view.message}"
    return Outcome(Kind.FAILED, "PlanFailed", text[:1024], result=Result(usage=view.usage))


def _end(
    name: str,
    record: TaskRecord,
    outcome: Outcome,
    contexts: fold.Contexts,
    finished_at: datetime | None = None,
) -> TaskRecord:
    """Close the attempt that returned the plan, as if it had ended only now."""
    context = contexts(name)
    item = replace(record.open[0], prior=record.open[0].prior - 1)
    record = replace(record, spawned=None, prior=item.prior)
    attempt = Attempt(
        pod=record.pod,
        phase_uid=context.phase.uid,
        task=name,
        index=0,
        number=item.attempt,
        agent=record.agent,
        revision=record.revision,
        finished_at=finished_at or context.now,
        outcome=outcome,
    )
    return fold.close(record, attempt, item, outcome, context)


def gathered(outputs: Mapping[str, object], own: str) -> str:
    """Return a planner's outputs: those of its tasks by name, over what it returned itself."""
    mine: dict[str, object] = json.loads(own) if own else {}
    return json.dumps(mine | dict(outputs), separators=(",", ":"))
