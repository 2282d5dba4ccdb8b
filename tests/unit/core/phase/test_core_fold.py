"""Folding evidence into a record: every transition of an item, and what is counted where."""

from __future__ import annotations

from decimal import Decimal

from builders.pods import at
from builders.records import (
    a_context,
    a_fan_out,
    a_policy,
    an_attempt,
    broken,
    done,
    lost,
    running_item,
    waiting_item,
)
from spectra_operator.api.phase import TaskState
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.fold import fold
from spectra_operator.core.phase.records import TaskRecord

FRESH = TaskRecord()
ONE_RETRY = a_context(a_policy(limit=1, seconds=4))


def test_a_live_attempt_makes_its_item_run() -> None:
    record = fold(FRESH, an_attempt(number=1), a_context())
    assert record.open == {0: running_item(1)}
    assert (record.agent, record.revision, record.pod) == ("worker", "r1", "stage-work-0-1")
    assert (record.attempt, record.started_at) == (1, at(1))


def test_a_container_that_cannot_start_shows_why_until_it_does() -> None:
    stuck = an_attempt(started=None, waiting="ErrImagePull", waiting_message="not found")
    record = fold(FRESH, stuck, a_context())
    assert (record.reason, record.message, record.started_at) == (
        "ErrImagePull",
        "not found",
        at(0),
    )
    record = fold(record, an_attempt(started=7), a_context())
    assert (record.reason, record.message, record.started_at) == ("", "", at(7))


def test_what_keeps_one_item_of_many_is_kept_with_the_item() -> None:
    stuck = an_attempt(index=1, started=None, waiting="ErrImagePull")
    record = fold(a_fan_out(2), stuck, a_context())
    assert record.open[1].reason == "ErrImagePull"
    assert record.reason == ""


def test_a_success_ends_the_item_and_keeps_what_it_returned() -> None:
    outcome = done({"rows": 3}, usage=Usage(5, 2, Decimal("0.5")), message="loaded")
    record = fold(FRESH, an_attempt(outcome=outcome, ended=9), a_context())
    assert (record.succeeded, record.failed, record.open) == (1, 0, {})
    assert record.outputs == {0: '{"rows":3}'}
    assert record.usage == Usage(5, 2, Decimal("0.5"))
    assert (record.reason, record.message) == ("", "loaded")
    assert (record.started_at, record.finished_at) == (at(1), at(9))


def test_a_success_after_a_failure_leaves_no_reason_but_keeps_the_counts() -> None:
    record = fold(FRESH, an_attempt(outcome=broken()), ONE_RETRY)
    record = fold(record, an_attempt(number=2, outcome=done()), ONE_RETRY)
    assert (record.succeeded, record.failures, record.attempt, record.reason) == (1, 1, 2, "")


def test_a_failure_within_the_limit_waits_for_the_next_attempt() -> None:
    record = fold(FRESH, an_attempt(outcome=broken(), ended=10), ONE_RETRY)
    item = record.open[0]
    assert (item.state, item.attempt, item.failures, item.losses) == (TaskState.BACKOFF, 1, 1, 0)
    assert item.not_before is not None
    assert at(12) <= item.not_before < at(14)
    assert (record.failures, record.reason, record.message) == (1, "Error", "exit code 1")
    assert record.finished_at is None


def test_the_last_failure_that_the_limit_allows_ends_the_item() -> None:
    record = fold(TaskRecord(), an_attempt(outcome=broken(), ended=10), a_context(a_policy(0)))
    assert (record.failed, record.failures, record.open) == (1, 1, {})
    assert (record.reason, record.finished_at) == ("Error", at(10))


def test_the_second_failure_ends_an_item_with_one_retry() -> None:
    record = fold(FRESH, an_attempt(outcome=broken()), ONE_RETRY)
    record = fold(record, an_attempt(number=2, outcome=broken()), ONE_RETRY)
    assert (record.failed, record.failures, record.attempt) == (1, 2, 2)


def test_a_final_failure_ends_the_item_whatever_the_limit() -> None:
    context = a_context(a_policy(limit=5))
    record = fold(FRESH, an_attempt(outcome=broken("ResultInvalid", final=True)), context)
    assert (record.failed, record.reason) == (1, "ResultInvalid")


def test_losses_have_a_budget_of_their_own() -> None:
    context = a_context(a_policy(limit=0, losses=2))
    record = FRESH
    for number in (1, 2):
        record = fold(record, an_attempt(number=number, outcome=lost()), context)
        assert record.open[0].state is TaskState.BACKOFF
    record = fold(record, an_attempt(number=3, outcome=lost()), context)
    assert (record.failed, record.failures, record.losses) == (1, 0, 3)
    assert record.reason == "LossLimitExceeded"
    assert record.message == "3 attempts were lost, the last by Evicted"


def test_losses_spend_nothing_of_the_retry_limit() -> None:
    context = a_context(a_policy(limit=1, losses=3))
    record = FRESH
    for number, outcome in enumerate((lost(), broken(), lost()), 1):
        record = fold(record, an_attempt(number=number, outcome=outcome), context)
    assert record.open[0].state is TaskState.BACKOFF
    assert (record.failures, record.losses) == (1, 2)
    record = fold(record, an_attempt(number=4, outcome=broken()), context)
    assert (record.failed, record.reason) == (1, "Error")


