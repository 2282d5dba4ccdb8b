"""When finished things may be deleted, and which of them limits leave no room for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.records import an_attempt
from spectra_operator.api import constants as c
from spectra_operator.api.workflow import PodCleanup
from spectra_operator.core.attempts.evidence import Kind, Outcome
from spectra_operator.core.clean_up import Limits, beyond, expiry, is_expired_at, pod_expiry

END = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_run(name: str, state: str, scheduled: str = "", created: str = "") -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "labels": {c.LABEL_STATE: state}}
    meta["creationTimestamp"] = created or scheduled
    if scheduled:
        meta["annotations"] = {c.ANNOTATION_SCHEDULED: scheduled}
    return {"metadata": meta}


def finished(expires: str, **changes: Any) -> dict[str, Any]:
    meta = {"labels": {c.LABEL_FINISHED: "true"}, "annotations": {c.ANNOTATION_EXPIRES: expires}}
    return {"metadata": meta | changes}


def test_a_time_to_go_is_counted_from_the_end() -> None:
    assert expiry(END, 90) == "2026-01-01T12:01:30Z"
    assert expiry(END, 0) == "2026-01-01T12:00:00Z"


def test_part_of_a_second_counts_as_one() -> None:
    assert expiry(END + timedelta(microseconds=1), 90) == "2026-01-01T12:01:31Z"


def test_without_an_end_or_a_time_to_live_there_is_no_time_to_go() -> None:
    assert expiry(None, 90) == ""
    assert expiry(END, None) == ""


@pytest.mark.parametrize(
    ("policy", "kind", "goes"),
    [
        ("Never", Kind.SUCCEEDED, False),
        ("OnSuccess", Kind.SUCCEEDED, True),
        ("OnSuccess", Kind.FAILED, False),
        ("OnSuccess", Kind.LOST, False),
        ("OnEnd", Kind.SUCCEEDED, True),
        ("OnEnd", Kind.FAILED, True),
        ("OnEnd", Kind.LOST, True),
    ],
)
def test_which_pods_go(policy: Any, kind: Kind, goes: bool) -> None:
    attempt = replace(an_attempt(outcome=Outcome(kind)), finished_at=END)
    found = pod_expiry(PodCleanup(policy=policy, after_seconds=120), attempt, END)
    assert found == ("2026-01-01T12:02:00Z" if goes else "")


def test_a_live_pod_and_one_without_a_policy_stay() -> None:
    cleanup = PodCleanup(policy="OnEnd")
    assert pod_expiry(cleanup, an_attempt(outcome=None), END) == ""
    assert pod_expiry(None, an_attempt(outcome=Outcome(Kind.SUCCEEDED)), END) == ""


def test_no_pod_goes_sooner_than_a_late_create_could_come() -> None:
    eager = PodCleanup.model_construct(policy="OnEnd", after_seconds=1)
    attempt = replace(an_attempt(outcome=Outcome(Kind.SUCCEEDED)), finished_at=END)
    assert pod_expiry(eager, attempt, END) == "2026-01-01T12:01:00Z"


def test_what_is_finished_and_due_may_be_deleted() -> None:
    assert is_expired_at(finished("t1"), "t1")
    assert is_expired_at(finished("t1", labels={c.LABEL_RECORDED: "true"}), "t1")


def test_what_was_reopened_or_is_due_later_or_still_held_may_not() -> None:
    assert not is_expired_at(finished("t1", labels={}), "t1")
    assert not is_expired_at(finished("t2"), "t1")
    assert not is_expired_at(finished("t1", annotations=None), "t1")
    assert not is_expired_at(finished("t1", finalizers=[c.RESULT_FINALIZER]), "t1")


RUNS = [
    a_run("s1", "Succeeded", "2026-01-01T01:00:00Z"),
    a_run("f2", "Failed", "2026-01-01T02:00:00Z"),
    a_run("s3", "Succeeded", "2026-01-01T03:00:00Z"),
    a_run("c4", "Cancelled", "2026-01-01T04:00:00Z"),
    a_run("s5", "Succeeded", "2026-01-01T05:00:00Z"),
    a_run("r6", "Rejected", "2026-01-01T06:00:00Z"),
]


@pytest.mark.parametrize(
    ("succeeded", "failed", "gone"),
    [
        (3, 3, set()),
        (1, 3, {"s1", "s3"}),
        (3, 1, {"f2", "c4"}),
        (0, 0, {"s1", "f2", "s3", "c4", "s5", "r6"}),
        (None, 0, {"f2", "c4", "r6"}),
        (2, None, {"s1"}),
        (None, None, set()),
    ],
)
def test_the_oldest_go_first_by_how_they_ended(
    succeeded: int | None, failed: int | None, gone: set[str]
) -> None:
    for order in (RUNS, RUNS[::-1]):
        found = beyond(order, Limits(succeeded, failed))
        assert {run["metadata"]["name"] for run in found} == gone


def test_runs_for_no_time_are_as_old_as_their_objects() -> None:
    old = a_run("old", "Succeeded", created="2026-01-01T01:00:00Z")
    new = a_run("new", "Succeeded", created="2026-01-01T02:00:00Z")
    assert beyond([new, old], Limits(1, None)) == [old]
