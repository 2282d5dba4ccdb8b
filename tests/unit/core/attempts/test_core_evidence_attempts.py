"""What is read off a pod beside its outcome: identity, times, whose it is."""

from __future__ import annotations

from typing import Any

import pytest

from builders import pods
from builders.pods import a_pod, at, running
from spectra_operator.api import constants as c
from spectra_operator.core.attempts.evidence import Attempt, Kind, attempt_of, instant

Pod = dict[str, Any]


def seen(pod: Pod) -> Attempt:
    """Return the attempt that a pod is."""
    attempt = attempt_of(pod)
    assert attempt is not None
    return attempt


def test_the_labels_say_which_attempt_a_pod_is() -> None:
    attempt = seen(a_pod("load", index=7, number=2, agent="loader", revision="r9"))
    assert (attempt.task, attempt.index, attempt.number) == ("load", 7, 2)
    assert (attempt.agent, attempt.revision) == ("loader", "r9")
    assert attempt.workflow_uid == ""
    assert seen(a_pod(workflow_uid="w1")).workflow_uid == "w1"


@pytest.mark.parametrize("label", [c.LABEL_INDEX, c.LABEL_ATTEMPT, c.LABEL_TASK, c.LABEL_PHASE_UID])
def test_a_pod_that_lacks_a_label_is_not_one_of_ours(label: str) -> None:
    pod = a_pod()
    del pod["metadata"]["labels"][label]
    assert attempt_of(pod) is None


def test_a_pod_with_a_label_that_is_no_number_is_not_one_of_ours() -> None:
    assert attempt_of(a_pod(attempt="first")) is None


def test_a_pod_without_labels_or_status_does_no_harm() -> None:
    assert attempt_of({"metadata": {"name": "stray"}}) is None
    bare = a_pod()
    del bare["status"]
    assert seen(bare).live


def test_a_pod_is_held_while_it_has_our_finalizer() -> None:
    assert seen(a_pod()).held
    assert not seen(pods.released(pods.succeeded(running(a_pod())))).held


def test_times_come_from_the_container() -> None:
    attempt = seen(pods.succeeded(running(a_pod(created=2), 5), when=9))
    assert attempt.created_at == at(2)
    assert attempt.started_at == at(5)
    assert attempt.finished_at == at(9)


def test_a_container_that_never_ran_has_no_start() -> None:
    attempt = seen(pods.unstartable(a_pod(), 4))
    assert attempt.started_at is None
    assert attempt.finished_at == at(4)


def test_a_deletion_counts_from_when_it_was_asked_for_not_from_the_end_of_its_grace() -> None:
    assert seen(pods.deleted(running(a_pod()), 5, grace=30)).deleted_at == at(5)


def test_a_pod_that_was_deleted_before_it_had_a_node_ended_when_it_was_deleted() -> None:
    attempt = seen(pods.deleted(pods.unschedulable(a_pod(), 1), 600))
    assert attempt.finished_at == at(600)


def test_a_refused_pod_ended_at_its_newest_condition() -> None:
    assert seen(pods.refused(a_pod(), 3)).finished_at == at(3)


def test_a_pod_of_which_nothing_is_known_ended_when_it_was_made() -> None:
    pod = a_pod(created=2)
    pod["status"] = {"phase": "Failed"}
    assert seen(pod).finished_at == at(2)


def test_a_container_that_somebody_injected_does_not_speak_for_the_task() -> None:
    pod = pods.succeeded(running(a_pod()), {"rows": 3})
    proxy = {"name": "a-proxy", "state": {"terminated": {"exitCode": 0, "message": "bye"}}}
    pod["status"]["containerStatuses"].insert(0, proxy)
    found = seen(pod).outcome
    assert found is not None
    assert (found.kind, found.result.outputs) == (Kind.SUCCEEDED, '{"rows":3}')


def test_an_instant_is_read_in_utc_whatever_the_offset() -> None:
    assert instant("2026-01-01T02:00:00+02:00") == at(0)
    assert instant("2026-01-01T00:00:00.500000Z") == at(0.5)
    assert instant(None) is None
