"""What a pass over a phase decides from, and what the next one goes on from."""

from __future__ import annotations

from ..core.phase.decide import PhaseDecision
from ..core.phase.glance import Glance
from ..core.policy import TaskPolicy, agents_of_tasks, policy_of
from ..core.snapshot import Levels, PhaseSnapshot
from .attempt_cell import AttemptCell
from .keys import Key
from .parts import Parts
from .plans import children_of
from .runs import PhaseRun


def picture(parts: Parts, key: Key, run: PhaseRun, levels: Levels) -> PhaseSnapshot:
    """Return all that a decision about a phase may use, good until an attempt changes."""
    policies, cell = _policies(parts, key, run), parts.attempts.cell(key)
    return PhaseSnapshot(
        shape=run.shape,
        persisted=run.persisted,
        attempts=cell.of_uid(run.shape.uid),
        policies=policies,
        levels=levels,
        now=parts.clock.now(),
        known=run.known,
        orders=() if run.marked else parts.orders.of_phase(key, run.shape),
        children=children_of(parts, key, run.known or run.persisted),
        glance=_glance(cell, run),
    )


def adopt(parts: Parts, key: Key, run: PhaseRun, decision: PhaseDecision) -> None:
    """Let the next decision go on from one that was made about all that is known now."""
    run.known, run.attention = decision.record, decision.attention
    parts.attempts.cell(key).all_seen()


def _glance(cell: AttemptCell, run: PhaseRun) -> Glance | None:
    """Return what became of the attempts since the last decision, if that is less than all."""
    if run.attention is None:
        return None
    found = cell.changes(run.shape.uid, run.attention.wanted(run.persisted))
    return found and Glance(run.attention, *found)


def _policies(parts: Parts, key: Key, run: PhaseRun) -> dict[str, TaskPolicy]:
    """Return the policies of all tasks, made anew when the phase or an agent changed."""
    if not run.agents:
        run.agents = agents_of_tasks(run.shape.tasks.values())
    facts = {name: parts.agent(key.namespace, name) for name in run.agents}
    defaults = {name: agent.spec.defaults for name, agent in facts.items() if agent}
    defaults = run.defaults = run.defaults | defaults  # of a deleted agent, the last ones
    made_from = (run.shape.generation, defaults)
    if run.policies_of != made_from:
        run.policies_of = made_from
        run.policies = {name: policy_of(task, defaults) for name, task in run.shape.tasks.items()}
    return run.policies
