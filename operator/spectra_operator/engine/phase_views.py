"""How a phase looks to its workflow."""

from __future__ import annotations

from ..core.estimate import Width, phase_seconds
from ..core.records import PhaseRecord
from ..core.workflow_records import PhaseView
from .keys import Key
from .parts import Parts
from .runs import PhaseRun
from .status import COALESCE_SECONDS


def view_of(parts: Parts, key: Key, run: PhaseRun, record: PhaseRecord) -> PhaseView:
    """Return a phase as its workflow sees it."""
    return PhaseView(
        object_name=key.name,
        uid=run.shape.uid,
        state=record.state,
        reason=record.reason,
        message=record.message,
        tally=record.tally(),
        usage=record.usage(),
        started_at=record.started_at,
        finished_at=record.finished_at,
        remaining=0.0 if record.ended else _remaining(parts, key, run, record),
    )


def _remaining(parts: Parts, key: Key, run: PhaseRun, record: PhaseRecord) -> float | None:
    """Estimate the rest, anew about once a second: it walks the whole graph."""
    now, book = parts.clock.monotonic(), parts.agents
    if now >= run.estimate_again_at:
        run.estimate_again_at = now + COALESCE_SECONDS
        run.remaining = phase_seconds(
            run.shape.graph,
            {name: task.agent for name, task in run.shape.tasks.items()},
            record.tasks,
            lambda agent: book.mean_seconds(key.namespace, agent),
            Width(book.limits(key.namespace), run.shape.spec.parallelism),
        )
    return run.remaining
