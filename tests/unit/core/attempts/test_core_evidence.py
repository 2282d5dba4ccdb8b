"""What a pod proves about its attempt: every row of the table of outcomes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from builders import pods
from builders.pods import a_pod, running
from spectra_operator.core.attempts.evidence import Attempt, Kind, attempt_of

Pod = dict[str, Any]


def seen(pod: Pod) -> Attempt:
    """Return the attempt that a pod is."""
    attempt = attempt_of(pod)
    assert attempt is not None
    return attempt


def outcome(pod: Pod) -> tuple[Kind, str]:
    """Return how a pod's attempt ended and why."""
    found = seen(pod).outcome
    assert found is not None
    return found.kind, found.reason


def test_a_succeeded_pod_hands_over_its_outputs_usage_and_message() -> None:
    usage = {"inputTokens": 5, "outputTokens": 2, "cost": "0.01"}
    pod = pods.succeeded(running(a_pod()), {"rows": 3}, usage=usage, message="all loaded")
    found = seen(pod).outcome
    assert found is not None
    assert (found.kind, found.reason, found.message) == (Kind.SUCCEEDED, "", "all loaded")
    assert found.result.outputs == '{"rows":3}'
    assert found.result.usage.input_tokens == 5


def test_a_succeeded_pod_without_a_message_is_a_success_without_outputs() -> None:
    found = seen(pods.succeeded(running(a_pod()))).outcome
    assert found is not None
    assert (found.kind, found.result.outputs) == (Kind.SUCCEEDED, "")


def test_words_that_are_no_document_are_the_message_of_a_success() -> None:
    found = seen(pods.succeeded_saying(running(a_pod()), "done, 3 rows")).outcome
    assert found is not None
    assert (found.kind, found.message) == (Kind.SUCCEEDED, "done, 3 rows")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param('{"outputs": [1]}', "ResultInvalid", id="outputs are not an object"),
        pytest.param('{"usage": {"cost": "much"}}', "ResultInvalid", id="usage has no numbers"),
        pytest.param('s":"' + "x" * 4090 + '"}', "ResultTruncated", id="cut off"),
        pytest.param(
            '{"outputs":{"a":"' + "x" * 4000 + '"}}', "ResultTooLarge", id="longer than allowed"
        ),
    ],
)
def test_a_success_with_a_broken_result_is_a_failure_that_no_retry_would_heal(
    text: str, reason: str
) -> None:
    found = seen(pods.succeeded_saying(running(a_pod()), text)).outcome
    assert found is not None
    assert (found.kind, found.reason, found.final) == (Kind.FAILED, reason, True)


@pytest.mark.parametrize(
    ("pod", "kind", "reason"),
    [
        pytest.param(pods.failed(running(a_pod())), Kind.FAILED, "Error", id="exit code"),
        pytest.param(
            pods.oom_killed(running(a_pod())), Kind.FAILED, "OOMKilled", id="out of memory"
        ),
        pytest.param(pods.unstartable(a_pod()), Kind.FAILED, "StartError", id="no such command"),
        pytest.param(
            pods.deadline_exceeded(running(a_pod())), Kind.FAILED, "Timeout", id="its own deadline"
        ),
        pytest.param(
            pods.evicted(running(a_pod())), Kind.LOST, "TerminationByKubelet", id="evicted"
        ),
        pytest.param(
            pods.disrupted(running(a_pod())), Kind.LOST, "EvictionByEvictionAPI", id="drained"
        ),
        pytest.param(
            pods.disrupted(running(a_pod()), reason="PreemptionByScheduler"),
            Kind.LOST,
            "PreemptionByScheduler",
            id="preempted",
        ),
        pytest.param(pods.refused(a_pod()), Kind.LOST, "OutOfcpu", id="no cpu left on the node"),
        pytest.param(
            pods.refused(a_pod(), reason="NodeAffinity"), Kind.LOST, "NodeAffinity", id="affinity"
        ),
        pytest.param(
            pods.refused(a_pod(), reason="UnexpectedAdmissionError"),
            Kind.LOST,
            "UnexpectedAdmissionError",
            id="kubelet admission",
        ),
        pytest.param(
            pods.refused(a_pod(), reason="Evicted"), Kind.LOST, "Evicted", id="old eviction"
        ),
        pytest.param(
            pods.killed(pods.deleted(running(a_pod()), 5), 6),
            Kind.LOST,
            "PodDeleted",
            id="deleted while it ran",
        ),
        pytest.param(
            pods.killed(pods.deleted(running(a_pod()), 5), 5),
            Kind.LOST,
            "PodDeleted",
            id="killed within the second of its deletion",
        ),
        pytest.param(
            pods.deleted(a_pod()), Kind.LOST, "PodDeleted", id="deleted before it was scheduled"
        ),
        pytest.param(
            pods.deleted(pods.unschedulable(a_pod())),
            Kind.LOST,
            "PodDeleted",
            id="deleted while unschedulable",
        ),
        pytest.param(pods.status_unknown(running(a_pod())), Kind.LOST, "PodLost", id="unknown end"),
        pytest.param(
            pods.refused(a_pod(), reason=""), Kind.LOST, "PodLost", id="failed without a container"
        ),
    ],
)
def test_a_pod_that_did_not_succeed_failed_or_was_lost(pod: Pod, kind: Kind, reason: str) -> None:
    assert outcome(pod) == (kind, reason)


