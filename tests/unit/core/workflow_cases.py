"""Workflows for the tests of their decisions: two phases in a row, and what is known of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builders.pods import at
from builders.records import a_view, a_workflow_snapshot
from builders.specs import Body, a_step, a_task, a_workflow
from spectra_operator.api.phase import PhaseState
from spectra_operator.core.insight.expectations import Outlook
from spectra_operator.core.workflow.decide import WorkflowDecision, decide_workflow
from spectra_operator.core.workflow.records import PhaseView, WorkflowRecord

ROW = [
    a_step("first", [a_task("a"), a_task("b", count=3)]),
    a_step("second", depends_on=["first"]),
    a_step("third", depends_on=["second"]),
]
BESIDE = [a_step("one"), a_step("two"), a_step("three", depends_on=["one"])]

RUNNING = a_view(PhaseState.RUNNING)
SUCCEEDED = a_view(PhaseState.SUCCEEDED)
FAILED = a_view(PhaseState.FAILED, message="task a failed: Error: exit code 1")
CANCELLED = a_view(PhaseState.CANCELLED, message="another phase failed first")
REJECTED = a_view(PhaseState.REJECTED, message="spec: has 9 bytes")


def decided(
    phases: dict[str, PhaseView] | None = None,
    *,
    steps: list[Body] = ROW,
    persisted: WorkflowRecord | None = None,
    now: float = 10,
    missing: tuple[str, ...] = (),
    refused: dict[str, str] | None = None,
    delayed: dict[str, str] | None = None,
    outlooks: dict[str, Outlook] | None = None,
    **spec: Any,
) -> WorkflowDecision:
    """Return what to do for a workflow of these steps, given what is seen of its phases."""
    named = {
        name: replace(view, object_name=f"flow-{name}") for name, view in (phases or {}).items()
    }
    snapshot = a_workflow_snapshot(
        a_workflow(steps, **spec),
        named,
        persisted=persisted,
        now=now,
        missing_agents=missing,
        refused=refused,
        delayed=delayed,
    )
    return decide_workflow(replace(snapshot, outlooks=outlooks or {}))


def begun(decision: WorkflowDecision, started: float = 0) -> WorkflowRecord:
    """Return a decision's record as status holds it, with the start it had."""
    return replace(decision.record, started_at=at(started))


def states(decision: WorkflowDecision) -> str:
    """Return the states of all phases in the order of the spec."""
    return " ".join(str(step.state) for step in decision.record.steps.values())
