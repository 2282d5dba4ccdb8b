"""Progress: what workers say of live attempts, as it stands in a phase's status."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.pods import at
from builders.records import a_fan_out, a_phase_snapshot, an_attempt, done, running_item
from builders.specs import a_phase, a_task
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.attempts.progress import MAX_MESSAGE, Progress, progress_of
from spectra_operator.core.phase.decide import decide_phase
from spectra_operator.core.phase.progress import differs_only_in_progress, with_progress
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.phase.status import parse_task, render_task


def working(percent: int | None, message: str = "", **fields: Any) -> Attempt:
    """Return a live attempt that says how far it is."""
    return an_attempt(progress=Progress(percent, message), **fields)


def decided(*attempts: Attempt, **task: Any) -> TaskRecord:
    """Return the record of a task after these attempts were seen."""
    snapshot = a_phase_snapshot(a_phase([a_task("work", **task)]), attempts)
    return decide_phase(snapshot).record.tasks["work"]


@pytest.mark.parametrize(
    ("text", "progress"),
    [
        ("", None),
        ("{}", None),
        ("[1]", None),
        ("{", None),
        ("[" * 100_000, None),
        ('{"percent":99.9}', Progress(99)),
        ('{"percent":0,"message":"begun"}', Progress(0, "begun")),
        ('{"percent":true,"message":7}', None),
        ('{"percent":101,"message":"much"}', Progress(None, "much")),
        ('{"percent":1e999}', None),
    ],
)
def test_what_is_said_is_read_and_nonsense_is_nothing(text: str, progress: Progress | None) -> None:
    assert progress_of(text) == progress


def test_a_long_message_is_cut() -> None:
    progress = progress_of('{"message":"' + "m" * 999 + '"}')
    assert progress == Progress(None, "m" * MAX_MESSAGE)


def test_a_single_task_shows_what_its_attempt_says() -> None:
    assert decided(working(40, "half way")).progress == Progress(40, "half way")
    assert decided(an_attempt()).progress is None


def test_it_is_gone_when_the_attempt_ends() -> None:
    ended = replace(working(99), outcome=done(), finished_at=at(9))
    assert decided(ended).progress is None


def test_of_a_fan_out_it_is_the_mean_of_those_that_say_a_percent() -> None:
    said = [working(10), working(21, index=1), working(None, "on", index=2), an_attempt(index=3)]
    assert decided(*said, count=4).progress == Progress(15)
    assert decided(working(None, "on"), count=2).progress is None


def test_an_attempt_that_nobody_waits_for_says_nothing() -> None:
    tasks = {"work": TaskRecord(TaskState.RUNNING, open={0: running_item(2, losses=1)})}
    assert with_progress(tasks, [working(9, number=1)]) is tasks
    skipped = {"work": TaskRecord(TaskState.SKIPPED)}
    assert with_progress(skipped, [working(9)]) is skipped
    assert with_progress({}, [working(9)]) == {}


def test_what_is_not_said_any_more_is_not_shown_any_more() -> None:
    known = TaskRecord(TaskState.RUNNING, open={0: running_item()}, progress=Progress(40))
    assert with_progress({"work": known}, [an_attempt()])["work"].progress is None


@pytest.mark.parametrize(
    ("progress", "status"),
    [
        (Progress(0), {"percent": 0}),
        (Progress(40, "half way"), {"percent": 40, "message": "half way"}),
        (Progress(None, "on"), {"message": "on"}),
    ],
)
def test_a_status_holds_it(progress: Progress, status: dict[str, Any]) -> None:
    record = a_fan_out(3, state=TaskState.RUNNING, progress=progress)
    assert render_task(record)["progress"] == status
    assert parse_task(render_task(record)).progress == progress


def test_a_change_of_progress_alone_is_told_apart() -> None:
    one = TaskRecord(TaskState.RUNNING, open={0: running_item()}, progress=Progress(40))
    record = PhaseRecord(state=PhaseState.RUNNING, tasks={"a": one, "b": TaskRecord()})

    def changed(**fields: Any) -> PhaseRecord:
        return replace(record, tasks={**record.tasks, "a": replace(one, **fields)})

    assert differs_only_in_progress(changed(progress=None), record)
    assert not differs_only_in_progress(changed(progress=None, losses=1), record)
    assert not differs_only_in_progress(replace(record, message="said"), record)
    assert not differs_only_in_progress(replace(record, tasks={"a": one}), record)
