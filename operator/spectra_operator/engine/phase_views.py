"""How a phase looks to its workflow, and what is expected of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..core.attempts.evidence import Attempt
from ..core.insight.durations import task_path
from ..core.insight.estimate import Width
from ..core.insight.expectations import Outlook
from ..core.insight.outlook import PhaseFacts, phase_outlook
from ..core.phase.records import PhaseRecord
from ..core.workflow.records import PhaseView
from .keys import Key
from .parts import Parts
from .runs import PhaseRun, WorkflowRun
from .status import COALESCE_SECONDS

PROGRESS_TOLD_SECONDS = 0.25
"""How long a workflow need not hear that a phase of it has come on."""


def view_of(parts: Parts, key: Key, run: PhaseRun, record: PhaseRecord) -> PhaseView:
    """Return a phase as its workflow sees it."""
    view = view_of_record(key.name, run.shape.uid, record)
    view = replace(view, applied=run.persisted.applied)
    return replace(view, outlook=_outlook(parts, key, run, record))


def tells_of_progress_alone(before: PhaseView, after: PhaseView) -> bool:
    """Whether a phase has but come on: its workflow decides alike on both views."""
    if bool(before.tally.running) != bool(after.tally.running):
        return False  # it is told why nothing runs
    same = replace(after, tally=before.tally, usage=before.usage, outlook=before.outlook)
    return same == before


def view_of_record(name: str, uid: str, record: PhaseRecord) -> PhaseView:
    """Return a phase as its record alone shows it."""
    return PhaseView(
        object_name=name,
        uid=uid,
        state=record.state,
        reason=record.reason,
        message=record.message,
        tally=record.tally(),
        usage=record.usage(),
        started_at=record.started_at,
        finished_at=record.finished_at,
        applied=record.applied,
    )


def _outlook(parts: Parts, key: Key, run: PhaseRun, record: PhaseRecord) -> Outlook:
    """Return what is expected, anew about once a second and at the end: it walks the graph."""
    now = parts.clock.monotonic()
    if run.outlook is None or record.ended or now >= run.estimate_again_at:
        run.estimate_again_at = now + COALESCE_SECONDS
        spec = run.shape.spec
        facts = PhaseFacts(
            name=spec.phase or "",
            tasks=run.shape.tasks,
            graph=run.shape.graph,
            observed=parts.durations.observed(source_of(parts, key, run)),
            width=Width(parts.agents.limits(key.namespace), spec.parallelism),
            records=record.tasks,
        )
        run.outlook = phase_outlook(facts, parts.clock.now())
    return run.outlook


def forecast(
    parts: Parts, key: Key, run: WorkflowRun, unborn: Iterable[str]
) -> Mapping[str, Outlook]:
    """Return what is expected of phases without an object, anew about once a second."""
    now = parts.clock.monotonic()
    if now < run.estimate_again_at:
        return run.outlooks
    run.estimate_again_at = now + COALESCE_SECONDS
    observed = parts.durations.observed(workflow_source(parts, key))
    agents = parts.agents.limits(key.namespace)
    run.outlooks = {}
    for name in unborn:
        phase = run.shape.phases[name]
        tasks = {task.name: task for task in phase.all_tasks}
        graph = run.shape.task_graphs[name]
        facts = PhaseFacts(name, tasks, graph, observed, Width(agents, phase.parallelism))
        run.outlooks[name] = phase_outlook(facts, parts.clock.now())
    return run.outlooks


def note_duration(parts: Parts, key: Key, attempt: Attempt) -> None:
    """Remember how long an attempt of a known phase took."""
    run = parts.phases.get(key)
    if run is not None:
        path = task_path(run.shape.spec.phase or "", attempt.task)
        source = source_of(parts, key, run)
        parts.durations.note(source, path, attempt)
        if source in parts.templates:  # its status tells of what was seen
            parts.queue.add(source)


def source_of(parts: Parts, key: Key, run: PhaseRun) -> Key:
    """Return what a phase's durations are remembered by: template, workflow, or the phase."""
    ref = run.shape.spec.workflow_ref
    return workflow_source(parts, Key("Workflow", key.namespace, ref.name)) if ref else key


def workflow_source(parts: Parts, workflow: Key) -> Key:
    """Return what a workflow's durations are remembered by: its template, if it has one."""
    body = parts.store.get(workflow)
    ref = (body["spec"].get("templateRef") or {}) if body else {}
    name = ref.get("name")
    return Key("WorkflowTemplate", workflow.namespace, name) if name else workflow
