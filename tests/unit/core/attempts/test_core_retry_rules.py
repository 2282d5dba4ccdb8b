"""Retry rules: which failures are tried again, and how exact the pauses are."""

from __future__ import annotations

from typing import Any

import pytest

from builders.pods import at
from builders.records import an_attempt, broken, done, lost
from builders.specs import Body, a_task
from spectra_operator.api.common import Backoff, RetryPolicy
from spectra_operator.core.attempts.evidence import Kind, Outcome
from spectra_operator.core.attempts.results import Result
from spectra_operator.core.attempts.retry import not_before, refusal
from unit.core.phase_cases import decided, states

FAIL: Body = {"action": "Fail"}
RETRY: Body = {"action": "Retry"}


def refused(*rules: Body, failures: int = 1, **outcome: Any) -> str:
    """Return why rules allow no further attempt after an exit with code 3."""
    values: dict[str, Any] = {"reason": "Error", "message": "exit code 3: no disk", "exit_code": 3}
    how = Outcome(Kind.FAILED, **values | outcome)
    policy = RetryPolicy.model_validate({"limit": 5, "rules": list(rules)})
    return refusal(policy, an_attempt(number=failures, outcome=how), how, failures)


@pytest.mark.parametrize(
    "fits",
    [
        {"exitCodes": [3]},
        {"exitCodes": [1, 3]},
        {"reasons": ["OOMKilled", "Error"]},
        {"when": "attempt.exitCode == 3"},
        {"when": "attempt.number == 1 && attempt.failures == 1"},
        {"when": "attempt.message.contains('no disk')"},
        {"when": "matches(attempt.message, 'no (disk|memory)')"},
        {"when": "attempt.reason == 'Error'"},
        {"exitCodes": [3], "reasons": ["Error"], "when": "true"},
    ],
)
def test_a_rule_that_fits_decides(fits: Body) -> None:
    assert refused(fits | FAIL) == "retry.rules[0] says Fail"
    assert refused(fits | RETRY) == ""


@pytest.mark.parametrize(
    "fits",
    [
        {"exitCodes": [4]},
        {"reasons": ["OOMKilled"]},
        {"when": "attempt.exitCode == 4"},
        {"exitCodes": [3], "reasons": ["OOMKilled"]},
        {"exitCodes": [3], "when": "false"},
    ],
)
def test_all_of_a_rule_must_hold(fits: Body) -> None:
    assert refused(fits | FAIL) == ""


def test_the_first_rule_that_fits_is_the_one_that_holds() -> None:
    rules: list[Body] = [
        {"exitCodes": [9]} | FAIL,
        {"exitCodes": [3]} | RETRY,
        {"when": "true"} | FAIL,
    ]
    assert refused(*rules) == ""
    assert refused(*rules, exit_code=4) == "retry.rules[2] says Fail"


@pytest.mark.parametrize(
    "condition", ["attempt.nothing == 1", "attempt.exitCode", "attempt.outputs.code > 1"]
)
def test_a_rule_that_cannot_be_evaluated_does_not_fit(condition: str) -> None:
    assert refused({"when": condition} | FAIL) == ""


def test_a_failure_without_a_container_s_exit_code_fits_no_exit_code() -> None:
    assert refused({"exitCodes": [3]} | FAIL, exit_code=None, reason="Timeout") == ""
    assert refused({"when": "attempt.exitCode == null"} | FAIL, exit_code=None) != ""


def test_a_rule_sees_what_a_failed_attempt_had_returned() -> None:
    rule = {"when": "attempt.outputs.hopeless"} | FAIL
    assert refused(rule, result=Result(outputs='{"hopeless":true}')) != ""
    assert refused(rule, result=Result(outputs='{"hopeless":false}')) == ""


def test_a_rule_sees_the_outputs_that_broke_their_declaration() -> None:
    rule = {"reasons": ["OutputInvalid"], "when": "attempt.outputs.n < -9"} | FAIL
    task = a_task(outputs={"n": {"rule": "value > 0"}}, retry={"limit": 5, "rules": [rule]})
    a_little = decided([task], [an_attempt(outcome=done({"n": -1}))])
    assert states(a_little)["work"] == "Backoff OutputInvalid"
    much = decided([task], [an_attempt(outcome=done({"n": -10}))])
    assert states(much)["work"] == "Failed OutputInvalid"


def task(**policy: Any) -> list[Body]:
    """Return one task with a retry policy."""
    return [a_task(retry={"limit": 3, "backoff": {"initialSeconds": 0}} | policy)]


def test_a_task_that_a_rule_gives_up_fails_at_once_and_says_which_rule() -> None:
    rules = [{"reasons": ["Error"]} | FAIL]
    decision = decided(task(rules=rules), [an_attempt(outcome=broken())])
    assert states(decision)["work"] == "Failed Error"
    assert decision.record.tasks["work"].message == "exit code 1 (retry.rules[0] says Fail)"


def test_a_rule_that_says_retry_allows_no_more_than_the_limit() -> None:
    rules = [{"reasons": ["Error"]} | RETRY]
    tries = [an_attempt(outcome=broken(), number=n) for n in range(1, 5)]
    assert states(decided(task(rules=rules), tries[:3]))["work"] == "Backoff Error"
    assert states(decided(task(rules=rules), tries))["work"] == "Failed Error"


def test_what_was_lost_is_no_business_of_rules() -> None:
    rules = [{"when": "true"} | FAIL]
    decision = decided(task(rules=rules), [an_attempt(outcome=lost())])
    assert states(decision)["work"] == "Backoff Evicted"


def test_what_would_only_fail_again_is_not_tried_again_whatever_rules_say() -> None:
    rules = [{"when": "true"} | RETRY]
    outcome = broken("ResultTruncated", final=True)
    decision = decided(task(rules=rules), [an_attempt(outcome=outcome)])
    assert states(decision)["work"] == "Failed ResultTruncated"


def pause(percent: int, key: str = "a") -> float:
    """Return the pause after a first failure that asks for 100 seconds."""
    backoff = Backoff(initial_seconds=100, jitter_percent=percent)
    return (not_before(backoff, at(0), 1, key) - at(0)).total_seconds()


def test_without_jitter_a_pause_is_exact() -> None:
    assert {pause(0, key) for key in "abcdef"} == {100.0}


@pytest.mark.parametrize("percent", [1, 10, 50, 100])
def test_jitter_takes_at_most_its_share_of_a_pause(percent: int) -> None:
    pauses = [pause(percent, str(n)) for n in range(200)]
    assert 100 - percent <= min(pauses)
    assert max(pauses) <= 100
    assert max(pauses) - min(pauses) > percent * 0.9
