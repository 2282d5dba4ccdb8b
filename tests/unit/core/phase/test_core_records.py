"""What records say of themselves: masks, counts and sums."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.records import a_fan_out, running_item, waiting_item
from spectra_operator.api.phase import TaskState
from spectra_operator.core import indexes
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.records import Item, PhaseRecord, Tally, TaskRecord, tally
from spectra_operator.core.phase.skips import BENIGN
from unit.core.core_records import fan_outs, phases, single_tasks
from unit.core.core_settings import steady

MIXED = a_fan_out(
    8, succeeded=0b1, failed=0b10, cancelled=0b100, open={3: running_item(2), 4: waiting_item(2)}
)

PARTLY = a_fan_out(5, state=TaskState.SKIPPED, reason="SkippedByAction", succeeded=0b11)
SKIPS = ("", "DependencyFailed", *sorted(BENIGN))


def test_every_item_is_in_exactly_one_place() -> None:
    assert MIXED.ended_mask == 0b111
    assert MIXED.running_mask == 0b1000
    assert MIXED.untried_mask == 0b11100000


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 60), st.sampled_from([None, running_item(), running_item(2), waiting_item()])
    ),
    max_size=90,
)


@steady(150)
@given(CHANGES, st.integers(0, 90))
def test_what_runs_and_what_pauses_is_known_after_any_changes(
    changes: list[tuple[int, Item | None]], anew: int
) -> None:
    record = a_fan_out(61)
    for step, (index, item) in enumerate(changes):
        record = record.with_item(index, item)
        if step == anew:  # as a parsed status has it, or a reset: nothing is kept account of
            record = replace(record, open=dict(record.open))
        runs = {i for i, each in record.open.items() if each.state is TaskState.RUNNING}
        assert set(indexes.iterate(record.running_mask)) == runs
        assert set(indexes.iterate(record.untried_mask)) == set(range(61)) - set(record.open)
        assert dict(record.pausing()) == {
            i: each for i, each in record.open.items() if i not in runs
        }


def test_what_runs_is_known_after_some_items_were_taken_out() -> None:
    many = a_fan_out(40, open={index: running_item() for index in range(30)})
    left = many.with_item(31, waiting_item()).without_items({0, 5, 29, 31})
    assert left.running_mask == indexes.of(set(range(30)) - {0, 5, 29})
    assert left.masks is not None
    assert left.without_items(set(range(20))).running_mask == indexes.of(set(range(20, 29)))


def test_what_is_kept_account_of_is_that_of_these_very_items() -> None:
    many = a_fan_out(40, open={index: running_item() for index in range(30)})
    kept = many.with_item(5, None)
    assert kept.masks is not None
    assert replace(kept, open={}).running_mask == 0
    assert replace(kept, open={3: waiting_item()}).running_mask == 0


def test_what_is_recorded_of_an_item_is_the_number_of_its_bad_ends() -> None:
    record = a_fan_out(3, succeeded=1, open={1: waiting_item(2, losses=3)})
    assert [record.recorded(index) for index in range(3)] == [None, 5, 0]


def test_of_an_ended_task_everything_is_recorded() -> None:
    assert TaskRecord(state=TaskState.SKIPPED).recorded(0) is None


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (MIXED, Tally(total=8, running=1, succeeded=1, failed=1, cancelled=1)),
        (TaskRecord(state=TaskState.SKIPPED), Tally(total=1, skipped=1)),
        (TaskRecord(state=TaskState.SKIPPED, reason="DependencyFailed"), Tally(1, skipped=1)),
        (TaskRecord(state=TaskState.SKIPPED, reason="ConditionFalse"), Tally(skipped=1)),
        (a_fan_out(0, state=TaskState.SKIPPED, reason="DependencySkipped"), Tally(skipped=1)),
        (PARTLY, Tally(total=2, succeeded=2, skipped=3)),
        (TaskRecord(state=TaskState.CANCELLED), Tally(total=1, cancelled=1)),
        (TaskRecord(state=TaskState.FAILED, failed=1), Tally(total=1, failed=1)),
        (a_fan_out(5, state=TaskState.FAILED, failed=1), Tally(total=5, failed=1, skipped=4)),
        (a_fan_out(5, state=TaskState.CANCELLED, succeeded=3), Tally(5, succeeded=2, cancelled=3)),
    ],
    ids=[
        "mixed",
        "skipped",
        "skipped for a failure",
        "skipped by a condition",
        "skipped before its items were known",
        "skipped by a person after two items",
        "cancelled",
        "failed",
        "fan-out that failed",
        "fan-out cut short",
    ],
)
def test_items_are_counted_by_state(record: TaskRecord, expected: Tally) -> None:
    assert tally(record) == expected


@steady(150)
@given(single_tasks() | fan_outs(), st.sampled_from(SKIPS))
def test_of_an_ended_task_every_item_is_counted_once(record: TaskRecord, reason: str) -> None:
    counts = tally(replace(record, reason=reason))
    done = counts.succeeded + counts.failed + counts.skipped + counts.cancelled
    assert done + counts.running <= record.total
    if record.ended:
        assert done == record.total


@steady(150)
@given(single_tasks() | fan_outs(), st.sampled_from(SKIPS))
def test_only_what_was_skipped_in_order_is_not_to_be_done(record: TaskRecord, reason: str) -> None:
    counts = tally(replace(record, reason=reason))
    benign = record.state is TaskState.SKIPPED and reason in BENIGN
    assert counts.total == record.total - (counts.skipped if benign else 0)
    before, after = tally(replace(record, state=TaskState.READY, open={})), counts
    assert after.succeeded * before.total >= before.succeeded * after.total


@steady(60)
@given(phases())
def test_a_phase_s_counts_are_the_sum_of_its_tasks(record: PhaseRecord) -> None:
    assert record.tally() == sum((tally(t) for t in record.tasks.values()), Tally())
    assert record.usage() == sum((t.usage for t in record.tasks.values()), Usage())


def test_progress_reads_succeeded_of_all() -> None:
    assert Tally(total=7, succeeded=2, skipped=1, running=3).progress == "2/7"
