"""A schedule's status and runs: written, read back, and made into workflows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.specs import SCHEDULE_UID, a_parameter, a_schedule, a_workflow
from spectra_operator.api import constants as c
from spectra_operator.core.schedule.records import BackfillRecord, RunView, ScheduleRecord
from spectra_operator.core.schedule.runs import is_decided, owner_of, run_body, run_of_workflow
from spectra_operator.core.schedule.status import parse_schedule, render_schedule

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUN = RunView("nightly-29454480", NOON, uid="uid")
RECORD = ScheduleRecord(
    generation=3,
    schedule="0 * * * * UTC",
    decided_until=NOON,
    last_schedule=NOON,
    last_successful=NOON - HOUR,
    next=NOON + HOUR,
    missed=2,
    active=(RUN,),
    active_runs=1,
    backfill=BackfillRecord(NOON - 9 * HOUR, NOON - 5 * HOUR, NOON - 7 * HOUR, 3),
    reason="Scheduled",
)


def test_a_status_holds_its_record() -> None:
    assert parse_schedule(render_schedule(RECORD, {}, NOON)) == RECORD


def test_an_empty_status_is_an_empty_record() -> None:
    assert parse_schedule({}) == parse_schedule(None) == ScheduleRecord()


def test_conditions_keep_the_time_of_their_last_turn() -> None:
    before = render_schedule(RECORD, {}, NOON)
    after = render_schedule(RECORD, before, NOON + HOUR)
    assert after["conditions"] == before["conditions"]
    ready, suspended = after["conditions"]
    assert (ready["type"], ready["status"]) == ("Ready", "True")
    assert (suspended["type"], suspended["status"]) == ("Suspended", "False")


def test_a_run_is_a_workflow_of_the_template() -> None:
    flow = a_workflow(parameters=[a_parameter("scheduledTime", ""), a_parameter("rows", "7")])
    schedule = a_schedule(workflow=flow, metadata={"labels": {"team": "data"}})
    body = run_body(schedule, RUN, "0")
    assert body["metadata"]["name"] == RUN.name
    assert body["metadata"]["labels"]["team"] == "data"
    assert [p["value"] for p in body["spec"]["parameters"]] == ["2026-01-01T12:00:00Z", "7"]
    assert body["spec"]["phases"] == flow["spec"]["phases"]
    assert flow["spec"]["parameters"][0]["value"] == "", "the template stays as it is"


def test_what_a_run_was_made_for_can_be_read_from_it() -> None:
    for backfill in (False, True):
        run = RunView(RUN.name, NOON, uid="made", backfill=backfill)
        body = run_body(a_schedule(), run, "0")
        body["metadata"]["uid"] = "made"
        assert run_of_workflow(body, ended=False) == run
        assert owner_of(body) == ("nightly", SCHEDULE_UID)


@pytest.mark.parametrize("annotations", [None, {}, {c.ANNOTATION_SCHEDULED: "noon"}])
def test_a_workflow_without_a_time_is_nobodys_run(annotations: Any) -> None:
    body = a_workflow()
    body["metadata"]["annotations"] = annotations
    assert run_of_workflow(body, ended=True) is None
    assert owner_of(body) is None


@pytest.mark.parametrize(
    ("at", "backfill", "decided"),
    [
        (NOON, False, True),
        (NOON + HOUR, False, False),
        (NOON - 8 * HOUR, True, True),
        (NOON - 6 * HOUR, True, False),
        (NOON - 20 * HOUR, True, True),
    ],
)
def test_a_status_tells_of_a_run_or_not_yet(at: datetime, backfill: bool, decided: bool) -> None:
    schedule = a_schedule() | {"status": render_schedule(RECORD, {}, NOON)}
    body = run_body(schedule, RunView("x", at, backfill=backfill), "0")
    body["metadata"]["uid"] = "uid"
    assert is_decided(schedule, body) is decided


def test_a_schedule_without_a_status_tells_of_nothing() -> None:
    body = run_body(a_schedule(), RUN, "0")
    body["metadata"]["uid"] = "uid"
    assert not is_decided(a_schedule(), body)
