"""Timeouts told apart from losses, and attempts on nodes that do not answer."""

from __future__ import annotations

import pytest

from builders.pods import at
from builders.records import a_context, a_policy, an_attempt, broken, done, lost
from spectra_operator.core.attempts.evidence import Kind
from spectra_operator.core.phase.fold import fold
from spectra_operator.core.phase.judging import judge, pending_timed_out, timed_out
from spectra_operator.core.phase.records import TaskRecord

LIMITED = a_policy(defaults={"timeoutSeconds": 60, "pendingTimeoutSeconds": 30})
FREE = a_policy()
RETRYING = a_policy(defaults={"onNodeLost": "Retry"})


@pytest.mark.parametrize(("when", "over"), [(60, False), (61, True), (62, True)])
def test_an_attempt_times_out_once_it_ran_for_its_whole_timeout(when: float, over: bool) -> None:
    assert timed_out(an_attempt(started=1), LIMITED, at(when)) is over


@pytest.mark.parametrize(("when", "over"), [(29, False), (30, True)])
def test_an_attempt_may_wait_for_its_container_so_long(when: float, over: bool) -> None:
    assert pending_timed_out(an_attempt(started=None), LIMITED, at(when)) is over


def test_an_attempt_that_runs_is_not_pending_and_one_that_waits_does_not_run() -> None:
    assert not pending_timed_out(an_attempt(started=1), LIMITED, at(900))
    assert not timed_out(an_attempt(started=None), LIMITED, at(900))


def test_without_limits_nothing_times_out() -> None:
    assert not timed_out(an_attempt(started=1), FREE, at(1e6))
    assert not pending_timed_out(an_attempt(started=None), FREE, at(1e6))


def test_a_pod_that_we_deleted_for_its_timeout_failed_by_it() -> None:
    attempt = an_attempt(outcome=lost("PodDeleted"), started=1, ended=62, deleted_at=at(62))
    outcome = judge(attempt, LIMITED)
    assert outcome is not None
    assert (outcome.kind, outcome.reason) == (Kind.FAILED, "Timeout")
    assert outcome.message == "still running after 60 s"


def test_a_pod_that_somebody_deleted_before_its_timeout_was_lost() -> None:
    attempt = an_attempt(outcome=lost("PodDeleted"), started=1, ended=59, deleted_at=at(58))
    assert judge(attempt, LIMITED) == lost("PodDeleted")


def test_a_pod_that_waited_too_long_failed_and_says_for_what() -> None:
    attempt = an_attempt(
        outcome=lost("PodDeleted"),
        started=None,
        ended=31,
        deleted_at=at(31),
    )
    outcome = judge(attempt, LIMITED, "ErrImagePull")
    assert outcome is not None
    assert (outcome.kind, outcome.reason) == (Kind.FAILED, "PendingTimeout")
    assert outcome.message == "no container started within 30 s: ErrImagePull"


def test_a_pod_that_somebody_deleted_while_it_waited_was_lost() -> None:
    attempt = an_attempt(outcome=lost("PodDeleted"), started=None, ended=9, deleted_at=at(9))
    assert judge(attempt, LIMITED) == lost("PodDeleted")


def test_a_success_stays_one_however_late_it_came() -> None:
    attempt = an_attempt(outcome=done({"n": 1}), started=1, ended=70, deleted_at=at(62))
    assert judge(attempt, LIMITED) == done({"n": 1})


def test_a_failure_that_nobody_caused_by_deletion_keeps_its_reason() -> None:
    attempt = an_attempt(outcome=broken("OOMKilled"), started=1, ended=100)
    assert judge(attempt, LIMITED) == broken("OOMKilled")


def test_a_timeout_spends_the_retry_limit_and_not_the_loss_budget() -> None:
    attempt = an_attempt(outcome=lost("PodDeleted"), started=1, ended=62, deleted_at=at(62))
    record = fold(TaskRecord(), attempt, a_context(LIMITED, now=62))
    assert (record.failed, record.failures, record.losses) == (1, 1, 0)
    assert record.reason == "Timeout"


def test_an_attempt_on_a_silent_node_is_waited_for_by_default() -> None:
    attempt = an_attempt(node_lost=True, deleted_at=at(5))
    assert judge(attempt, FREE) is None


def test_an_attempt_on_a_silent_node_is_lost_where_retry_was_chosen() -> None:
    attempt = an_attempt(node_lost=True, deleted_at=at(5))
    outcome = judge(attempt, RETRYING)
    assert outcome is not None
    assert (outcome.kind, outcome.reason) == (Kind.LOST, "NodeLost")


def test_what_such_a_node_reports_in_time_holds() -> None:
    attempt = an_attempt(outcome=done(), node_lost=True, deleted_at=at(5))
    assert judge(attempt, RETRYING) == done()


def test_the_next_attempt_pauses_from_when_the_loss_of_a_node_was_noticed() -> None:
    policy = a_policy(seconds=8, defaults={"onNodeLost": "Retry"})
    attempt = an_attempt(node_lost=True, deleted_at=at(5))
    item = fold(TaskRecord(), attempt, a_context(policy, now=50)).open[0]
    assert item.not_before is not None
    assert at(54) <= item.not_before < at(58)
