"""What a schedule decides, from snapshots alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.specs import a_schedule
from spectra_operator.api.schedule import ScheduleSpec
from spectra_operator.core.schedule.cron import parse_cron
from spectra_operator.core.schedule.decide import decide_schedule, run_name
from spectra_operator.core.schedule.records import (
    RunView,
    ScheduleDecision,
    ScheduleRecord,
    ScheduleSnapshot,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RANGE = {"from": "2025-12-31T23:00:00Z", "to": "2025-12-31T23:10:00Z", "maxConcurrent": 2}


def a_run(minute: int, *, ended: bool = False, backfill: bool = False) -> RunView:
    at = START + minute * MINUTE
    name = run_name("nightly", at)
    return RunView(name, at, uid=f"uid-{minute}", ended=ended, backfill=backfill)


def a_snapshot(minute: float = 0, *runs: RunView, **fields: Any) -> ScheduleSnapshot:
    """Return a schedule of every five minutes that was created at midnight."""
    spec = ScheduleSpec.model_validate(a_schedule(**fields)["spec"])
    return ScheduleSnapshot(
        name="nightly",
        generation=1,
        created_at=START,
        spec=spec,
        cron=parse_cron(spec.schedule, spec.time_zone),
        problem=("", ""),
        persisted=ScheduleRecord(),
        runs={run.name: run for run in runs},
        creating={},
        last_successful=None,
        now=START + minute * MINUTE,
    )


def minutes(runs: tuple[RunView, ...]) -> list[float]:
    return [(run.at - START) / MINUTE for run in runs]


def reasons(decision: ScheduleDecision) -> list[str]:
    return [told.reason for told in decision.told]


def test_before_its_time_nothing_is_created_and_the_time_is_waited_for() -> None:
    decision = decide_schedule(a_snapshot(4))
    assert (decision.create, decision.cancel) == ((), ())
    assert decision.wake_at == decision.record.next == START + 5 * MINUTE


def test_at_its_time_a_run_is_created_and_not_yet_told_of() -> None:
    decision = decide_schedule(a_snapshot(5))
    assert minutes(decision.create) == [5]
    assert decision.record.decided_until == START
    assert decision.told == ()


def test_a_run_that_exists_is_told_of_and_not_created_again() -> None:
    decision = decide_schedule(a_snapshot(6, a_run(5)))
    assert decision.create == ()
    assert decision.record.decided_until == decision.record.last_schedule == START + 5 * MINUTE
    assert reasons(decision) == ["RunStarted"]
    assert decision.record.active_runs == 1


def test_a_run_whose_creation_was_not_answered_is_not_asked_for_again() -> None:
    snapshot = replace(a_snapshot(6), creating={a_run(5).name: a_run(5)})
    decision = decide_schedule(snapshot)
    assert decision.create == ()
    assert decision.record.missed == 0


def test_what_was_told_of_is_not_told_again() -> None:
    first = decide_schedule(a_snapshot(6, a_run(5)))
    again = replace(a_snapshot(7, a_run(5, ended=True)), persisted=first.record)
    decision = decide_schedule(again)
    assert (decision.create, decision.told) == ((), ())
    assert decision.record.active_runs == 0


def test_the_name_of_a_run_is_a_function_of_schedule_and_time() -> None:
    assert run_name("nightly", START) == "nightly-29453760"
    long = run_name("a" * 38, START)
    assert len(long) <= 52
    assert long.startswith("a" * 38 + "-")


@pytest.mark.parametrize(
    ("fields", "created", "missed"),
    [
        ({}, [20], 3),
        ({"catch_up": {"limit": 3}}, [10, 15, 20], 1),
        ({"catch_up": {"limit": 100}}, [5, 10, 15, 20], 0),
        ({"starting_deadline_seconds": 30}, [], 4),
        ({"starting_deadline_seconds": 90}, [20], 3),
        ({"catch_up": {"limit": 3}, "concurrency_policy": "Forbid"}, [10], 1),
        ({"catch_up": {"limit": 3}, "concurrency_policy": "Replace"}, [20], 3),
    ],
)
def test_after_a_pause_the_newest_are_made_up_for(
    fields: dict[str, Any], created: list[float], missed: int
) -> None:
    decision = decide_schedule(a_snapshot(21, **fields))
    assert minutes(decision.create) == created
    assert decision.record.missed == missed


def test_of_a_long_gap_only_so_much_is_counted() -> None:
    decision = decide_schedule(a_snapshot(60 * 24 * 365))
    assert decision.record.missed == 99
    assert "at least 99 runs" in decision.told[0].message
    assert len(decision.create) == 1


def test_with_forbid_a_live_run_holds_back_the_next() -> None:
    snapshot = a_snapshot(11, a_run(5), concurrency_policy="Forbid")
    decision = decide_schedule(snapshot)
    assert decision.create == ()
    ended = replace(snapshot, runs={a_run(5).name: a_run(5, ended=True)})
    assert minutes(decide_schedule(ended).create) == [10]


def test_with_replace_the_older_run_goes_once_the_newer_exists() -> None:
    snapshot = a_snapshot(11, a_run(5), concurrency_policy="Replace")
    assert minutes(decide_schedule(snapshot).create) == [10]
    assert decide_schedule(snapshot).cancel == ()
    both = replace(snapshot, runs={r.name: r for r in (a_run(5), a_run(10))})
    assert minutes(decide_schedule(both).cancel) == [5]


def test_a_refused_run_is_missed_and_told_of() -> None:
    refused = replace(a_run(5), uid="", refused="too odd")
    decision = decide_schedule(a_snapshot(6, refused))
    assert reasons(decision) == ["RunRefused"]
    assert decision.record.missed == 1
    assert decision.record.last_schedule is None


def test_a_suspended_schedule_asks_for_nothing() -> None:
    decision = decide_schedule(a_snapshot(60, suspend=True, backfill=RANGE))
    assert (decision.create, decision.wake_at, decision.record.next) == ((), None, None)
    assert decision.record.suspended


def test_a_schedule_that_cannot_be_read_changes_nothing_else() -> None:
    known = ScheduleRecord(missed=7, decided_until=START)
    problem = ("InvalidSchedule", "spec.schedule '61 * * * *': bad minute")
    snapshot = replace(a_snapshot(60), spec=None, cron=None, problem=problem, persisted=known)
    record = decide_schedule(snapshot).record
    assert (record.reason, record.missed, record.decided_until) == (problem[0], 7, START)
    assert not record.ready


def test_another_schedule_text_begins_now() -> None:
    known = ScheduleRecord(reason="Scheduled", schedule="0 0 * * * UTC", decided_until=START)
    decision = decide_schedule(replace(a_snapshot(60), persisted=known))
    assert decision.create == ()
    assert decision.record.decided_until == START + 60 * MINUTE


def test_the_past_is_filled_as_far_as_there_is_room() -> None:
    decision = decide_schedule(a_snapshot(1, backfill=RANGE))
    assert minutes(decision.create) == [-60, -55]
    assert all(run.backfill for run in decision.create)
    runs = (a_run(-60, backfill=True), a_run(-55, ended=True, backfill=True))
    later = decide_schedule(a_snapshot(1, *runs, backfill=RANGE))
    assert minutes(later.create) == [-50]
    assert later.record.backfill is not None
    assert later.record.backfill.until == START - 55 * MINUTE


def test_a_filled_range_is_complete_and_stays_so() -> None:
    runs = [a_run(minute, ended=True, backfill=True) for minute in (-60, -55, -50)]
    decision = decide_schedule(a_snapshot(1, *runs, backfill=RANGE))
    assert reasons(decision) == ["BackfillComplete"]
    again = replace(a_snapshot(2, backfill=RANGE), persisted=decision.record)
    assert decide_schedule(again).create == ()
    assert decide_schedule(again).record.backfill == decision.record.backfill


POLICIES = st.sampled_from(["Allow", "Forbid", "Replace"])
STEPS = st.lists(st.tuples(st.integers(1, 900), st.booleans(), st.booleans()), max_size=25)


@given(policy=POLICIES, limit=st.integers(1, 4), steps=STEPS)
def test_every_time_is_started_once_or_counted_as_missed(
    policy: str, limit: int, steps: list[tuple[int, bool, bool]]
) -> None:
    """Each step: seconds pass, live runs may end, the status write may be lost."""
    fields = {"concurrency_policy": policy, "catch_up": {"limit": limit}}
    made: dict[str, RunView] = {}
    persisted, seconds = ScheduleRecord(), 0
    for pause, end, lost in [*steps, (1, True, False), (1, True, False), (1, True, False)]:
        seconds += pause
        if end:
            made = {name: replace(run, ended=True) for name, run in made.items()}
        now = a_snapshot(seconds / 60, *made.values(), **fields)
        decision = decide_schedule(replace(now, persisted=persisted))
        for run in decision.create:
            assert run.name not in made, "a run is never started twice"
            made[run.name] = replace(run, uid=f"uid-{run.name}")
        if policy == "Forbid":
            assert sum(not run.ended for run in made.values()) <= 1
        persisted = persisted if lost else decision.record
    due = len([m for m in range(5, 60 * 24, 5) if m * 60 <= seconds])
    decided = persisted.decided_until or START
    open_ = len(
        [m for m in range(5, 60 * 24, 5) if decided < START + m * MINUTE and m * 60 <= seconds]
    )
    told = [run for run in made.values() if run.at <= decided]
    assert len(told) + persisted.missed + open_ == due
