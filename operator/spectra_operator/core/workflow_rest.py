"""How long a workflow still takes, judged by the phases that were seen."""

from __future__ import annotations

from collections.abc import Mapping

from ..api.phase import PhaseState
from .estimate import path_seconds
from .snapshot import WorkflowShape
from .workflow_records import PhaseView
from .workflow_steps import Steps

Views = Mapping[str, PhaseView]


def remaining_seconds(shape: WorkflowShape, steps: Steps, views: Views) -> float | None:
    """Return the seconds on the longest path of phases to come; None without a clue.

    Phases without an object are judged by those that have one.
    """
    per_item = _seconds_per_item(shape, views)
    lengths: dict[str, float] = {}
    for name, step in steps.items():
        view = views.get(name)
        if step.ended:
            lengths[name] = 0.0
        elif view and view.remaining is not None:
            lengths[name] = view.remaining
        elif per_item is None:
            return None
        else:
            lengths[name] = per_item * shape.depths[name]
    return path_seconds(shape.graph, lengths)


def _seconds_per_item(shape: WorkflowShape, views: Views) -> float | None:
    """Mean seconds that a step of the graph took in phases that are over or give an estimate."""
    samples = []
    for name, view in views.items():
        if view.state is PhaseState.SUCCEEDED and view.started_at and view.finished_at:
            seconds = (view.finished_at - view.started_at).total_seconds()
            samples.append(seconds / shape.depths[name])
        elif view.remaining and not view.tally.succeeded:
            samples.append(view.remaining / shape.depths[name])
    return sum(samples) / len(samples) if samples else None