def test_a_pod_that_failed_before_somebody_deleted_it_has_failed_by_itself() -> None:
    pod = pods.deleted(pods.failed(running(a_pod()), 10), 60)
    assert outcome(pod) == (Kind.FAILED, "Error")


def test_a_pod_that_succeeded_is_a_success_even_if_it_was_being_disrupted_or_deleted() -> None:
    drained = pods.succeeded(pods.disrupted(running(a_pod())), {"rows": 1})
    deleted = pods.deleted(pods.succeeded(running(a_pod())))
    assert outcome(drained)[0] is Kind.SUCCEEDED
    assert outcome(deleted)[0] is Kind.SUCCEEDED


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(a_pod(), id="just created"),
        pytest.param(pods.unschedulable(a_pod()), id="unschedulable"),
        pytest.param(pods.pulling(a_pod()), id="pulling"),
        pytest.param(running(a_pod()), id="running"),
        pytest.param(pods.deleted(running(a_pod())), id="being deleted, still on its node"),
        pytest.param(pods.deleted(pods.pulling(a_pod())), id="being deleted before it started"),
        pytest.param(pods.node_lost(running(a_pod())), id="its node does not answer"),
    ],
)
def test_an_attempt_is_live_until_its_pod_proves_the_contrary(pod: Pod) -> None:
    assert seen(pod).live
    assert seen(pod).finished_at is None


def test_only_the_taint_manager_says_that_a_node_is_lost() -> None:
    assert seen(pods.node_lost(running(a_pod()))).node_lost
    assert not seen(pods.deleted(running(a_pod()))).node_lost
    assert not seen(pods.disrupted(running(a_pod()))).node_lost


def test_a_failed_container_speaks_with_its_exit_code_and_its_own_words() -> None:
    said = seen(pods.failed(running(a_pod()), code=3, text="no such table")).outcome
    silent = seen(pods.failed(running(a_pod()), code=4)).outcome
    assert said is not None
    assert silent is not None
    assert said.message == "exit code 3: no such table"
    assert silent.message == "exit code 4"


def test_a_failed_attempt_still_counts_what_it_used_and_rules_see_its_outputs() -> None:
    text = '{"outputs": {"a": 1}, "usage": {"cost": "2"}, "message": "gave up"}'
    found = seen(pods.failed(running(a_pod()), text=text)).outcome
    assert found is not None
    assert (found.result.usage.cost, found.result.outputs) == (Decimal(2), '{"a":1}')
    assert found.message == "exit code 1: gave up"


def test_a_long_last_word_is_cut_to_what_status_holds() -> None:
    found = seen(pods.failed(running(a_pod()), text="x" * 4096)).outcome
    assert found is not None
    assert len(found.message) == 1024


@pytest.mark.parametrize(
    ("pod", "waiting", "message"),
    [
        (a_pod(), "", ""),
        (pods.unschedulable(a_pod(), why="no node"), "Unschedulable", "no node"),
        (pods.pulling(a_pod()), "ContainerCreating", ""),
        (
            pods.pulling(a_pod(), 1, "ImagePullBackOff", "not found"),
            "ImagePullBackOff",
            "not found",
        ),
        (running(pods.unschedulable(a_pod())), "", ""),
        (pods.deleted(pods.unschedulable(a_pod())), "", ""),
    ],
    ids=["created", "unschedulable", "creating", "image missing", "running", "deleted"],
)
def test_what_keeps_a_container_from_starting_is_named(
    pod: Pod, waiting: str, message: str
) -> None:
    assert (seen(pod).waiting, seen(pod).waiting_message) == (waiting, message)
