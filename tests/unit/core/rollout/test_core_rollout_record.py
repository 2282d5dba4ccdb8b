"""What of a rollout survives a restart, and what is told of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from builders.clock import START
from spectra_operator.core.rollout.records import (
    RolloutRecord,
    WorkerCounts,
    parse_record,
    render_record,
)
from unit.core.rollout.rollout_cases import REVISIONS, a_rollout, at, exposed, settled


def test_an_empty_record_says_nothing_in_status() -> None:
    assert render_record(RolloutRecord()) == {}
    assert parse_record(None) == RolloutRecord()


def test_a_record_stands_in_status_in_words_for_people() -> None:
    scene = exposed()

    status = render_record(scene.record)

    assert (status["stable"], status["active"], status["preview"]) == ("v1", "v2", "v2")
    assert (status["state"], status["reason"]) == ("Exposed", "Switched")
    assert status["switchedAt"] == "2026-01-01T00:00:00Z"
    assert status["message"] == (
        "revision v2 is active: at most 10 attempts until its analysis has passed; the others go "
        "to v1"
    )
    assert status["history"] == [
        {
            "revision": "v1",
            "outcome": "Promoted",
            "reason": "FirstRevision",
            "at": "2026-01-01T00:00:00Z",
        }
    ]


def test_times_come_back_exactly() -> None:
    record = RolloutRecord(stable="v1", active="v1", deadline=START + timedelta(microseconds=1234))

    assert parse_record(json.loads(json.dumps(render_record(record)))) == record


def test_a_revision_of_which_nobody_said_since_when_it_is_alone_is_so_since_the_last_end() -> None:
    status = render_record(settled().record)
    del status["aloneSince"]

    assert parse_record(status).alone_since == at(0)


def test_while_another_is_switched_to_nobody_knows_since_when_it_is_alone() -> None:
    status = render_record(exposed().record)
    del status["aloneSince"]

    assert parse_record(status).alone_since is None


@pytest.mark.parametrize(
    "broken",
    [
        *(7, [], "text", {"state": "Dancing"}, {"history": [{}]}, {"deadline": "soon"}),
        *({"number": -1}, {"stable": {"a": 1}}, {1: 2}),
    ],
)
def test_what_cannot_be_read_is_a_start_without_memory(broken: object) -> None:
    assert parse_record(broken) == RolloutRecord()


def test_a_state_of_a_newer_version_makes_no_unproven_revision_the_stable_one() -> None:
    scene = exposed()
    status = render_record(scene.record) | {"state": "Dancing"}

    scene.record = parse_record(status)

    assert (scene.record.stable, scene.record.preview) == ("v1", "v2")
    decided = scene.decide().record
    assert (decided.stable, decided.active, decided.state) == ("v1", "v2", "Exposed")


@pytest.mark.parametrize("field", [{"deadline": "soon"}, {"number": -1}, {"history": 7}, {"by": 1}])
def test_a_field_that_cannot_be_read_is_left_out_and_the_others_are_kept(
    field: dict[str, object],
) -> None:
    assert parse_record({"stable": "v1", **field}) == RolloutRecord(stable="v1", active="v1")


def test_an_entry_of_a_newer_version_is_left_out_and_the_others_are_kept() -> None:
    status = render_record(settled().record)
    (first,) = status["history"]
    later = first | {"revision": "v2", "outcome": "Danced"}

    record = parse_record(status | {"history": [first, later]})

    assert record == parse_record(status)
    assert [end.revision for end in record.history] == ["v1"]


def test_an_active_revision_that_is_neither_stable_nor_under_way_is_the_stable_one() -> None:
    record = RolloutRecord(stable="v1", active="v9", preview="v2")

    assert parse_record(render_record(record)) == replace(record, active="v1")


def test_a_full_record_stays_small() -> None:
    scene = settled()
    for number in range(60):
        scene.order("Abort", f"{number:036}", reason="r" * 200)
        scene.want("v2" if number % 2 else "v3")

    assert len(json.dumps(render_record(scene.record))) < 64 * 1024


def test_a_deadline_goes_on_over_a_restart() -> None:
    scene = settled(workers={})
    scene.want("v2")
    scene.second = 299

    scene.record = parse_record(json.loads(json.dumps(render_record(scene.record))))

    assert scene.decide().wake_at == at(300)


# The story of each way, as Events tell it; the same state is told once.
def test_a_promotion_is_told_from_its_start() -> None:
    scene = settled(workers={"v2": WorkerCounts(starting=1)})
    scene.want("v2")
    scene.after(1)
    scene.workers["v2"] = WorkerCounts(ready=1)
    scene.after(1)
    scene.end("v2", succeeded=5)
    scene.end("v2", succeeded=5)
    scene.after(1)

    assert scene.told == ["RolloutStarted", "Progressing", "Switched", "AnalysisPassed"]


def test_a_rollback_and_what_follows_it_are_told() -> None:
    scene = exposed()
    scene.end("v2", failed=2)
    scene.want("v3")
    scene.want("v4")

    assert scene.told[1:] == [
        "Switched",
        "AnalysisFailed",
        "RolloutStarted",
        "Switched",
        "Superseded",
        "RolloutStarted",
        "Switched",
    ]


# Nothing more is kept than what can still matter.
def test_statistics_are_kept_of_the_stable_the_warm_and_the_newest_revision_alone() -> None:
    scene = settled(a_rollout())
    for revision in REVISIONS:
        scene.want(revision)
        scene.end(revision, succeeded=1)

    assert set(scene.stats) == {"v3", "v4"}
    scene.after(600)
    assert set(scene.stats) == {"v4"}


def test_the_statistics_of_a_promoted_revision_go_on_as_those_of_the_stable_one() -> None:
    scene = exposed()
    scene.end("v2", succeeded=10, seconds=3)

    scene.want("v3")

    assert scene.stats["v2"].quantile(0.5) == 3
