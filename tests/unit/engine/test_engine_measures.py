"""What is counted when the engine records something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.scrapes import Scrape, scrape_of
from builders.specs import a_phase
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.api.rollout import RolloutEnd, RolloutOutcome
from spectra_operator.api.workflow import WorkflowState
from spectra_operator.core.attempts.evidence import Attempt, Kind, Outcome
from spectra_operator.core.attempts.results import Result, Usage
from spectra_operator.core.phase.readiness import Ready
from spectra_operator.core.phase.records import Item, PhaseRecord, TaskRecord
from spectra_operator.core.rollout.records import RolloutRecord
from spectra_operator.core.spec.compile import compile_phase
from spectra_operator.core.workflow.records import WorkflowRecord
from spectra_operator.engine import measures
from spectra_operator.engine.reasons import KNOWN, OTHER, known
from spectra_operator.engine.runs import PhaseRun, StatusState
from spectra_operator.observability.metrics import Metrics

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ATTEMPT = Attempt("pod", "uid", "work", 0, 1, agent="worker", created_at=T0)


def after(count: Callable[[Metrics], None]) -> Scrape:
    """Return what a scrape says after something was counted."""
    metrics = Metrics()
    count(metrics)
    return scrape_of(metrics)


def a_run(**since: float) -> PhaseRun:
    """Return a phase whose tasks are ready since these moments."""
    body = a_phase()
    body["metadata"]["resourceVersion"] = "1"
    run = PhaseRun(compile_phase(body), PhaseRecord(), StatusState())
    run.ready_since = {(task, 0): at for task, at in since.items()}
    return run


def a_ready(task: str, way: int = 0) -> Ready:
    """Return a task that may start."""
    return Ready(task, "worker", 1, 0.0, T0, way)


def started(run: PhaseRun, record: TaskRecord, way: int = 0, now: float = 100.0) -> Scrape:
    """Return what a scrape says after the start of item 0 of the task `work`."""
    where, times = (record, "work", way, 0), (now, T0 + timedelta(seconds=now))
    return after(lambda metrics: measures.count_start(metrics, run, where, times))


def test_a_task_is_ready_since_it_was_so_first_and_not_any_more_when_it_is_not() -> None:
    run = a_run(old=5.0, gone=6.0)
    measures.note_ready(run, [a_ready("old"), a_ready("new"), a_ready("old", way=1)], 9.0)
    assert run.ready_since == {("old", 0): 5.0, ("new", 0): 9.0, ("old", 1): 9.0}


def test_a_start_waited_since_its_task_was_ready() -> None:
    seen = started(a_run(work=60.0), TaskRecord())
    assert seen.value("spectra_task_queue_duration_seconds_sum") == 40
    assert seen.sum("spectra_retries_total") == 0


def test_a_start_that_nobody_saw_waiting_did_not_wait() -> None:
    assert started(a_run(), TaskRecord()).value("spectra_task_queue_duration_seconds_sum") == 0


def test_a_retry_waited_since_its_pause_was_over_and_is_counted_by_what_came_before() -> None:
    item = Item(TaskState.BACKOFF, 1, failures=1, not_before=T0 + timedelta(seconds=97))
    record = TaskRecord(open={0: replace(item, reason="OOMKilled")})
    seen = started(a_run(work=10.0), record)
    assert seen.value("spectra_task_queue_duration_seconds_sum") == 3
    assert seen.value("spectra_retries_total", reason="OOMKilled") == 1


def test_a_clock_that_was_set_back_makes_no_negative_wait() -> None:
    item = Item(TaskState.BACKOFF, 1, not_before=T0 + timedelta(seconds=500), reason="Error")
    seen = started(a_run(work=10.0), TaskRecord(open={0: item}))
    assert seen.value("spectra_task_queue_duration_seconds_sum") == 0


def test_an_attempt_is_counted_with_its_time_its_start_and_what_it_used() -> None:
    used = Usage(5, 3, Decimal("0.25"))
    attempt = replace(
        ATTEMPT, started_at=T0 + timedelta(seconds=2), finished_at=T0 + timedelta(seconds=9)
    )
    outcome = Outcome(Kind.SUCCEEDED, result=Result(usage=used))
    seen = after(lambda metrics: measures.count_attempt(metrics, attempt, outcome))
    assert seen.value("spectra_attempts_total", outcome="Succeeded", reason="") == 1
    assert seen.value("spectra_attempt_duration_seconds_sum", outcome="Succeeded") == 7
    assert seen.value("spectra_attempt_startup_duration_seconds_sum") == 2
    assert seen.by("spectra_usage_tokens_total", "direction") == {"input": 5, "output": 3}
    assert seen.value("spectra_usage_cost_total") == 0.25
    assert seen.sum("spectra_claims_ended_total") == 0


def test_a_claim_is_counted_as_such_and_starts_no_pod() -> None:
    attempt = replace(ATTEMPT, worker="w", started_at=T0, finished_at=T0)
    outcome = Outcome(Kind.LOST, "WorkerSilent")
    seen = after(lambda metrics: measures.count_attempt(metrics, attempt, outcome))
    assert seen.value("spectra_claims_ended_total", outcome="Lost") == 1
    assert seen.value("spectra_attempts_total", outcome="Lost", reason="WorkerSilent") == 1
    assert seen.value("spectra_attempt_startup_duration_seconds_count") == 0


def test_an_attempt_of_which_nobody_knows_the_end_is_lost_and_has_no_duration() -> None:
    seen = after(lambda metrics: measures.count_attempt(metrics, ATTEMPT, None))
    assert seen.value("spectra_attempts_total", outcome="Lost", reason="") == 1
    assert not seen.all("spectra_attempt_duration_seconds_count")


@pytest.mark.parametrize("reason", ["", "OOMKilled", "WorkerSilent", "DependencyFailed"])
def test_a_reason_that_the_code_has_a_word_for_is_told(reason: str) -> None:
    assert known(reason) == reason


@pytest.mark.parametrize("reason", ["my-error", "Error 7", "OOMKilled ", "x" * 300, "\n"])
def test_a_reason_that_a_task_made_up_is_another_one(reason: str) -> None:
    assert known(reason) == OTHER
    assert OTHER not in KNOWN


def test_of_a_phase_what_ended_between_two_records_is_counted() -> None:
    each = TaskRecord(TaskState.RUNNING, total=6, fan_out=True, succeeded=0b1)
    before = PhaseRecord(state=PhaseState.RUNNING, tasks={"each": each, "same": TaskRecord()})
    more = replace(each, succeeded=0b111, failed=0b1000, reason="Error")
    now = replace(before, tasks={"each": more, "same": before.tasks["same"]})
    seen = after(lambda metrics: measures.count_phase(metrics, before, now))
    assert seen.value("spectra_tasks_ended_total", state="Succeeded", reason="") == 2
    assert seen.value("spectra_tasks_ended_total", state="Failed", reason="Error") == 1
    assert not seen.all("spectra_phases_ended_total")


def test_items_that_a_failed_task_leaves_are_skipped_and_those_of_a_cancelled_one_cancelled() -> (
    None
):
    def ended(state: TaskState, reason: str) -> Scrape:
        before = PhaseRecord(tasks={"each": TaskRecord(total=4, fan_out=True)})
        task = TaskRecord(state, total=4, fan_out=True, succeeded=0b1, reason=reason)
        now = PhaseRecord(state=PhaseState.FAILED, tasks={"each": task}, reason="TaskFailed")
        return after(lambda metrics: measures.count_phase(metrics, before, now))

    skipped, cancelled = (
        ended(TaskState.SKIPPED, "DependencyFailed"),
        ended(TaskState.CANCELLED, "Cancelled"),
    )
    where = {"state": "Skipped", "reason": "DependencyFailed"}
    assert skipped.value("spectra_tasks_ended_total", **where) == 3
    where = {"state": "Cancelled", "reason": "Cancelled"}
    assert cancelled.value("spectra_tasks_ended_total", **where) == 3
    assert cancelled.value("spectra_phases_ended_total", state="Failed", reason="TaskFailed") == 1


def test_an_end_is_counted_once_and_again_when_an_action_began_the_run_anew() -> None:
    metrics = Metrics()
    failed = WorkflowRecord(state=WorkflowState.FAILED, reason="PhaseFailed")
    running = WorkflowRecord(state=WorkflowState.RUNNING, run=2)
    for before, now in ((WorkflowRecord(), failed), (failed, failed), (failed, running)):
        measures.count_workflow(metrics, before, now)
    where = {"state": "Failed", "reason": "PhaseFailed"}
    assert scrape_of(metrics).value("spectra_workflows_ended_total", **where) == 1
    measures.count_workflow(metrics, running, failed)
    assert scrape_of(metrics).value("spectra_workflows_ended_total", **where) == 2


def test_a_rollout_that_ended_is_counted_by_its_outcome_and_one_that_history_forgot_is_not() -> (
    None
):
    def end(revision: str, outcome: RolloutOutcome) -> RolloutEnd:
        return RolloutEnd(revision=revision, outcome=outcome, reason="Because", at=T0)

    first, second = end("a", RolloutOutcome.PROMOTED), end("b", RolloutOutcome.ROLLED_BACK)
    before, now = RolloutRecord(history=(first,)), RolloutRecord(history=(second,))
    seen = after(lambda metrics: measures.count_rollout(metrics, before, now))
    assert seen.by("spectra_rollouts_total", "outcome") == {"RolledBack": 1}


def a_status(
    desired: int | None, active: str = "FollowsTasks", limited: str = ""
) -> dict[str, Any]:
    """Return the status of an agent that wants so many workers."""
    conditions = [
        {"type": "ScalingActive", "status": "True", "reason": active},
        {"type": "ScalingLimited", "status": str(bool(limited)), "reason": limited or "Within"},
    ]
    return {"desiredReplicas": desired, "conditions": conditions}


@pytest.mark.parametrize(
    ("before", "now", "counted"),
    [
        ({}, a_status(3), {("up", "FollowsTasks"): 1}),
        (a_status(3), a_status(0), {("down", "FollowsTasks"): 1}),
        (a_status(3), a_status(5, limited="TooManyReplicas"), {("up", "TooManyReplicas"): 1}),
        (a_status(3), a_status(1, active="FixedReplicas"), {("down", "FixedReplicas"): 1}),
        (a_status(3), a_status(3, limited="TooManyReplicas"), {}),
        ({}, {}, {}),
        (a_status(None), a_status(None), {}),
    ],
)
def test_a_change_of_the_number_of_workers_is_counted_by_direction_and_why(
    before: dict[str, Any], now: dict[str, Any], counted: dict[tuple[str, str], float]
) -> None:
    seen = after(lambda metrics: measures.count_scaling(metrics, before, now))
    found = seen.all("spectra_scaling_decisions_total")
    assert {(s.labels["direction"], s.labels["reason"]): s.value for s in found} == counted


def test_what_is_asked_of_by_its_growth_begins_at_zero() -> None:
    seen = after(measures.begin)
    for name in ("workflows_ended", "phases_ended", "rollouts", "claims_ended", "attempts"):
        found = seen.all(f"spectra_{name}_total")
        assert found
        assert {sample.value for sample in found} == {0}
