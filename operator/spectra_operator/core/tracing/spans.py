"""Spans of what has ended between two records. They hold names, times and reasons, no values.

    workflow (a run) > phase > task > queue
                                    > attempt

A trace is a workflow's, or that of a phase that stands alone. What a task says is in no span:
anybody's words may hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ...api.phase import PhaseState, TaskState
from ...api.workflow import WorkflowState
from ..attempts.evidence import Attempt, Kind, Outcome
from ..phase.records import PhaseRecord, TaskRecord
from ..snapshot import PhaseShape, WorkflowShape
from ..workflow.records import WorkflowRecord
from . import ids

Attributes = Mapping[str, str | int | bool]
_GOOD = frozenset({"Succeeded", "Skipped"})


@dataclass(frozen=True, slots=True)
class Span:
    """A span that has ended. `parent` is empty for a root, `failed` (a reason) if all went well."""

    trace: str
    id: str
    parent: str
    name: str
    start: datetime
    end: datetime
    failed: str = ""
    attributes: Attributes = field(default_factory=dict)


def workflow_spans(
    shape: WorkflowShape, before: WorkflowRecord, after: WorkflowRecord
) -> Iterator[Span]:
    """Yield the span of a run that has ended."""
    if not after.ended or before.ended or after.state is WorkflowState.REJECTED:
        return
    start, end = after.started_at or after.finished_at, after.finished_at
    if start is None or end is None:
        return
    state = str(after.state)
    yield Span(
        trace=ids.trace_id(shape.uid),
        id=ids.workflow_span(shape.uid, after.run),
        parent="",
        name="workflow",
        start=start,
        end=max(start, end),
        failed="" if state in _GOOD else after.reason or state,
        attributes={
            "k8s.namespace.name": shape.namespace,
            "spectra.workflow": shape.name,
            "spectra.workflow.uid": shape.uid,
            "spectra.run": after.run,
            "spectra.state": state,
        },
    )


def phase_spans(
    shape: PhaseShape,
    records: tuple[PhaseRecord, PhaseRecord],
    attempts: Iterable[Attempt],
    run: int,
    now: datetime,
) -> Iterator[Span]:
    """Yield the spans of the attempts, tasks and the phase that have ended.

    Args:
        shape: The phase.
        records: What was recorded before, and what is now.
        attempts: Those whose evidence is at hand.
        run: The run of the workflow; any number for a phase that stands alone.
        now: When an attempt ended of which nothing tells.
    """
    before, after = records
    place = _Place(shape)
    for attempt in attempts:
        if _is_recorded(after, attempt) and not _is_recorded(before, attempt):
            yield place.attempt(attempt, after, now)
    for name, task in after.tasks.items():
        known = before.tasks.get(name)
        if task is not known and task.ended and not (known and known.ended):
            yield from place.task(name, after)
    if after.ended and not before.ended and after.state is not PhaseState.REJECTED:
        yield from place.phase(after, run)


class _Place:
    """Makes the spans of one phase."""

    def __init__(self, shape: PhaseShape) -> None:
        self._shape = shape
        self._trace = ids.trace_of_phase(shape.uid, shape.spec)
        ref = shape.spec.workflow_ref
        workflow = {"spectra.workflow": ref.name} if ref else {}
        self._common: Attributes = {
            "k8s.namespace.name": shape.namespace,
            **workflow,
            "spectra.phase": shape.spec.phase or shape.name,
        }

    def phase(self, record: PhaseRecord, run: int) -> Iterator[Span]:
        start, end = record.started_at or record.finished_at, record.finished_at
        if start is None or end is None:
            return
        spec, state = self._shape.spec, str(record.state)
        parent = ""
        if spec.parent:
            parent = ids.phase_span(spec.parent.uid)
        elif spec.workflow_ref:
            parent = ids.workflow_span(spec.workflow_ref.uid, run)
        yield Span(
            self._trace,
            ids.phase_span(self._shape.uid),
            parent,
            f"phase {self._common['spectra.phase']}",
            start,
            max(start, end),
            "" if state in _GOOD else record.reason or state,
            {**self._common, "spectra.phase.uid": self._shape.uid, "spectra.state": state},
        )

    def task(self, name: str, record: PhaseRecord) -> Iterator[Span]:
        """Yield the span of a task that was begun, and that of its waiting."""
        task = record.tasks[name]
        if task.started_at is None or task.finished_at is None:
            return
        uid, state = self._shape.uid, str(task.state)
        ready = self._begun(name, record) or task.started_at
        about = {**self._common, "spectra.task": name}
        span = ids.task_span(uid, name)
        queue = ids.queue_span(uid, name)
        began = max(ready, task.started_at)
        yield Span(self._trace, queue, span, "queue", ready, began, "", about)
        yield Span(
            self._trace,
            span,
            ids.phase_span(uid),
            f"task {name}",
            ready,
            max(ready, task.finished_at),
            "" if state in _GOOD else task.reason or state,
            {**about, "spectra.state": state, "spectra.items": task.total, **_doer(task)},
        )

    def attempt(self, attempt: Attempt, record: PhaseRecord, now: datetime) -> Span:
        uid = self._shape.uid
        end = attempt.finished_at or attempt.deleted_at or now
        start = attempt.created_at or attempt.started_at or end
        start = max(start, self._begun(attempt.task, record) or start)
        return Span(
            self._trace,
            ids.attempt_span(uid, attempt.task, attempt.index, attempt.number),
            ids.task_span(uid, attempt.task),
            f"attempt {attempt.number}",
            start,
            max(start, end),
            _failure(attempt.outcome),
            {
                **self._common,
                "spectra.task": attempt.task,
                "spectra.index": attempt.index,
                "spectra.attempt": attempt.number,
                "spectra.agent": attempt.agent,
                "spectra.revision": attempt.revision,
                "k8s.pod.name": attempt.worker or attempt.pod,
                **_start_up(attempt),
            },
        )

    def _begun(self, name: str, record: PhaseRecord) -> datetime | None:
        """Return when the span of a task starts, which those of its attempts must not precede.

        That is when it could begin. What its pods tell are whole seconds, so they may seem to have
        been there earlier; but no task starts before its phase.
        """
        known = (self._ready_at(name, record), record.tasks[name].started_at)
        first = min((time for time in known if time), default=None)
        return max(first, record.started_at) if first and record.started_at else first

    def _ready_at(self, name: str, record: PhaseRecord) -> datetime | None:
        """Return when the last of what a task depends on had ended."""
        others = (record.tasks.get(each) for each in self._shape.tasks[name].depends_on or ())
        times = [record.started_at, *(other.finished_at for other in others if other)]
        return max((time for time in times if time), default=None)


def _is_recorded(record: PhaseRecord, attempt: Attempt) -> bool:
    if attempt.outcome is None or attempt.task not in record.tasks:
        return False
    last = record.tasks[attempt.task].recorded(attempt.index)
    return last is None or attempt.number <= last


def _failure(outcome: Outcome | None) -> str:
    if outcome is None or outcome.kind is Kind.SUCCEEDED:
        return ""
    return outcome.reason or str(outcome.kind)


def _doer(task: TaskRecord) -> Attributes:
    failures = task.failures + task.losses
    more: dict[str, str | int] = {"spectra.failed_attempts": failures} if failures else {}
    skipped = task.state is TaskState.SKIPPED
    return more if skipped else {**more, "spectra.agent": task.agent}


def _start_up(attempt: Attempt) -> Attributes:
    if attempt.created_at is None or attempt.started_at is None:
        return {}
    seconds = (attempt.started_at - attempt.created_at).total_seconds()
    return {"spectra.start_up_milliseconds": max(int(seconds * 1000), 0)}
