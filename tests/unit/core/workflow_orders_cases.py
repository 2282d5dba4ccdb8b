"""Workflows about which somebody has asked for something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builders.pods import at
from builders.records import a_view, a_workflow_snapshot
from builders.specs import Body, a_step, a_task, a_workflow
from spectra_operator.api.action import ActionType
from spectra_operator.api.phase import PhaseState
from spectra_operator.core.orders import Order
from spectra_operator.core.phase.records import Tally
from spectra_operator.core.snapshot import WorkflowSnapshot
from spectra_operator.core.workflow.decide import WorkflowDecision, decide_workflow
from spectra_operator.core.workflow.objects import object_name
from spectra_operator.core.workflow.records import PhaseView, StepRecord, WorkflowRecord

ROW = [
    a_step("first", [a_task("a"), a_task("b")]),
    a_step("second", depends_on=["first"]),
    a_step("third", depends_on=["second"]),
]
RUNNING = a_view(PhaseState.RUNNING)
GOOD = a_view(PhaseState.SUCCEEDED)
BAD = a_view(PhaseState.FAILED, message="task a failed", tally=Tally(total=1, failed=1))


def an_order(kind: str, uid: str = "o1", *, made: float = 5, **fields: Any) -> Order:
    """Return an order by alice."""
    return Order(
        uid=uid,
        name=f"name-of-{uid}",
        type=ActionType(kind),
        actor="alice",
        reason="because",
        at=at(made),
        **fields,
    )


class Stage:
    """A workflow, its objects and what is stored of it, decided about again and again."""

    def __init__(self, steps: list[Body] | None = None, **spec: Any) -> None:
        body = a_workflow(steps or ROW, **{k: v for k, v in spec.items() if k != "finally_"})
        if "finally_" in spec:
            body["spec"]["finally"] = spec["finally_"]
        self.body = body
        self.persisted = WorkflowRecord()
        self.views: dict[str, PhaseView] = {}
        self.fallbacks: dict[str, PhaseView] = {}
        self.orders: tuple[Order, ...] = ()
        self.values: Mapping[str, Mapping[str, Any]] = {}
        self.now = 10.0
        self.more: dict[str, Any] = {}

    def snapshot(self) -> WorkflowSnapshot:
        """Return what is decided from now."""
        plain = a_workflow_snapshot(self.body, persisted=self.persisted, now=self.now)
        shape = plain.shape

        def named(name: str, view: PhaseView, *, fallback: bool = False) -> PhaseView:
            run = (self.persisted.steps.get(name) or StepRecord()).run
            step = StepRecord(run=run, fallback=fallback)
            return replace(view, object_name=object_name(shape, name, step))

        return replace(
            plain,
            phases={n: named(n, v) for n, v in self.views.items()},
            fallbacks={n: named(n, v, fallback=True) for n, v in self.fallbacks.items()},
            orders=self.orders,
            values=lambda name: self.values.get(name, {"outputs": {}}),
            **self.more,
        )

    def decide(self, **views: PhaseView) -> WorkflowDecision:
        """Return what to do once these objects look so."""
        self.views |= views
        return decide_workflow(self.snapshot())

    def store(self, **views: PhaseView) -> WorkflowDecision:
        """Decide, and store what was decided."""
        decision = self.decide(**views)
        self.persisted = decision.record
        return decision

    def ended(self, **views: PhaseView) -> Stage:
        """Go on until the workflow is over."""
        for _ in range(3):
            self.store(**views)
        assert self.persisted.ended, self.persisted
        return self

    def ask(self, *orders: Order) -> Stage:
        """Ask for something."""
        self.orders += orders
        return self


def states(record: WorkflowRecord) -> str:
    """Return the states of all phases in the order of status."""
    return " ".join(str(step.state) for step in record.steps.values())
