"""How a phase looks to its workflow, and what is expected of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..api.task import Task
from ..core.attempts.evidence import Attempt, Outcome
from ..core.insight.durations import task_path
from ..core.insight.estimate import Width
from ..core.insight.expectations import Outlook
from ..core.insight.outlook import PhaseFacts, phase_outlook
from ..core.phase.judging import judge
from ..core.phase.records import PhaseRecord
from ..core.policy import done_by
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
            width=Width(_limits(parts, key.namespace, run.shape.tasks.values()), spec.parallelism),
            records=record.tasks,
        )
        run.outlook = phase_outlook(facts, parts.clock.now())
    return run.outlook


def _limits(parts: Parts, namespace: str, tasks: Iterable[Task]) -> dict[str, int | None]:
    """Return how many attempts agents can do at once, and those together that a task can have."""
    limits = parts.agents.limits(namespace)
    choosing = {done_by(task): task.requires for task in tasks if task.requires}
    if not choosing:
        return limits
    profiles = parts.profiles(namespace)
    for words, wanted in choosing.items():
        fitting = [n for n, p in profiles.items() if p.capabilities.issuperset(wanted.capabilities)]
        each = [limits[name] for name in fitting]
        limits[words] = None if None in each else sum(limit or 0 for limit in each) or None
    return limits


def forecast(
    parts: Parts, key: Key, run: WorkflowRun, unborn: Iterable[str]
) -> Mapping[str, Outlook]:
    """Return what is expected of phases without an object, anew about once a second."""
    now = parts.clock.monotonic()
    if now < run.estimate_again_at:
        return run.outlooks
    run.estimate_again_at = now + COALESCE_SECONDS
    observed = parts.durations.observed(workflow_source(parts, key))
    tasks_of_all = [task for name in unborn for task in run.shape.phases[name].all_tasks]
    agents = _limits(parts, key.namespace, tasks_of_all)
    run.outlooks = {}
    for name in unborn:
        phase = run.shape.phases[name]
        tasks = {task.name: task for task in phase.all_tasks}
        graph = run.shape.task_graphs[name]
        facts = PhaseFacts(name, tasks, graph, observed, Width(agents, phase.parallelism))
        run.outlooks[name] = phase_outlook(facts, parts.clock.now())
    return run.outlooks


def note_end(parts: Parts, key: Key, attempt: Attempt) -> None:
    """Remember how an attempt of a known phase ended, and how long it took."""
    run = parts.phases.get(key)
    if run is not None:
        outcome = _judged(run, attempt)
        parts.selection.note(key.namespace, attempt, outcome, parts.clock.monotonic())
        task = run.shape.tasks.get(attempt.task)
        if task and task.agent is None:
            parts.agents.ended(key.namespace, attempt, outcome)
        path = task_path(run.shape.spec.phase or "", attempt.task)
        source = source_of(parts, key, run)
        parts.durations.note(source, path, attempt)
        if source in parts.templates:  # its status tells of what was seen
            parts.queue.add(source)


def _judged(run: PhaseRun, attempt: Attempt) -> Outcome | None:
    """Return how an attempt ended by the policy of its task: a timeout is no loss."""
    policy = run.policies.get(attempt.task)
    if policy is None:
        return attempt.outcome
    record = (run.known or run.persisted).tasks.get(attempt.task)
    return judge(attempt, policy.of_way(record.way_of(attempt.index) if record else 0))


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
