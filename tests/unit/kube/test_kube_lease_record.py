"""Decisions about a Lease."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from spectra_operator.kube.lease_record import (
    Candidacy,
    LeaseTimes,
    freed,
    holder_of,
    may_take,
    renewed_at,
    taken,
    taken_by,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
THEIRS: dict[str, Any] = {
    "holderIdentity": "them",
    "leaseDurationSeconds": 15,
    "acquireTime": "then",
    "renewTime": "then",
    "leaseTransitions": 4,
}


@pytest.mark.parametrize(
    ("spec", "unchanged_seconds", "expected"),
    [
        ({}, 0.0, True),
        (THEIRS, 14.999, False),
        (THEIRS, 15.0, True),
        (THEIRS | {"holderIdentity": "us"}, 0.0, True),
        (THEIRS | {"holderIdentity": ""}, 0.0, True),
        (THEIRS | {"leaseDurationSeconds": 60}, 59.0, False),
    ],
)
def test_a_lease_may_be_taken_when_free_ours_or_seen_unchanged_for_its_duration(
    spec: dict[str, Any], unchanged_seconds: float, expected: bool
) -> None:
    assert may_take(spec, identity="us", unchanged_seconds=unchanged_seconds) is expected


def test_taking_over_counts_a_transition_and_starts_a_term() -> None:
    assert taken(THEIRS, identity="us", now=NOW, duration=15.0) == {
        "holderIdentity": "us",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T12:00:00.123456Z",
        "renewTime": "2026-01-01T12:00:00.123456Z",
        "leaseTransitions": 5,
    }


def test_renewing_keeps_the_term_and_what_others_wrote() -> None:
    ours = THEIRS | {"holderIdentity": "us", "strategy": "kept"}
    renewed = taken(ours, identity="us", now=NOW, duration=15.0)
    assert renewed == ours | {"renewTime": "2026-01-01T12:00:00.123456Z"}


def test_the_first_holder_ever_is_no_transition() -> None:
    assert taken({}, identity="us", now=NOW, duration=15.0)["leaseTransitions"] == 0


def test_a_freed_lease_has_no_holder_and_keeps_its_count() -> None:
    spec = freed(THEIRS, now=NOW)
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("", 4)
    assert taken(spec, identity="us", now=NOW, duration=15.0)["leaseTransitions"] == 5


US = Candidacy("ns", "shard-0", "us", annotations={"at": "here"}, labels={"kind": "shard"})


def test_a_lease_that_is_missing_is_made_with_all_that_others_are_to_know() -> None:
    made = taken_by(US, None, NOW)
    assert (made["apiVersion"], made["kind"]) == ("coordination.k8s.io/v1", "Lease")
    assert made["metadata"] == {
        "name": "shard-0",
        "namespace": "ns",
        "annotations": {"at": "here"},
        "labels": {"kind": "shard"},
    }
    assert (made["spec"]["holderIdentity"], made["spec"]["leaseTransitions"]) == ("us", 0)


def test_a_lease_that_is_taken_keeps_what_the_holder_before_did_not_write_about_itself() -> None:
    meta = {"name": "shard-0", "uid": "u", "annotations": {"at": "there", "team": "a"}}
    ours = taken_by(US, {"metadata": meta, "spec": THEIRS}, NOW)
    assert ours["metadata"] == meta | {
        "annotations": {"at": "here", "team": "a"},
        "labels": {"kind": "shard"},
    }
    assert ours["spec"] == taken(THEIRS, identity="us", now=NOW, duration=15.0)


def test_who_tells_nothing_leaves_no_trace_but_its_name() -> None:
    meta = {"name": "shard-0", "resourceVersion": "7"}
    silent = Candidacy("ns", "shard-0", "us")
    assert taken_by(silent, {"metadata": meta, "spec": THEIRS}, NOW)["metadata"] == meta


def test_a_missing_lease_has_no_holder() -> None:
    assert holder_of(None) == holder_of({}) == holder_of({"spec": {}}) == ""


@pytest.mark.parametrize(
    "times",
    [
        {"retry_period": 10.0},
        {"retry_period": 0.0},
        {"renew_deadline": 12.5},
        {"margin": -1.0},
        {"margin": 6.0},
        {"duration": 15.5},
    ],
)
def test_times_that_would_let_two_hold_the_lease_are_refused(times: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"LeaseTimes\("):
        LeaseTimes(**times)


def test_a_lease_tells_when_it_was_renewed_or_given_back() -> None:
    ours = taken({}, identity="us", now=NOW, duration=15)
    assert renewed_at({"spec": ours}) == NOW
    assert renewed_at({"spec": freed(ours, now=NOW)}) == NOW


@pytest.mark.parametrize("time", [None, "", "then", 7, "2026-01-01T12:00:00"])
def test_a_time_that_somebody_made_up_is_none(time: object) -> None:
    assert renewed_at({"spec": {"renewTime": time}}) is None
    assert renewed_at({}) is None
    assert renewed_at(None) is None
