"""What a phase offers to the scheduler: its ready tasks with their limits; and why they wait."""

from __future__ import annotations

import logging

from ..core.phase.admission import Blocked, Candidate
from ..core.phase.decide import PhaseDecision
from . import claiming
from .correlation import about_task
from .keys import Key
from .parts import Parts
from .runs import PhaseRun

logger = logging.getLogger(__name__)


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


def reasons(key: Key, blocked: dict[str, Blocked]) -> dict[str, tuple[str, str]]:
    """Return why each task of a phase waits, as its record has it."""
    if logger.isEnabledFor(logging.DEBUG):
        for task, why in blocked.items():  # what the message says may be the API server's words
            told = "%s: task %s may not start: %s"
            logger.debug(told, key, task, why.reason, extra=about_task(task, 0))
    return {task: (why.reason, why.message) for task, why in blocked.items()}
