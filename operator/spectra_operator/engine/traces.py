"""Tells spans, once, where a story is told: when the end of something stands in status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..core.phase.records import PhaseRecord
from ..core.snapshot import PhaseShape, WorkflowShape
from ..core.tracing import ids
from ..core.tracing.spans import Span, phase_spans, workflow_spans
from ..core.workflow.records import WorkflowRecord
from ..kube.clock import Clock
from .attempts import AttemptIndex
from .keys import Key


class TakesSpans(Protocol):
    """Whoever carries spans to a collector; it never blocks and never raises."""

    def tell(self, spans: Iterable[Span]) -> None:
        """Take spans that have ended."""
        ...


class Traces:
    """Without a taker nothing is made, and nothing handed to tasks."""

    def __init__(self, taker: TakesSpans | None, clock: Clock, attempts: AttemptIndex) -> None:
        self._taker = taker
        self._clock = clock
        self._attempts = attempts

    def workflow(self, shape: WorkflowShape, before: WorkflowRecord, after: WorkflowRecord) -> None:
        """Tell what of a workflow has ended between two records."""
        if self._taker is not None:
            self._taker.tell(workflow_spans(shape, before, after))

    def phase(
        self, key: Key, shape: PhaseShape, records: tuple[PhaseRecord, PhaseRecord], run: int
    ) -> None:
        """Tell what of a phase has ended between two records; `run` is that of its workflow."""
        if self._taker is not None:
            attempts = (each for each in self._attempts.of(key) if each.phase_uid == shape.uid)
            self._taker.tell(phase_spans(shape, records, attempts, run, self._clock.now()))

    def handed_to(self, shape: PhaseShape, task: str, index: int, number: int) -> str:
        """Return the traceparent for an attempt; empty if nothing is traced."""
        if self._taker is None:
            return ""
        trace = ids.trace_of_phase(shape.uid, shape.spec)
        return ids.traceparent(trace, ids.attempt_span(shape.uid, task, index, number))