def test_failures_spend_nothing_of_the_loss_budget() -> None:
    context = a_context(a_policy(limit=2, losses=1))
    record = FRESH
    for number, outcome in enumerate((broken(), broken(), lost()), 1):
        record = fold(record, an_attempt(number=number, outcome=outcome), context)
    assert record.open[0].state is TaskState.BACKOFF


def test_a_loss_limit_of_zero_fails_at_the_first_loss() -> None:
    record = fold(FRESH, an_attempt(outcome=lost()), a_context(a_policy(limit=9, losses=0)))
    assert (record.failed, record.reason) == (1, "LossLimitExceeded")


def test_an_attempt_that_ends_while_all_is_stopped_is_cancelled() -> None:
    context = a_context(a_policy(limit=3), cancel="DeadlineExceeded")
    record = fold(FRESH, an_attempt(outcome=lost()), context)
    assert (record.cancelled, record.failed, record.losses) == (1, 0, 0)
    assert (record.reason, record.message) == ("DeadlineExceeded", "stopped while it ran")


def test_an_attempt_that_succeeds_while_all_is_stopped_has_succeeded() -> None:
    context = a_context(cancel="DeadlineExceeded")
    record = fold(FRESH, an_attempt(outcome=done({"n": 1})), context)
    assert (record.succeeded, record.cancelled) == (1, 0)


def test_usage_is_summed_over_all_attempts_however_they_end() -> None:
    used = Usage(3, 1, Decimal("0.1"))
    record = FRESH
    for number, outcome in enumerate((broken(usage=used), done(usage=used)), 1):
        record = fold(record, an_attempt(number=number, outcome=outcome), ONE_RETRY)
    assert record.usage == Usage(6, 2, Decimal("0.2"))


def test_attempts_that_status_does_not_know_of_were_lost() -> None:
    record = fold(FRESH, an_attempt(number=3), a_context())
    assert record.open[0] == running_item(3, losses=2)
    assert (record.losses, record.attempt) == (2, 3)


def test_a_gap_is_counted_once() -> None:
    record = fold(FRESH, an_attempt(number=3), a_context())
    record = fold(record, an_attempt(number=3, outcome=done()), a_context())
    assert (record.succeeded, record.losses) == (1, 2)


def test_a_gap_can_spend_the_loss_budget() -> None:
    record = fold(FRESH, an_attempt(number=4, outcome=lost()), a_context(a_policy(losses=3)))
    assert (record.failed, record.losses) == (1, 4)


def test_items_of_a_fan_out_are_counted_apart() -> None:
    record = a_fan_out(3)
    for index, outcome in ((0, done({"n": 0})), (1, broken()), (2, broken())):
        record = fold(record, an_attempt(index=index, outcome=outcome), ONE_RETRY)
    again = an_attempt(index=2, number=2, outcome=broken())
    record = fold(record, again, ONE_RETRY)
    assert (record.succeeded, record.failed, set(record.open)) == (0b001, 0b100, {1})
    assert (record.failures, record.outputs) == (3, {0: '{"n":0}'})


def test_a_success_beside_a_failed_item_does_not_hide_its_reason() -> None:
    record = a_fan_out(2)
    record = fold(record, an_attempt(index=0, outcome=broken("OOMKilled")), a_context())
    record = fold(record, an_attempt(index=1, outcome=done(message="fine")), a_context())
    assert (record.reason, record.message) == ("OOMKilled", "exit code 1")


def test_the_end_of_a_fan_out_is_that_of_its_last_item() -> None:
    record = a_fan_out(2)
    record = fold(record, an_attempt(index=0, outcome=done(), ended=30), a_context())
    record = fold(record, an_attempt(index=1, outcome=done(), ended=20), a_context())
    assert record.finished_at == at(30)


def test_an_index_beyond_the_total_is_ignored() -> None:
    record = a_fan_out(2)
    assert fold(record, an_attempt(index=2, outcome=done()), a_context()) is record


def test_an_ended_item_takes_no_further_evidence() -> None:
    record = TaskRecord(succeeded=1)
    assert fold(record, an_attempt(number=2, outcome=broken()), a_context()) is record


def test_a_task_that_was_skipped_takes_no_further_evidence() -> None:
    record = TaskRecord(state=TaskState.SKIPPED)
    assert fold(record, an_attempt(), a_context()) is record


def test_an_attempt_that_is_recorded_changes_nothing() -> None:
    record = TaskRecord(open={0: waiting_item(1)}, failures=1, attempt=1)
    assert fold(record, an_attempt(number=1, outcome=broken()), a_context()) is record


def test_a_live_attempt_seen_twice_changes_nothing() -> None:
    record = fold(FRESH, an_attempt(), a_context())
    assert fold(record, an_attempt(), a_context()) is record


def test_the_start_is_that_of_the_first_attempt() -> None:
    record = fold(FRESH, an_attempt(started=3, outcome=broken()), ONE_RETRY)
    record = fold(record, an_attempt(number=2, started=20), ONE_RETRY)
    assert record.started_at == at(3)
