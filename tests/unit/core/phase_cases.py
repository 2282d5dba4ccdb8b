"""Short ways to a decision about a phase, for tests of what its tasks may say of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from builders.pods import at
from builders.records import a_phase_snapshot
from builders.specs import Body, a_phase
from spectra_operator.api.action import ActionType
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.orders import Order
from spectra_operator.core.phase.decide import PhaseDecision, decide_phase
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.phase.status import parse_phase, render_phase
from spectra_operator.core.snapshot import Child


def decided(
    tasks: Iterable[Body],
    attempts: Iterable[Attempt] = (),
    *,
    persisted: PhaseRecord | None = None,
    orders: Iterable[Order] = (),
    children: Mapping[str, Child] | None = None,
    now: float = 10,
    **fields: Any,
) -> PhaseDecision:
    """Return what is decided about a phase of these tasks; `fields` are those of its spec."""
    phase = a_phase(list(tasks), **{"failure_policy": "Continue"} | fields)
    snapshot = a_phase_snapshot(phase, attempts, persisted=persisted, now=now)
    return decide_phase(replace(snapshot, orders=tuple(orders), children=children or {}))


def after(tasks: Iterable[Body], attempts: Iterable[Attempt] = (), **more: Any) -> PhaseRecord:
    """Return the record of a phase as a successor reads it from status."""
    record = decided(tasks, attempts, **more).record
    return parse_phase(render_phase(record, at(0)))


def states(decision: PhaseDecision) -> dict[str, str]:
    """Return state, and reason if there is one, of each task."""
    return {name: state_of(task) for name, task in decision.record.tasks.items()}


def state_of(task: TaskRecord) -> str:
    """Return a task's state with its reason."""
    return f"{task.state} {task.reason}".strip()


def ready(decision: PhaseDecision) -> dict[str, int]:
    """Return how many items of each task may start; of fallbacks by `task/way`."""
    return {r.task + (f"/{r.way}" if r.way else ""): r.startable for r in decision.ready}


def an_order(
    kind: ActionType, task: str = "", *, uid: str = "order-1", outputs: str = "", when: float = 20
) -> Order:
    """Return what a person asks for."""
    return Order(
        uid=uid,
        name=f"{kind.lower()}-it",
        type=kind,
        actor="ann",
        reason="it looked wrong",
        at=at(when),
        task=task,
        outputs=outputs,
    )
