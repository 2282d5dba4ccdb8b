"""Which items may start: the task's own parallelism, failures it tolerates, its deadline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.pods import at
from builders.records import (
    a_fan_out,
    a_running_phase,
    an_attempt,
    broken,
    done,
    running_item,
)
from builders.specs import Body, a_task
from spectra_operator.api.phase import TaskState
from spectra_operator.core.phase.decide import PhaseDecision
from unit.core.phase_cases import decided, ready, states


@pytest.mark.parametrize(("parallelism", "count"), [(1, 1), (3, 3), (9, 5)])
def test_a_task_offers_as_many_items_as_its_parallelism_allows(
    parallelism: int, count: int
) -> None:
    assert ready(decided([a_task("a", count=5, parallelism=parallelism)])) == {"a": count}


def test_items_that_run_take_their_place() -> None:
    tasks = [a_task("a", count=5, parallelism=2)]
    assert ready(decided(tasks, [an_attempt("a", index=3)])) == {"a": 1}
    running = [an_attempt("a", index=3), an_attempt("a", index=1)]
    assert ready(decided(tasks, running)) == {}
    ended = [an_attempt("a", index=3), an_attempt("a", done(), index=1)]
    assert ready(decided(tasks, ended)) == {"a": 1}


def failing(
    limit: Any, failed: int, *, items: int = 10, running: bool = False, policy: str = "Continue"
) -> PhaseDecision:
    """Return what is decided when so many items have failed."""
    attempts = [an_attempt("a", broken(), index=n) for n in range(failed)]
    attempts += [an_attempt("a", index=items - 1)] if running else []
    tasks: list[Body] = [a_task("a", count=items, max_failed=limit)]
    return decided(tasks, attempts, failure_policy=policy)


@pytest.mark.parametrize("policy", ["Fail", "Continue"])
@pytest.mark.parametrize(
    ("limit", "items", "tolerated"),
    [(2, 10, 2), ("20%", 10, 2), ("25%", 10, 2), ("100%", 10, 10), (0, 10, 0), ("9%", 10, 0)],
)
def test_as_many_items_may_fail_as_max_failed_says(
    limit: Any, items: int, tolerated: int, policy: str
) -> None:
    within = failing(limit, tolerated, items=items, policy=policy)
    assert ready(within) == ({"a": items - tolerated} if tolerated < items else {})
    if tolerated < items:
        past = failing(limit, tolerated + 1, items=items, policy=policy)
        assert (states(past)["a"], ready(past)) == ("Failed Error", {})
        assert str(past.record.state) == "Failed"


@pytest.mark.parametrize("policy", ["Fail", "Continue"])
def test_past_max_failed_what_runs_goes_on_and_nothing_new_starts(policy: str) -> None:
    decision = failing(1, 2, running=True, policy=policy)
    assert states(decision)["a"].startswith("Running")
    assert ready(decision) == {}
    assert decision.stop == ()


def test_without_max_failed_the_policy_continue_tries_every_item() -> None:
    decision = failing(None, 1)
    assert ready(decision) == {"a": 9}


def test_tolerated_failures_let_the_task_succeed_and_are_told_of() -> None:
    attempts = [an_attempt("a", broken()), an_attempt("a", done({"n": 1}), index=1)]
    tasks = [a_task("a", count=2, max_failed="50%"), a_task("b", depends_on=["a"])]
    decision = decided(tasks, attempts)
    assert states(decision)["a"] == "Succeeded"
    assert decision.record.tasks["a"].message == "1 of 2 items failed, as maxFailed allows"
    assert ready(decision) == {"b": 1}


def test_tolerated_failures_halt_nothing_under_the_policy_fail() -> None:
    tasks = [a_task("a", count=3, max_failed=1), a_task("b")]
    decision = decided(tasks, [an_attempt("a", broken())], failure_policy="Fail")
    assert ready(decision) == {"a": 2, "b": 1}


LATE = [a_task("a", count=4, active_deadline_seconds=30)]


def test_a_task_past_its_deadline_starts_no_further_item_while_others_are_stopped() -> None:
    decision = decided(LATE, [an_attempt("a", started=0)], now=31)
    assert [attempt.index for attempt in decision.stop] == [0]
    assert ready(decision) == {}


def test_a_task_past_its_deadline_fails_when_all_of_it_has_stopped() -> None:
    attempts = [an_attempt("a", broken(), started=0, ended=31)]
    decision = decided(LATE, attempts, now=31)
    assert states(decision)["a"] == "Failed DeadlineExceeded"
    assert decision.record.tasks["a"].failed == 0b1111


def test_what_ended_before_the_deadline_stays_as_it_was() -> None:
    attempts = [an_attempt("a", done(), index=n, started=0, ended=5) for n in range(4)]
    assert states(decided(LATE, attempts, now=99))["a"] == "Succeeded"


def test_a_deadline_ends_all_pauses_and_leaves_no_further_attempt() -> None:
    task = a_task("a", active_deadline_seconds=30, retry={"limit": 9})
    failed = [an_attempt("a", broken(), started=0, ended=29)]
    paused = decided([task], failed, now=29.2)
    assert states(paused)["a"] == "Backoff Error"
    assert paused.wake_at is not None
    assert paused.wake_at <= at(30)
    late = decided([task], failed, now=31)
    assert states(late)["a"] == "Failed DeadlineExceeded"
    assert ready(late) == {}


def test_a_deadline_counts_from_the_first_attempt_over_all_retries() -> None:
    task = a_task("a", active_deadline_seconds=30, retry={"limit": 9})
    first = an_attempt("a", broken(), started=0, ended=5)
    second = an_attempt("a", number=2, started=20, created_at=at(20))
    decision = decided([task], [first, second], now=31)
    assert [attempt.number for attempt in decision.stop] == [2]


def test_a_task_that_has_not_begun_has_no_deadline_yet() -> None:
    tasks = [a_task("a"), a_task("b", depends_on=["a"], active_deadline_seconds=1)]
    assert ready(decided(tasks, [an_attempt("a", done())], now=500)) == {"b": 1}


def test_a_reset_item_starts_only_when_its_former_attempts_are_gone() -> None:
    task = replace(a_fan_out(2, prior=3, attempt=3), state=TaskState.READY)
    persisted = a_running_phase(a=task)
    alive = an_attempt("a", index=1, number=3, deleted_at=at(5))
    tasks = [a_task("a", count=2)]
    assert ready(decided(tasks, [alive], persisted=persisted)) == {"a": 1}
    ended = an_attempt("a", broken(), index=1, number=3)
    assert ready(decided(tasks, [ended], persisted=persisted)) == {"a": 2}


def test_a_running_item_is_not_offered_again() -> None:
    task = a_fan_out(2, state=TaskState.RUNNING, open={0: running_item()})
    assert ready(decided([a_task("a", count=2)], persisted=a_running_phase(a=task))) == {"a": 1}
