"""A pod that somebody deletes is a loss, also when the kubelet has had the last word on it."""

from __future__ import annotations

from typing import Any

import pytest

from builders.pods import a_pod, failed, running, stamp
from spectra_operator.core.attempts.evidence import Kind, attempt_of

GRACE = 4


def confirmed(pod: dict[str, Any], grace: int = GRACE) -> dict[str, Any]:
    """The kubelet's last write of a pod deleted at 5: the grace is 0."""
    pod["metadata"]["deletionTimestamp"] = stamp(5 + grace)
    pod["metadata"]["deletionGracePeriodSeconds"] = 0
    pod["spec"]["terminationGracePeriodSeconds"] = grace
    return pod


@pytest.mark.parametrize("code", [137, 143])
def test_a_container_that_was_stopped_within_the_grace_was_deleted(code: int) -> None:
    attempt = attempt_of(confirmed(failed(running(a_pod()), 6, code)))
    assert attempt is not None
    assert attempt.outcome is not None
    assert (attempt.outcome.kind, attempt.outcome.reason) == (Kind.LOST, "PodDeleted")


@pytest.mark.parametrize(("code", "finished"), [(1, 6), (143, -6)])
def test_an_end_of_its_own_or_before_the_grace_is_a_failure(code: int, finished: float) -> None:
    attempt = attempt_of(confirmed(failed(running(a_pod()), finished, code)))
    assert attempt is not None
    assert attempt.outcome is not None
    assert attempt.outcome.kind is Kind.FAILED
