"""What is expected of a workflow, from what is expected of its phases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..insight.estimate import Estimate
from ..insight.expectations import Insight, Outlook
from ..insight.progress import WorkflowFacts, workflow_insight
from ..snapshot import WorkflowSnapshot
from .records import PhaseView, WorkflowRecord
from .steps import Steps


def insight_of(
    snapshot: WorkflowSnapshot,
    record: WorkflowRecord,
    steps: Steps,
    views: Mapping[str, PhaseView],
) -> Insight:
    """Return what is expected; `record` is how the workflow stood before this decision."""
    shape, before = snapshot.shape, snapshot.persisted
    facts = WorkflowFacts(
        graph=shape.graph,
        steps=steps,
        outlooks={name: _outlook(snapshot, views, name) for name in steps},
        plans={name: phase.plan for name, phase in shape.phases.items() if phase.plan},
        parallelism=shape.spec.parallelism,
        percent=before.insight.percent if before.run == record.run else 0,
    )
    return workflow_insight(facts, record.started_at or snapshot.now, snapshot.now)


def next_look(insight: Insight, due: datetime | None) -> datetime | None:
    """Return when time alone changes something: at a deadline, or when a phase becomes late."""
    return min((at for at in (due, insight.wake_at) if at is not None), default=None)


def _outlook(snapshot: WorkflowSnapshot, views: Mapping[str, PhaseView], name: str) -> Outlook:
    """Return what is expected of a phase; of one that nobody looked at only its steps."""
    view = views.get(name)
    known = view.outlook if view else snapshot.outlooks.get(name)
    if known is not None:
        return known
    steps, items = snapshot.shape.depths[name], snapshot.shape.items[name]
    return Outlook(rest=Estimate(steps), steps=int(steps), total=float(items))
