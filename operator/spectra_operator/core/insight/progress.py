"""What is expected of a workflow: the time it still takes, what decides about it, how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ...api.task import Plan
from ...api.workflow import StepState
from ..graph import Graph
from ..workflow.records import StepRecord
from ..workflow.steps import is_benign
from .estimate import NOTHING, Estimate, paths, slack
from .expectations import Insight, Outlook, PhaseInsight
from .milestones import against_plan

_GRAIN = 0.001
"""Seconds below which a phase has no slack: sums of floats are not exact."""
NO_OUTLOOK = Outlook()


@dataclass(frozen=True, slots=True)
class WorkflowFacts:
    """A workflow as estimates see it.

    `outlooks` has what is expected of each phase that has not ended, and of ended ones how much
    work they were, as far as that is known. `percent` is what was shown last in this run.
    """

    graph: Graph
    steps: Mapping[str, StepRecord]
    outlooks: Mapping[str, Outlook]
    plans: Mapping[str, Plan] = field(default_factory=dict)
    parallelism: int | None = None
    percent: int = 0


def workflow_insight(facts: WorkflowFacts, began: datetime, now: datetime) -> Insight:
    """Return what is expected of a workflow that began at `began` and has not ended."""
    times = {name: _time(facts, name) for name in facts.steps}
    tails = paths(facts.graph, times)
    critical = _critical(facts, tails)
    left = [facts.outlooks.get(n, NO_OUTLOOK) for n, s in facts.steps.items() if not s.ended]
    clue = bool(left) and all(outlook.clue for outlook in left)
    room = slack(facts.graph, lambda name: times[name].seconds)
    plans = {
        name: against_plan(facts.plans.get(name), step, began, now)
        for name, step in facts.steps.items()
    }
    phases = {
        name: PhaseInsight(
            critical=not step.ended and room[name] < _GRAIN,
            slack=room[name] if clue and not step.ended else None,
            late=plans[name].late,
            milestone=plans[name].milestone,
        )
        for name, step in facts.steps.items()
    }
    return Insight(
        rest=_rest(facts, tails, left) if clue else None,
        samples=sum(outlook.samples for outlook in left),
        critical_path=_in_words(facts, critical),
        percent=max(facts.percent, _percent(facts)),
        phases=phases,
        wake_at=min((p.wake_at for p in plans.values() if p.wake_at), default=None),
    )


def _time(facts: WorkflowFacts, name: str) -> Estimate:
    return NOTHING if facts.steps[name].ended else facts.outlooks.get(name, NO_OUTLOOK).rest


def _rest(facts: WorkflowFacts, tails: Mapping[str, Estimate], left: list[Outlook]) -> Estimate:
    path = max(tails.values(), key=lambda t: t.seconds, default=NOTHING)
    if not facts.parallelism:
        return path
    work = sum(outlook.total - outlook.done for outlook in left)
    return max(path, Estimate(work / facts.parallelism), key=lambda t: t.seconds)


def _critical(facts: WorkflowFacts, tails: Mapping[str, Estimate]) -> list[str]:
    """Return the phases of the longest path that have not ended, in order."""
    found = []
    nodes: tuple[str, ...] = tuple(tails)
    while nodes:
        node = max(nodes, key=lambda name: tails[name].seconds)
        if not facts.steps[node].ended:
            found.append(node)
        nodes = facts.graph.children[node]
    return found


def _in_words(facts: WorkflowFacts, critical: list[str]) -> str:
    """Name the running or next task of the path and how many steps follow it."""
    ahead = [(name, facts.outlooks.get(name, NO_OUTLOOK)) for name in critical]
    ahead = [(name, outlook) for name, outlook in ahead if outlook.task]
    if not ahead:
        return ""
    name, first = ahead[0]
    after = sum(outlook.steps for _, outlook in ahead) - 1
    return f"{name}/{first.task}" + (f" +{after}" if after else "")


def _percent(facts: WorkflowFacts) -> int:
    """Return the share of the work that is done; 100 only when nothing is left."""
    done = total = 0.0
    each = _usual(facts)
    for name, step in facts.steps.items():
        if step.state is StepState.SKIPPED and is_benign(step):
            continue
        outlook = facts.outlooks.get(name)
        if outlook is None or (step.ended and not outlook.total):
            outlook = _from_tally(step, each)
        done, total = done + outlook.done, total + outlook.total
    if all(step.state is StepState.SUCCEEDED or is_benign(step) for step in facts.steps.values()):
        return 100
    return min(int(100 * done / total), 99) if total else 0


def _usual(facts: WorkflowFacts) -> float:
    """Seconds of an item of those phases of which an outlook is known."""
    known = {n: o for n, o in facts.outlooks.items() if o.total and facts.steps[n].tally.total}
    items = sum(facts.steps[name].tally.total for name in known)
    return sum(outlook.total for outlook in known.values()) / items if items else 1.0


def _from_tally(step: StepRecord, each: float) -> Outlook:
    ended = step.tally.succeeded + step.tally.failed + step.tally.cancelled
    return Outlook(done=each * ended, total=each * step.tally.total)
