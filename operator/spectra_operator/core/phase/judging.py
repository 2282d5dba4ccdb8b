"""How an attempt ended: by its evidence, the engine's own timeouts, and what its task promised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ...api.common import NodeLostPolicy
from ...api.constants import MAX_OUTPUT_BYTES
from ..attempts.evidence import Attempt, Kind, Outcome
from ..policy import TaskPolicy, agent_of
from ..snapshot import PhaseShape
from .handoff import broken_output
from .spawn import spawn_problem

CLOCK_GRAIN = timedelta(seconds=1)
"""Kubernetes writes times in whole seconds; a timeout never fires early by that much."""


@dataclass(frozen=True, slots=True)
class Context:
    """What folding needs to know beside the record. `cancel` is the reason for stopping all.

    `policy` is that of the task's own way. `overdue` says why the task gets no further attempt.
    """

    phase: PhaseShape
    policy: TaskPolicy
    now: datetime
    cancel: str = ""
    overdue: str = ""
    output_bytes_left: int = MAX_OUTPUT_BYTES


def judge(attempt: Attempt, policy: TaskPolicy, waited_for: str = "") -> Outcome | None:
    """Return how the attempt ended, with the engine's own timeouts told apart from losses.

    `waited_for` is what kept its container from starting when it was last seen live.
    """
    if attempt.node_lost and attempt.live and policy.on_node_lost is NodeLostPolicy.RETRY:
        return Outcome(Kind.LOST, "NodeLost", "the node does not answer")
    outcome = attempt.outcome
    if outcome is None or outcome.kind is Kind.SUCCEEDED or not attempt.deleted_at:
        return outcome
    if timed_out(attempt, policy, attempt.finished_at or attempt.deleted_at):
        return Outcome(Kind.FAILED, "Timeout", f"still running after {policy.timeout} s")
    if pending_timed_out(attempt, policy, attempt.deleted_at):
        why = f": {waited_for}" if waited_for else ""
        text = f"no container started within {policy.pending_timeout} s{why}"
        return Outcome(Kind.FAILED, "PendingTimeout", text)
    return outcome


def timed_out(attempt: Attempt, policy: TaskPolicy, at: datetime) -> bool:
    """Whether the attempt had run for its whole timeout at that instant."""
    if policy.timeout is None or attempt.started_at is None:
        return False
    return at >= attempt.started_at + timedelta(seconds=policy.timeout)


def pending_timed_out(attempt: Attempt, policy: TaskPolicy, at: datetime) -> bool:
    """Whether the attempt had waited for its whole pending timeout at that instant."""
    if policy.pending_timeout is None or attempt.started_at or attempt.created_at is None:
        return False
    return at >= attempt.created_at + timedelta(seconds=policy.pending_timeout)


def how_it_ended(attempt: Attempt, context: Context) -> Outcome | None:
    """Return how an attempt ended by what its task promised and demanded; None while it is live."""
    way = _way_of(attempt, context)
    outcome = judge(attempt, context.policy.of_way(way))
    succeeded = outcome is not None and outcome.kind is Kind.SUCCEEDED
    return checked(attempt, outcome, context) if outcome and succeeded else outcome


def _way_of(attempt: Attempt, context: Context) -> int:
    task = context.phase.tasks[attempt.task]
    ways = range(len(context.policy.fallbacks) + 1)
    return next((way for way in ways if agent_of(task, way) == attempt.agent), 0)


def checked(attempt: Attempt, outcome: Outcome, context: Context) -> Outcome:
    """Turn a success that breaks what the task promised into a failure."""
    result = outcome.result
    reason, problem = "", ""
    if result.spawn:
        reason, problem = "SpawnInvalid", spawn_problem(context.phase, attempt.task, result.spawn)
    if not problem:
        reason, problem = "OutputInvalid", broken_output(result.outputs, context.policy.outputs)
    if not problem or (reason == "OutputInvalid" and result.spawn):
        return outcome  # outputs of a planner are those that its tasks gather
    return Outcome(Kind.FAILED, reason, problem[:1024], result=replace(result, spawn=""))
