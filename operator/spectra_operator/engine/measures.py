"""Counts what the engine records: each function is called where a thing is recorded once.

A restart repeats nothing: an operator counts what it itself made durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ..api.phase import PhaseState, TaskState
from ..api.rollout import RolloutOutcome
from ..api.workflow import WorkflowState
from ..core.attempts.evidence import Attempt, Kind, Outcome
from ..core.phase.readiness import Ready
from ..core.phase.records import NO_USAGE, PhaseRecord, TaskRecord, tally
from ..core.rollout.records import RolloutRecord
from ..core.workflow.records import WORKFLOW_ENDED, WorkflowRecord
from ..kube.client import RequestRecord
from ..observability.metrics import Metrics
from .reasons import known
from .runs import PhaseRun

ACQUIRED, LOST = ("acquired",), ("lost",)
_FOLLOWS = "FollowsTasks"
_BEFORE = TaskRecord(total=0)


def begin(metrics: Metrics) -> None:
    """Show what is counted seldom, and asked of by its growth, from the start."""
    ended, claims = metrics.workflows_ended, metrics.claims_ended
    metrics.begin_at_zero(
        *((ended, (state.value, "")) for state in (WorkflowState.SUCCEEDED, WorkflowState.FAILED)),
        *((ended, (WorkflowState.FAILED.value, why)) for why in ("PhaseFailed", "TaskFailed")),
        *((metrics.phases_ended, (PhaseState.FAILED.value, why)) for why in ("TaskFailed", "")),
        (metrics.phases_ended, (PhaseState.SUCCEEDED.value, "")),
        *((metrics.rollouts, (outcome.value,)) for outcome in RolloutOutcome),
        *((claims, (kind.value,)) for kind in Kind),
        *((metrics.attempts, (Kind.FAILED.value, why)) for why in ("Error", "Timeout")),
        (metrics.attempts, (Kind.SUCCEEDED.value, "")),
        (metrics.attempts, (Kind.LOST.value, "WorkerSilent")),
        *((metrics.transitions, direction) for direction in (ACQUIRED, LOST)),
        *((metrics.tokens, (way,)) for way in ("input", "output")),
        *((metrics.spans, (outcome,)) for outcome in ("sent", "lost")),
    )


# From ready to started


def note_ready(run: PhaseRun, ready: Iterable[Ready], now: float) -> None:
    """Remember since when (monotonic seconds) each ready task of a phase has been so."""
    since = run.ready_since
    run.ready_since = {(r.task, r.way): since.get((r.task, r.way), now) for r in ready}


def count_start(
    metrics: Metrics,
    run: PhaseRun,
    where: tuple[TaskRecord, str, int, int],
    times: tuple[float, datetime],
) -> None:
    """Count the start of an item's attempt: what it waited, and what came before it.

    `where` has its task's record before the start, the task's name, its way and the index; `times`
    is now by the monotonic and by the wall clock.
    """
    record, task, way, index = where
    waited = times[0] - run.ready_since.get((task, way), times[0])
    item = record.open.get(index)
    if item is not None:
        metrics.retries[(known(item.reason),)].inc()
        if item.not_before is not None:
            waited = min(waited, (times[1] - item.not_before).total_seconds())
    metrics.queue_seconds.observe(max(waited, 0.0))


# Ends


def count_attempt(metrics: Metrics, attempt: Attempt, outcome: Outcome | None) -> None:
    """Count the end of an attempt that is recorded; None is one that nobody knows of."""
    kind = outcome.kind if outcome else Kind.LOST
    reason = known(outcome.reason) if outcome else ""
    metrics.attempts[kind.value, reason].inc()
    if attempt.worker:
        metrics.claims_ended[(kind.value,)].inc()
    begin_, end = attempt.started_at, attempt.finished_at
    if begin_ is not None and end is not None:
        metrics.attempt_seconds[(kind.value,)].observe(max((end - begin_).total_seconds(), 0.0))
    if begin_ is not None and attempt.created_at is not None and not attempt.worker:
        startup = (begin_ - attempt.created_at).total_seconds()
        metrics.startup_seconds.observe(max(startup, 0.0))
    usage = outcome.result.usage if outcome else NO_USAGE
    if usage != NO_USAGE:
        metrics.tokens[("input",)].inc(usage.input_tokens)
        metrics.tokens[("output",)].inc(usage.output_tokens)
        metrics.cost.inc(float(usage.cost))


def count_phase(metrics: Metrics, before: PhaseRecord, after: PhaseRecord) -> None:
    """Count what ended between two records of a phase, the newer of which stands in status."""
    for name, task in after.tasks.items():
        earlier = before.tasks.get(name, _BEFORE)
        if task is not earlier and task != earlier:
            _count_task(metrics, earlier, task)
    if after.ended and not before.ended:
        metrics.phases_ended[str(after.state), known(after.reason)].inc()


def _count_task(metrics: Metrics, before: TaskRecord, after: TaskRecord) -> None:
    was, now = tally(before), tally(after)
    reason = known(after.reason)
    for state, many in (
        (TaskState.SUCCEEDED, now.succeeded - was.succeeded),
        (TaskState.FAILED, now.failed - was.failed),
        (TaskState.SKIPPED, now.skipped - was.skipped),
        (TaskState.CANCELLED, now.cancelled - was.cancelled),
    ):
        if many > 0:
            why = "" if state is TaskState.SUCCEEDED else reason
            metrics.tasks_ended[state.value, why].inc(many)


def count_workflow(metrics: Metrics, before: WorkflowRecord, after: WorkflowRecord) -> None:
    """Count the end of a workflow between two records, the newer of which stands in status."""
    if after.state in WORKFLOW_ENDED and not before.ended:
        metrics.workflows_ended[str(after.state), known(after.reason)].inc()


# Requests


def count_request(metrics: Metrics, record: RequestRecord) -> None:
    """Count a request to the API server."""
    metrics.observe_request(
        record.verb, record.resource, record.status, record.seconds, record.bytes_sent
    )


# Agents


def count_rollout(metrics: Metrics, before: RolloutRecord, after: RolloutRecord) -> None:
    """Count the rollouts that ended between two records of an agent."""
    for end in after.history:
        if end not in before.history:
            metrics.rollouts[(end.outcome.value,)].inc()


def count_scaling(metrics: Metrics, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Count a change of the number of workers wanted, between two statuses of an agent."""
    earlier, now = before.get("desiredReplicas") or 0, after.get("desiredReplicas") or 0
    if now != earlier:
        direction = "up" if now > earlier else "down"
        metrics.scalings[direction, _why_scaled(after)].inc()


def _why_scaled(status: Mapping[str, Any]) -> str:
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    active, limited = conditions.get("ScalingActive"), conditions.get("ScalingLimited")
    if active is not None and active["reason"] != _FOLLOWS:
        return str(active["reason"])
    if limited is not None and limited["status"] == "True":
        return str(limited["reason"])
    return _FOLLOWS
