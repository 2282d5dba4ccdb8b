"""The analysis of a switched revision: passed, failed, inconclusive, and errors of providers."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.api.rollout import Rollout
from spectra_operator.core.rollout.records import WorkerCounts
from unit.core.rollout.rollout_cases import Scene, analysed, at, exposed

RELATIVE = "p95Seconds <= 1.5 * stable.p95Seconds"
PROMETHEUS = {
    "address": "http://prometheus.monitoring:9090",
    "queries": [{"name": "memory", "query": "max(memory)", "condition": "value < 100"}],
}


def queried(**analysis: Any) -> Rollout:
    """Return a rollout with one query beside the usual condition."""
    return analysed(prometheus=PROMETHEUS, **analysis)


def test_fewer_attempts_than_the_minimum_prove_nothing() -> None:
    scene = exposed()

    assert scene.end("v2", succeeded=9).record.state == "Exposed"
    assert scene.end("v2", succeeded=1).record.state == "Promoted"


# One condition each, with ten attempts of 2 s that cost 0.2, beside a stable one of 1 s and 0.1.
@pytest.mark.parametrize(
    ("condition", "state"),
    [
        ("failureRatio <= 0", "Promoted"),
        ("p50Seconds <= 2", "Promoted"),
        ("p50Seconds < 2", "RolledBack"),
        ("p95Seconds <= 2 * stable.p95Seconds", "Promoted"),
        ("p95Seconds <= 1.5 * stable.p95Seconds", "RolledBack"),
        ("p50Seconds <= stable.p50Seconds + 1", "Promoted"),
        ("costPerTask <= 2 * stable.costPerTask", "Promoted"),
        ("costPerTask <= 1.9 * stable.costPerTask", "RolledBack"),
        ("attempts >= 10 && losses / attempts < 0.1", "Promoted"),
        ("failureRatio <= stable.failureRatio", "Promoted"),
        ("failureRatio <= 0.1 || p95Seconds < 1", "Promoted"),
    ],
)
def test_conditions_read_failures_durations_cost_and_the_same_of_the_stable_revision(
    condition: str, state: str
) -> None:
    scene = exposed(analysed(condition))
    scene.end("v1", succeeded=10, seconds=1, cost="0.1")

    scene.end("v2", succeeded=10, seconds=2, cost="0.2")

    assert scene.record.state == state


def test_all_conditions_must_hold_and_the_message_names_those_that_do_not() -> None:
    scene = exposed(analysed("failureRatio <= 0.5", "p50Seconds < 1", "costPerTask < 1"))

    scene.end("v2", succeeded=10, seconds=3, cost="2")

    assert scene.standing() == ("RolledBack", "AnalysisFailed", "v1", "v1")
    assert scene.record.message.endswith(
        "p50Seconds < 1 does not hold: p50Seconds is 3; "
        "costPerTask < 1 does not hold: costPerTask is 2"
    )


# Slow or costly ones are found early too: of ten attempts, the median is lost with the sixth.
def test_a_revision_that_can_only_be_too_slow_is_rolled_back_before_the_minimum() -> None:
    scene = exposed(analysed("p50Seconds < 1"))

    assert scene.end("v2", succeeded=5, seconds=9).record.state == "Exposed"
    assert scene.end("v2", succeeded=1, seconds=9).record.state == "RolledBack"


def test_a_revision_that_can_only_be_too_costly_is_rolled_back_before_the_minimum() -> None:
    scene = exposed(analysed("costPerTask <= 1"))

    assert scene.end("v2", succeeded=2, cost="5").record.state == "Exposed"
    assert scene.end("v2", succeeded=1, cost="5").record.state == "RolledBack"


# A condition that wants a figure to be large is not taken for lost before the minimum.
def test_a_condition_that_more_attempts_may_still_fulfil_is_waited_for() -> None:
    scene = exposed(analysed("p50Seconds >= 1"))

    assert scene.end("v2", succeeded=4, seconds=0.5).record.state == "Exposed"
    assert scene.end("v2", succeeded=6, seconds=2).record.state == "Promoted"


# Values of the stable revision that do not exist are neither true nor false.
def test_a_comparison_with_a_stable_revision_without_attempts_waits_for_some() -> None:
    scene = exposed(analysed(RELATIVE))

    waiting = scene.end("v2", succeeded=10, seconds=1)

    assert scene.standing() == ("Exposed", "Analysing", "v1", "v2")
    assert scene.record.message == f"{RELATIVE}: stable.p95Seconds is not known"
    assert waiting.allowed == {"v2": 0, "v1": None}
    assert scene.end("v1", succeeded=1, seconds=1).record.state == "Promoted"


# Ten attempts are all there will be; how the inconclusive ends is the spec's choice.
@pytest.mark.parametrize(
    ("choice", "standing"),
    [
        ({}, ("RolledBack", "Inconclusive", "v1", "v1")),
        ({"onInconclusive": "Pause"}, ("Paused", "Inconclusive", "v1", "v2")),
        ({"onInconclusive": "Promote"}, ("Promoted", "Inconclusive", "v2", "v2")),
    ],
)
def test_inconclusive_is_no_success_unless_the_spec_says_so(
    choice: dict[str, str], standing: tuple[str, ...]
) -> None:
    scene = exposed(analysed("failureRatio <= 0.1", "timestamp('x') < timestamp('y')", **choice))

    scene.end("v2", succeeded=10)

    assert scene.standing() == standing


def test_what_is_paused_as_inconclusive_waits_for_a_person_unless_it_fails() -> None:
    scene = exposed(analysed(RELATIVE, "failureRatio <= 0.1", onInconclusive="Pause"))
    scene.second = 5
    scene.spec = (
        scene.spec.model_copy(
            update={"analysis": scene.spec.analysis.model_copy(update={"max_seconds": 60})}
        )
        if scene.spec.analysis
        else scene.spec
    )
    scene.after(60)
    assert scene.standing() == ("Paused", "Inconclusive", "v1", "v2")

    scene.end("v1", succeeded=1)
    assert scene.end("v2", succeeded=10).record.state == "Paused"
    assert scene.end("v2", failed=9).record.state == "RolledBack"


def test_too_few_tasks_within_max_seconds_are_inconclusive() -> None:
    scene = exposed(analysed(maxSeconds=100))

    assert scene.end("v2", succeeded=3).wake_at == at(100)
    scene.after(100)

    assert scene.standing() == ("RolledBack", "Inconclusive", "v1", "v1")
    assert "3 of 10 attempts have ended" in scene.record.message


def test_without_max_seconds_an_idle_agent_waits_for_tasks() -> None:
    scene = exposed()

    assert scene.after(1_000_000).record.state == "Exposed"


# A fix is never gated on the health of the version that it replaces.
BOTH = ("failureRatio <= 0.2", RELATIVE)


def test_relative_conditions_hold_while_the_stable_revision_is_healthy() -> None:
    scene = exposed(analysed(*BOTH))
    scene.end("v1", succeeded=10, seconds=1)

    assert scene.end("v2", succeeded=10, seconds=9).record.state == "RolledBack"


def test_relative_conditions_count_as_passed_when_the_stable_one_breaks_an_absolute_one() -> None:
    scene = exposed(analysed(*BOTH))
    scene.end("v1", succeeded=2, failed=8, seconds=1)

    assert scene.end("v2", succeeded=10, seconds=9).record.state == "Promoted"


def test_relative_conditions_count_as_passed_when_the_stable_one_always_failed() -> None:
    scene = exposed(analysed(*BOTH))
    scene.end("v1", failed=1)

    assert scene.end("v2", succeeded=10).record.state == "Promoted"


def test_relative_conditions_count_as_passed_when_workers_of_the_stable_one_crash() -> None:
    scene = exposed(analysed(RELATIVE))
    scene.workers["v1"] = WorkerCounts(failing=3)

    assert scene.end("v2", succeeded=10).record.state == "Promoted"


def test_a_fix_must_still_fulfil_the_absolute_conditions() -> None:
    scene = exposed(analysed(*BOTH))
    scene.end("v1", failed=10)

    assert scene.end("v2", failed=3).record.state == "RolledBack"


# Queries to Prometheus: asked once enough attempts have ended, then at intervals.
def test_queries_are_due_when_enough_attempts_have_ended() -> None:
    scene = exposed(queried())

    assert scene.end("v2", succeeded=9).query_at is None
    assert scene.end("v2", succeeded=1).query_at == at(0)
    assert scene.record.message == "query memory is due"
    assert scene.reading("memory", 50).record.state == "Promoted"


def test_a_value_that_breaks_the_condition_of_its_query_fails_the_revision() -> None:
    scene = exposed(queried())
    scene.end("v2", succeeded=10)

    scene.reading("memory", 500)

    assert scene.standing() == ("RolledBack", "AnalysisFailed", "v1", "v1")
    assert "query memory: value < 100 does not hold: value is 500" in scene.record.message


def test_a_reading_from_before_enough_attempts_had_ended_is_none() -> None:
    scene = exposed(queried())
    scene.reading("memory", 500)
    scene.second = 10

    assert scene.end("v2", succeeded=10).query_at == at(10)
    assert scene.record.state == "Exposed"


def test_an_error_of_the_provider_is_no_failure_is_shown_and_asked_again() -> None:
    scene = exposed(queried(intervalSeconds=20))
    scene.end("v2", succeeded=10)

    decision = scene.reading("memory", error="connection refused")

    assert scene.standing() == ("Exposed", "QueryError", "v1", "v2")
    assert scene.record.message == "query memory could not be answered: connection refused"
    assert (decision.query_at, decision.wake_at) == (at(20), at(20))
    assert scene.told[-1] == "QueryError"
    scene.second = 20
    assert scene.reading("memory", 50).record.state == "Promoted"


def test_a_query_without_data_is_inconclusive_and_asked_again() -> None:
    scene = exposed(queried())
    scene.end("v2", succeeded=10)

    assert scene.reading("memory").query_at == at(30)
    assert scene.standing() == ("Exposed", "Analysing", "v1", "v2")


def test_errors_until_max_seconds_are_inconclusive() -> None:
    scene = exposed(queried(maxSeconds=60))
    scene.end("v2", succeeded=10)
    scene.reading("memory", error="no route")

    scene.after(60)

    assert scene.standing() == ("RolledBack", "Inconclusive", "v1", "v1")
    assert "no route" in scene.record.message


def test_a_failed_condition_does_not_wait_for_a_provider() -> None:
    scene: Scene = exposed(queried())

    scene.end("v2", failed=2)

    assert scene.record.state == "RolledBack"
