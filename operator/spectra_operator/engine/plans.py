"""Plans of planner tasks: the Phases that carry them out, seen from the planner's phase."""

from __future__ import annotations

import json
from dataclasses import replace

from ..api.phase import PhaseState
from ..core.attempts.objects import spawned_body
from ..core.phase.conclude import PLAN_DROPPED
from ..core.phase.decide import effective_levels
from ..core.phase.inputs import phase_outputs
from ..core.phase.readiness import overdue
from ..core.phase.records import PhaseRecord
from ..core.phase.settle import DEADLINE, halted
from ..core.phase.spawn import spawned_spec
from ..core.phase.status import parse_phase
from ..core.snapshot import Child, Levels, PhaseSnapshot
from ..core.workflow.records import PhaseView
from ..kube.errors import AlreadyExists, Invalid, KubeError
from ..kube.resources import Body, uid_of
from .effects import CreatePlan
from .keys import Key
from .parts import Parts
from .phase_views import view_of_record
from .runs import PhaseRun

DROPPED = Levels(halt="WorkflowDeleted", cancel=PLAN_DROPPED)
"""What holds for a plan whose planner's phase is over or gone."""


def parent_of(key: Key, run: PhaseRun) -> Key | None:
    """Return the key of the phase whose planner made this one."""
    parent = run.shape.spec.parent
    return Key("Phase", key.namespace, parent.name) if parent else None


def is_parent(run: PhaseRun, body: Body) -> bool:
    """Whether an object is the planner's phase that a run names, and not another of its name."""
    parent = run.shape.spec.parent
    return parent is not None and uid_of(body) == parent.uid


def plan_levels(snapshot: PhaseSnapshot, record: PhaseRecord) -> Levels:
    """Return what a phase imposes on the plans of its tasks: all that holds for itself."""
    levels = effective_levels(snapshot, record)
    return replace(levels, halt=halted(snapshot.shape, record.tasks, levels))


def levels_of(planner: PhaseRun, key: Key, run: PhaseRun) -> Levels | None:
    """Return what a planner's phase imposes on one of its plans; None while it is not known.

    A plan that its planner no longer waits for is stopped, and so is one whose planner is late.
    """
    parent, levels = run.shape.spec.parent, planner.levels
    if levels is None or parent is None:
        return levels
    if key.name not in _under_way(planner.known or planner.persisted):
        return replace(levels, cancel=levels.cancel or PLAN_DROPPED)
    late = parent.task in planner.late
    return replace(levels, cancel=levels.cancel or (DEADLINE if late else ""))


def is_over(planner: PhaseRun, key: Key) -> bool:
    """Whether the planner's status holds what came of a plan."""
    return key.name not in _under_way(planner.persisted)


def wake_plans(parts: Parts, key: Key, run: PhaseRun, snapshot: PhaseSnapshot) -> None:
    """Wake the phases that carry out plans if what holds for them has changed."""
    if not run.plans or run.known is None:
        return
    run.late = overdue(snapshot, run.known)
    imposed = (run.levels, run.late, _under_way(run.known), _under_way(run.persisted))
    if imposed != run.imposed:
        run.imposed = imposed
        wake_all_plans(parts, key, run)


def wake_all_plans(parts: Parts, key: Key, run: PhaseRun) -> None:
    """Wake the phases that carry out plans of a phase."""
    for name in run.plans:
        parts.queue.add(Key("Phase", key.namespace, name))


def _under_way(record: PhaseRecord) -> frozenset[str]:
    """Return the names of the phases that tasks wait for."""
    tasks = record.tasks.values()
    return frozenset(t.spawned.object_name for t in tasks if t.spawned and not t.ended)


def children_of(parts: Parts, key: Key, record: PhaseRecord) -> dict[str, Child]:
    """Return the phases that carry out plans of this phase's tasks, by task."""
    run = parts.phases.get(key)
    children = {}
    for name, task in record.tasks.items():
        if task.spawned is None or task.ended:
            continue
        plan = task.spawned.object_name
        refused = run.refused.get(plan) if run else None
        planner = (run.shape.uid if run else "", name)
        child = _child(parts, Key("Phase", key.namespace, plan), planner)
        if refused is not None:
            child = Child(PhaseView(plan, "", state=PhaseState.REJECTED, message=refused))
        if child:
            children[name] = child
    return children


def create_plans(parts: Parts, key: Key, run: PhaseRun, tasks: tuple[str, ...]) -> None:
    """Create the Phase of each plan that stands in persisted status."""
    for task in tasks:
        record = run.persisted.tasks.get(task)
        if record is None or record.spawned is None or not record.spawned.tasks:
            continue  # the plan is recorded first: a pod that is let go cannot tell it again
        plan = record.spawned
        if plan.object_name in run.creating:
            continue
        run.creating.add(plan.object_name)
        spec = spawned_spec(run.shape, task, plan.tasks, plan.attempt)
        shard = parts.shard_label(key.namespace)
        body = spawned_body(run.shape, plan.object_name, spec, shard)
        parts.executor.submit(CreatePlan(key, plan.object_name, body))


def created(parts: Parts, effect: CreatePlan, body: Body) -> None:
    """Take in that the Phase of a plan exists."""
    parts.store.offer(body)
    run = parts.phases.get(effect.key)
    if run:
        run.creating.discard(effect.phase)
    parts.queue.add(Key("Phase", effect.key.namespace, effect.phase))
    parts.queue.add(effect.key)


def not_created(parts: Parts, effect: CreatePlan, error: KubeError) -> None:
    """Take in that the Phase of a plan was not created: it never can be, or later it may."""
    run = parts.phases.get(effect.key)
    if run is None:
        return
    run.creating.discard(effect.phase)
    if isinstance(error, (Invalid, AlreadyExists)) or error.status == 413:
        run.refused[effect.phase] = str(error)[:1024]
        parts.queue.add(effect.key)
    else:
        parts.queue.back_off(effect.key)


def _child(parts: Parts, key: Key, planner: tuple[str, str]) -> Child | None:
    """Return how a plan goes; `planner` is the UID of its planner's phase, and the task."""
    body = parts.store.get(key)
    parent = (body and body["spec"].get("parent")) or {}
    if body is None or (parent.get("uid"), parent.get("task")) != planner:
        return None
    known = parts.phases.get(key)
    mine = known is not None and known.shape.uid == uid_of(body)
    if known and mine and known.view and not known.view.ended:
        return Child(known.view)
    # Its end counts once it stands in status: a successor would else take a plan that is over for
    # its planner, and not for itself, for one that was dropped.
    record = known.persisted if known and mine else parse_phase(body.get("status"))
    return Child(view_of_record(key.name, uid_of(body), record), _outputs(record))


def _outputs(record: PhaseRecord) -> str:
    return json.dumps(phase_outputs(record), separators=(",", ":")) if record.ended else ""
