"""The examples of schedules: their fields exist, their times mean something, their runs work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builders.specs import SCHEDULE_UID
from spectra_operator.api.schedule import ScheduleSpec
from spectra_operator.core.attempts.evidence import instant
from spectra_operator.core.conditions import timestamp
from spectra_operator.core.schedule.cron import parse_cron
from spectra_operator.core.schedule.decide import run_name
from spectra_operator.core.schedule.records import RunView
from spectra_operator.core.schedule.runs import run_body
from spectra_operator.core.spec.compile import compile_workflow
from unit.examples.example_runner import EXAMPLES, documents

FILES = sorted((EXAMPLES / "schedule").glob("*.yaml"))
SCHEDULES = [d for path in FILES for d in documents(path) if d["kind"] == "Schedule"]
START = instant("2026-03-28T00:00:00Z")


def placed(body: dict[str, Any]) -> dict[str, Any]:
    meta = {"namespace": "default", "uid": SCHEDULE_UID, "generation": 1}
    return body | {"metadata": meta | body["metadata"]}


def test_there_are_examples_of_each() -> None:
    assert [path.stem for path in FILES] == ["backfill", "clean-up", "nightly"]
    assert [body["metadata"]["name"] for body in SCHEDULES] == ["years-again", "nightly-report"]


@pytest.mark.parametrize("body", SCHEDULES, ids=lambda body: body["metadata"]["name"])
def test_a_schedules_fields_exist_and_its_runs_have_no_problems(body: dict[str, Any]) -> None:
    spec = ScheduleSpec.model_validate(body["spec"])
    dumped = spec.model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert set(dumped) == set(body["spec"])
    assert START is not None
    at = parse_cron(spec.schedule, spec.time_zone).next(START)
    assert at is not None
    made = placed(run_body(placed(body), RunView(run_name(body["metadata"]["name"], at), at), "0"))
    assert compile_workflow(made).problems == ()
    (parameter,) = made["spec"]["parameters"]
    assert parameter["value"] == timestamp(at)


def test_the_report_is_made_at_the_same_time_of_the_clock_in_summer_and_winter() -> None:
    spec = ScheduleSpec.model_validate(SCHEDULES[1]["spec"])
    cron = parse_cron(spec.schedule, spec.time_zone)
    assert START is not None
    moments = [timestamp(at)[:16] for at in cron.newest(START, START.replace(day=31), 9)]
    assert moments == ["2026-03-28T02:30", "2026-03-29T01:30", "2026-03-30T01:30"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_workflow_that_cleans_up_has_no_problems(path: Path) -> None:
    for body in documents(path):
        if body["kind"] == "Workflow":
            assert compile_workflow(placed(body)).problems == ()
            assert body["spec"]["ttlSecondsAfterFinished"] == 1800
