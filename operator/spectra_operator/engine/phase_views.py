"""How a phase looks to its workflow, and what is expected of it."""

from __future__ import annotations

from dataclasses import replace

from ..api.constants import LABEL_TEMPLATE
from ..core.durations import task_path
from ..core.estimate import Width
from ..core.evidence import Attempt
from ..core.expectations import Outlook
from ..core.outlook import PhaseFacts, phase_outlook
from ..core.records import PhaseRecord
from ..core.workflow_records import PhaseView
from .keys import Key
from .parts import Parts
from .runs import PhaseRun
from .status import COALESCE_SECONDS


def view_of(parts: Parts, key: Key, run: PhaseRun, record: PhaseRecord) -> PhaseView:
    """Return a phase as its workflow sees it."""
    view = view_of_record(key.name, run.shape.uid, record)
    view = replace(view, applied=run.persisted.applied)
    if record.ended:
        return replace(view, remaining=0.0)
    return replace(view, remaining=_remaining(parts, key, run, record))


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


def _remaining(parts: Parts, key: Key, run: PhaseRun, record: PhaseRecord) -> float | None:
    """Estimate the rest, anew about once a second: it walks the whole graph."""
    now = parts.clock.monotonic()
    if now >= run.estimate_again_at:
        run.estimate_again_at = now + COALESCE_SECONDS
        outlook = _outlook(parts, key, run, record)
        run.remaining = outlook.rest.seconds if outlook.clue else None
    return run.remaining


def _outlook(parts: Parts, key: Key, run: PhaseRun, record: PhaseRecord) -> Outlook:
    spec = run.shape.spec
    facts = PhaseFacts(
        name=spec.phase or "",
        tasks=run.shape.tasks,
        graph=run.shape.graph,
        observed=parts.durations.observed(source_of(parts, key, run)),
        width=Width(parts.agents.limits(key.namespace), spec.parallelism),
        records=record.tasks,
    )
    return phase_outlook(facts, parts.clock.now())


def note_duration(parts: Parts, key: Key, attempt: Attempt) -> None:
    """Remember how long an attempt of a known phase took."""
    run = parts.phases.get(key)
    if run is not None:
        path = task_path(run.shape.spec.phase or "", attempt.task)
        parts.durations.note(source_of(parts, key, run), path, attempt)


def source_of(parts: Parts, key: Key, run: PhaseRun) -> Key:
    """Return what a phase's durations are remembered by: template, workflow, or the phase."""
    ref = run.shape.spec.workflow_ref
    if ref is None:
        return key
    workflow = Key("Workflow", key.namespace, ref.name)
    body = parts.store.get(workflow)
    labels = (body["metadata"].get("labels") or {}) if body else {}
    template = labels.get(LABEL_TEMPLATE)
    return Key("WorkflowTemplate", key.namespace, template) if template else workflow
