"""A Phase's status: what people see, and that nothing a successor needs is lost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given

from builders.pods import at, stamp
from builders.records import a_fan_out, running_item, waiting_item
from spectra_operator.api.phase import PhaseState, PhaseStatus, TaskState
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.attempt_status import precise
from spectra_operator.core.phase.records import ENDED, PhaseRecord, Tally, TaskRecord
from spectra_operator.core.phase.status import (
    parse_phase,
    parse_task,
    render_phase,
    render_tally,
    render_task,
    render_usage,
)
from unit.core.core_records import phases
from unit.core.core_settings import steady


def kept(record: PhaseRecord) -> PhaseRecord:
    """Return what of a record status is meant to keep: an end's time only of what has ended."""
    tasks = {
        name: task if task.state in ENDED else replace(task, finished_at=None)
        for name, task in record.tasks.items()
    }
    return replace(record, tasks=tasks)


@steady(200)
@given(phases())
def test_a_record_survives_being_written_and_read(record: PhaseRecord) -> None:
    assert parse_phase(render_phase(record, at(0))) == kept(record)


@steady(100)
@given(phases())
def test_whatever_is_written_fits_the_schema(record: PhaseRecord) -> None:
    status = render_phase(record, at(0))
    parsed = PhaseStatus.model_validate(status)
    assert set(parsed.tasks) == set(record.tasks)
    assert status.keys() <= {f.alias for f in PhaseStatus.model_fields.values()}


@steady(100)
@given(phases())
def test_writing_what_was_read_changes_nothing(record: PhaseRecord) -> None:
    status = render_phase(record, at(0))
    assert render_phase(parse_phase(status), at(0)) == status


def test_times_of_tasks_have_fractions_where_somebody_is_judged_by_them() -> None:
    task = TaskRecord(TaskState.SUCCEEDED, started_at=at(1.25), finished_at=at(3.5))

    status = render_task(task, precise)

    assert status["startedAt"] == "2026-01-01T00:00:01.250000Z"
    assert parse_task(status).finished_at == at(3.5)
    assert render_task(task)["finishedAt"] == "2026-01-01T00:00:03Z"


def test_an_object_without_status_is_an_empty_record() -> None:
    assert parse_phase(None) == parse_phase({}) == PhaseRecord()
    assert parse_phase({"conditions": []}) == PhaseRecord()


def test_a_phase_shows_its_state_progress_times_and_conditions() -> None:
    tasks = {"a": TaskRecord(state=TaskState.SUCCEEDED, succeeded=1), "b": TaskRecord()}
    record = PhaseRecord(
        generation=3,
        state=PhaseState.RUNNING,
        reason="Because",
        message="words",
        started_at=at(1),
        tasks=tasks,
    )
    status = render_phase(record, at(5))
    assert (status["observedGeneration"], status["state"]) == (3, "Running")
    assert (status["reason"], status["message"]) == ("Because", "words")
    assert (status["progress"], status["counts"]) == ("1/2", {"total": 2, "succeeded": 1})
    assert (status["startedAt"], "finishedAt" in status, "duration" in status) == (
        stamp(1),
        False,
        False,
    )
    true = [c["type"] for c in status["conditions"] if c["status"] == "True"]
    assert true == ["Accepted", "Progressing"]


@pytest.mark.parametrize(
    ("state", "true"),
    [
        (PhaseState.SUCCEEDED, ["Accepted", "Complete"]),
        (PhaseState.FAILED, ["Accepted", "Failed"]),
        (PhaseState.CANCELLED, ["Accepted", "Failed"]),
        (PhaseState.REJECTED, ["Failed"]),
    ],
)
def test_an_ended_phase_shows_how_long_it_took_and_how_it_ended(
    state: PhaseState, true: list[str]
) -> None:
    status = render_phase(
        PhaseRecord(generation=1, state=state, started_at=at(1), finished_at=at(41)), at(50)
    )
    assert status["duration"] == "40s"
    assert [c["type"] for c in status["conditions"] if c["status"] == "True"] == true


def test_an_untried_task_is_nothing_but_its_state() -> None:
    assert render_task(TaskRecord()) == {"state": "Waiting"}
    assert render_task(a_fan_out(3)) == {"state": "Waiting", "items": {"total": 3}}


def test_a_pausing_task_shows_when_it_comes_again_to_the_microsecond() -> None:
    item = waiting_item(until=12.345678)
    record = TaskRecord(TaskState.BACKOFF, open={0: item}, attempt=1, failures=1)
    assert render_task(record)["notBefore"] == "2026-01-01T00:00:12.345678Z"


def test_the_items_of_a_fan_out_are_ranges_and_only_tried_ones_stand_alone() -> None:
    record = a_fan_out(
        100,
        succeeded=(1 << 98) - 1,
        open={98: running_item(), 99: waiting_item(2, losses=1)},
        attempt=4,
    )
    items = render_task(record)["items"]
    assert (items["total"], items["succeeded"], items["running"]) == (100, "0-97", "98")
    assert items["open"].keys() == {"99"}
    assert items["open"]["99"]["failures"] == 2


def test_a_running_item_with_a_history_keeps_it() -> None:
    record = a_fan_out(2, open={1: running_item(3, failures=1, losses=1)}, attempt=3)
    assert parse_task(render_task(record)).open == record.open


def test_outputs_of_a_fan_out_are_one_array_with_null_for_none() -> None:
    record = a_fan_out(3, succeeded=0b111, outputs={0: '{"n":0}', 2: '{"n":2}'})
    assert render_task(record)["outputs"] == '[{"n":0},null,{"n":2}]'


def test_outputs_keep_the_text_that_the_task_wrote() -> None:
    record = TaskRecord(TaskState.SUCCEEDED, succeeded=1, outputs={0: '{"b":1.0,"a":1e5}'})
    assert render_task(record)["outputs"] == '{"b":1.0,"a":1e5}'


def test_a_task_that_was_stopped_while_it_paused_stays_cancelled() -> None:
    record = TaskRecord(TaskState.CANCELLED, open={0: waiting_item()}, attempt=1, failures=1)
    parsed = parse_task(render_task(record))
    assert (parsed.state, parsed.cancelled) == (TaskState.CANCELLED, 1)


@pytest.mark.parametrize(
    ("cost", "text"),
    [("0", "0"), ("0.0123", "0.0123"), ("100", "100"), ("1E+3", "1000"), ("0.1000", "0.1")],
)
def test_a_cost_is_a_plain_decimal(cost: str, text: str) -> None:
    rendered = render_usage(Usage(1, 2, Decimal(cost)))
    assert rendered == {"inputTokens": 1, "outputTokens": 2, "cost": text}


def test_no_usage_is_left_out() -> None:
    assert render_usage(Usage()) is None


def test_counts_leave_out_zeros_except_the_total() -> None:
    assert render_tally(Tally()) == {"total": 0}
    assert render_tally(Tally(9, 1, 2, 3, 1, 2)) == {
        "total": 9,
        "running": 1,
        "succeeded": 2,
        "failed": 3,
        "skipped": 1,
        "cancelled": 2,
    }
