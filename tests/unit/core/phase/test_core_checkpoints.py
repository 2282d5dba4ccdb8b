"""Checkpoints: who keeps them, who forgets them, and how many bytes they may have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.pods import at
from builders.records import (
    a_context,
    a_fan_out,
    a_phase_snapshot,
    a_policy,
    an_attempt,
    broken,
    done,
    lost,
)
from builders.specs import a_phase, a_retry, a_task
from spectra_operator.api.constants import MAX_CHECKPOINTS_BYTES
from spectra_operator.api.phase import TaskState
from spectra_operator.core.attempts.evidence import Attempt, Outcome
from spectra_operator.core.phase.checkpoints import within_budget
from spectra_operator.core.phase.decide import decide_phase
from spectra_operator.core.phase.fold import fold
from spectra_operator.core.phase.records import Checkpoint, Item, TaskRecord
from spectra_operator.core.phase.resets import reset, retried
from spectra_operator.core.phase.status import parse_task, render_task
from unit.core.core_settings import steady

TRIES = a_context(a_policy(limit=5))
PAGE_2 = '{"page":2}'


def left(number: int = 1, outcome: Outcome | None = None, **fields: Any) -> Attempt:
    """Return an attempt that ended badly, 9 s after the start, and left a checkpoint."""
    known: dict[str, Any] = {"checkpoint": PAGE_2, "ended": 9}
    return an_attempt(outcome=outcome or broken(), number=number, **(known | fields))


def kept(record: TaskRecord, index: int = 0) -> Checkpoint | None:
    """Return what the next attempt of an item may go on from."""
    return record.open[index].checkpoint


@pytest.mark.parametrize("outcome", [broken(), lost()], ids=["failed", "lost"])
def test_a_bad_end_keeps_the_checkpoint_for_the_next_attempt(outcome: Outcome) -> None:
    record = fold(TaskRecord(), left(outcome=outcome), TRIES)
    assert kept(record) == Checkpoint(PAGE_2, at(9))
    record = fold(record, an_attempt(number=2), TRIES)
    assert kept(record) == Checkpoint(PAGE_2, at(9))


def test_an_attempt_that_left_nothing_leaves_what_was_there() -> None:
    record = fold(TaskRecord(), left(), TRIES)
    record = fold(record, an_attempt(number=2, outcome=lost()), TRIES)
    assert kept(record) == Checkpoint(PAGE_2, at(9))


def test_the_last_checkpoint_counts() -> None:
    record = fold(TaskRecord(), left(), TRIES)
    record = fold(record, left(2, checkpoint='{"page":7}'), TRIES)
    assert kept(record) == Checkpoint('{"page":7}', at(9))


def test_every_item_has_its_own() -> None:
    record = fold(a_fan_out(3), left(index=1), TRIES)
    record = fold(record, an_attempt(outcome=broken(), index=2), TRIES)
    assert (kept(record, 1), kept(record, 2)) == (Checkpoint(PAGE_2, at(9)), None)


def test_a_timeout_keeps_it_too() -> None:
    context = a_context(a_policy(limit=1, defaults={"timeoutSeconds": 5}))
    stopped = left(outcome=lost("Stopped"), started=1, deleted_at=at(7))
    record = fold(TaskRecord(), stopped, context)
    assert (record.failures, record.reason, kept(record)) == (
        1,
        "Timeout",
        Checkpoint(PAGE_2, at(9)),
    )


def test_a_success_and_the_last_failure_forget_it() -> None:
    record = fold(TaskRecord(), left(), TRIES)
    assert fold(record, an_attempt(number=2, outcome=done()), TRIES).open == {}
    assert fold(TaskRecord(), left(), a_context()).open == {}


def test_a_plan_forgets_it() -> None:
    record = fold(TaskRecord(), left(), TRIES)
    planned = a_phase([a_task("work", planner={"agents": ["worker"]}, retry=a_retry(5))])
    plan = '[{"name":"one","agent":"worker"}]'
    outcome = done()
    result = type(outcome.result)(spawn=plan)
    ended = an_attempt(number=2, outcome=Outcome(outcome.kind, result=result))
    snapshot = a_phase_snapshot(planned, [left(), ended])
    task = decide_phase(snapshot).record.tasks["work"]
    assert kept(record) is not None
    assert task.spawned is not None
    assert kept(task) is None


def test_a_fallback_forgets_it() -> None:
    task = a_task("work", fallback=[{"agent": "other"}])
    decision = decide_phase(a_phase_snapshot(a_phase([task]), [left()]))
    record = decision.record.tasks["work"]
    assert (record.way, kept(record)) == (1, None)


def test_who_asks_for_all_of_a_task_again_begins_anew() -> None:
    record = fold(TaskRecord(), left(), TRIES)
    assert reset(record).open == {}
    assert retried(fold(TaskRecord(), left(), a_context())).open == {}


def test_a_status_holds_it_while_the_task_waits_and_while_it_runs_again() -> None:
    record = fold(TaskRecord(), left(), TRIES)
    running = fold(record, an_attempt(number=2), TRIES)
    for state, task in ((TaskState.BACKOFF, record), (TaskState.RUNNING, running)):
        status = render_task(TaskRecord(**_fields(task, state)))
        assert status["checkpoint"] == {"value": PAGE_2, "at": "2026-01-01T00:00:09.000000Z"}
        assert kept(parse_task(status)) == Checkpoint(PAGE_2, at(9))


def _fields(task: TaskRecord, state: TaskState) -> dict[str, Any]:
    known = {name: getattr(task, name) for name in task.__slots__}
    return known | {"state": state}


# The budget


def failed(sizes: list[int], first: int = 0) -> TaskRecord:
    """Return a fan-out whose items left checkpoints of these sizes, one a second."""
    items = {
        index: Item(TaskState.BACKOFF, 1, 1, checkpoint=Checkpoint("1" * size, at(first + index)))
        for index, size in enumerate(sizes)
    }
    return a_fan_out(len(sizes), open=items, failures=len(sizes), message="exit code 1")


def test_what_fits_stays_as_it_is() -> None:
    tasks = {"a": failed([30, 30]), "b": TaskRecord()}
    assert within_budget(tasks, 60) is tasks


def test_the_oldest_go_first_whatever_their_task_and_it_says_so() -> None:
    tasks = within_budget({"a": failed([30, 30], first=5), "b": failed([30, 30])}, 70)
    assert [kept(tasks["a"], i) is None for i in range(2)] == [False, False]
    assert [kept(tasks["b"], i) is None for i in range(2)] == [True, True]
    assert tasks["a"].message == "exit code 1"
    assert tasks["b"].message == (
        "exit code 1; dropped the checkpoint of item 0-1: those of this phase would exceed 70 bytes"
    )


def test_a_message_names_only_what_was_dropped_last() -> None:
    tasks = within_budget({"a": failed([30, 30, 30])}, 70)
    tasks = within_budget(tasks, 40)
    assert tasks["a"].message.count("dropped") == 1
    assert "item 1:" in tasks["a"].message


def test_a_long_message_leaves_room_for_it() -> None:
    task = TaskRecord(**{**_fields(failed([90]), TaskState.BACKOFF), "message": "m" * 1024})
    (dropped,) = within_budget({"a": task}, 10).values()
    assert len(dropped.message) <= 1024
    assert "dropped the checkpoint of item 0" in dropped.message


@steady(100)
@given(st.lists(st.integers(1, 40), max_size=6), st.lists(st.integers(1, 40), max_size=6))
def test_whatever_was_left_fits_and_the_newest_that_fit_are_kept(
    one: list[int], two: list[int]
) -> None:
    before = {"a": failed(one), "b": failed(two, first=3)}
    after = within_budget(before, 60)
    held = [c for task in after.values() for i in task.open if (c := kept(task, i))]
    gone = [
        c
        for name, task in before.items()
        for i in task.open
        if (c := kept(task, i)) and kept(after[name], i) is None
    ]
    assert sum(len(c.text) for c in held) <= 60
    assert all(old.at <= new.at for old in gone for new in held)
    assert within_budget(after, 60) is after


def test_a_decision_keeps_a_phase_within_the_budget() -> None:
    text = '"' + "x" * 4000 + '"'
    many = MAX_CHECKPOINTS_BYTES // len(text) + 2
    phase = a_phase([a_task("work", count=many, retry=a_retry(5))])
    ended = [left(index=i, checkpoint=text, ended=9 + i) for i in range(many)]
    task = decide_phase(a_phase_snapshot(phase, ended)).record.tasks["work"]
    held = [index for index in task.open if kept(task, index)]
    assert sum(len(text) for _ in held) <= MAX_CHECKPOINTS_BYTES
    assert "dropped the checkpoint" in task.message
