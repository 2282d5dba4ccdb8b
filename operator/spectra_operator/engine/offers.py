"""What a phase offers to the scheduler: its ready tasks with their limits; and why they wait."""

from __future__ import annotations

from ..core.phase.admission import Blocked, Candidate
from ..core.phase.decide import PhaseDecision
from . import claiming
from .keys import Key
from .parts import Parts
from .runs import PhaseRun


def candidates(
    parts: Parts, key: Key, run: PhaseRun, decision: PhaseDecision
) -> tuple[Candidate, ...]:
    """Return the ready tasks of a phase with what limits them."""
    spec = run.shape.spec
    ref = spec.workflow_ref
    workflow = ref and parts.workflows.get(Key("Workflow", key.namespace, ref.name))
    priority = workflow.shape.spec.priority if workflow else spec.priority
    limit = workflow.shape.spec.parallelism if workflow else None
    gate = spec.gate
    room = claiming.gate_room(gate.agent, gate.revision) if gate else ""
    return tuple(
        Candidate(
            phase_uid=run.shape.uid,
            ready=ready,
            workflow_uid=ref.uid if ref else "",
            priority=priority,
            phase_limit=spec.parallelism,
            workflow_limit=limit,
            policy=spec.selection_policy,
            room=room,
        )
        for ready in decision.ready
    )


def reasons(blocked: dict[str, Blocked]) -> dict[str, tuple[str, str]]:
    """Return why each task waits, as its record has it."""
    return {task: (why.reason, why.message) for task, why in blocked.items()}
