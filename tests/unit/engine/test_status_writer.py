"""A status is written about once a second, ends at once, and never for nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from builders.clock import FakeClock
from builders.records import (
    a_fan_out,
    a_running_phase,
    an_attempt,
    running_item,
    waiting_item,
)
from spectra_operator.api.constants import API_VERSION
from spectra_operator.api.phase import TaskState
from spectra_operator.core.phase.records import TaskRecord
from spectra_operator.engine.effects import Effect, WriteStatus
from spectra_operator.engine.keys import Key
from spectra_operator.engine.queue import WorkQueue
from spectra_operator.engine.runs import StatusState
from spectra_operator.engine.status import StatusWriter, proven

KEY = Key("Phase", "team", "stage")
BODY = {"metadata": {"name": "stage", "namespace": "team", "resourceVersion": "7"}}


class _Executor:
    def __init__(self) -> None:
        self.submitted: list[Effect] = []

    def submit(self, effect: Effect, tries: int = 0) -> None:
        self.submitted.append(effect)


class _Desk:
    """A writer with everything around it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.queue = WorkQueue(self.clock)
        self.executor = _Executor()
        executor: Any = self.executor
        self.writer = StatusWriter(self.clock, self.queue, executor)
        self.state = StatusState(stored={"state": "Ready", "old": 1})

    def due(self, *, at_once: bool = False) -> bool:
        return self.writer.is_due(KEY, self.state, at_once=at_once)

    def write(self, status: dict[str, Any]) -> bool:
        return self.writer.write(BODY, KEY, self.state, status, "the record")


@pytest.fixture
def desk() -> _Desk:
    return _Desk()


async def test_a_change_is_due_a_second_after_the_first_one(desk: _Desk) -> None:
    assert not desk.due()
    desk.clock.advance(0.9)
    assert not desk.due()
    desk.clock.advance(0.1)
    assert desk.due()
    async with asyncio.timeout(1):
        assert await desk.queue.get() == KEY  # a pass was asked for, for that moment


def test_what_is_urgent_is_due_at_once(desk: _Desk) -> None:
    assert desk.due(at_once=True)


def test_nothing_is_due_while_a_write_is_under_way(desk: _Desk) -> None:
    assert desk.write({"state": "Running"})
    desk.clock.advance(5)
    assert not desk.due(at_once=True)


def test_the_whole_status_is_sent_without_the_spec_guarded_by_the_version(desk: _Desk) -> None:
    desk.write({"state": "Running"})
    assert desk.executor.submitted == [
        WriteStatus(
            KEY,
            {
                "apiVersion": API_VERSION,
                "kind": "Phase",
                "metadata": {"name": "stage", "namespace": "team", "resourceVersion": "7"},
                "status": {"state": "Running"},
            },
            "the record",
        )
    ]
    assert desk.state.writing


@pytest.mark.parametrize(
    ("took", "gathers"), [(0.0, 1.0), (0.01, 1.0), (0.02, 2.0), (0.05, 5.0), (3.0, 5.0)]
)
def test_what_nothing_waits_for_gathers_longer_the_longer_its_writes_take(
    desk: _Desk, took: float, gathers: float
) -> None:
    assert desk.writer.pace(StatusState(took=took)) == pytest.approx(gathers)


def test_what_is_wanted_sooner_is_put_off_less_but_never_beyond_what_all_are(desk: _Desk) -> None:
    def pace(took: float) -> float:
        return desk.writer.pace(StatusState(took=took), least=0.2)

    assert [pace(took) for took in (0.0, 0.01, 0.1, 9.0)] == pytest.approx([0.2, 0.2, 2.0, 5.0])


def test_a_status_that_was_never_written_is_paced_by_what_writes_of_others_took(
    desk: _Desk,
) -> None:
    for _ in range(50):
        assert desk.write({"state": "Running"})
        desk.clock.advance(0.03)
        desk.state.writing = False
        desk.writer.answered(desk.state)

    assert desk.writer.pace(StatusState()) == pytest.approx(3.0, rel=0.02)
    assert desk.writer.pace(StatusState(took=0.01)) == 1.0


def test_a_write_that_changes_nothing_is_not_sent(desk: _Desk) -> None:
    assert not desk.due()
    assert not desk.write({"state": "Ready", "old": 1})
    assert desk.executor.submitted == []
    assert not desk.state.writing
    desk.clock.advance(0.5)
    assert not desk.due()  # the second begins anew with the next change


def test_a_status_is_taken_in_once_a_version_and_not_during_a_write() -> None:
    state = StatusState()
    body = {"metadata": {"resourceVersion": "8"}, "status": {"state": "Ready"}}
    assert state.take(body)
    assert not state.take(body)
    same = {"metadata": {"resourceVersion": "9"}, "status": {"state": "Ready"}}
    assert not state.take(same)  # newer, but says the same
    state.writing = True
    assert not state.take({"metadata": {"resourceVersion": "10"}, "status": {"state": "Other"}})
    assert state.stored == {"state": "Ready"}


ASSUMED = an_attempt(uid="", started=None)


def test_an_attempt_without_a_pod_is_not_called_running() -> None:
    running = TaskRecord(TaskState.RUNNING, attempt=1, open={0: running_item()})
    record = a_running_phase(work=running)
    shown = proven(record, a_running_phase(), [ASSUMED]).tasks["work"]
    assert shown == TaskRecord(TaskState.READY)
    assert proven(record, a_running_phase(), [an_attempt()]) is record


def test_a_retry_without_a_pod_is_shown_as_the_failure_before_it() -> None:
    failed = TaskRecord(TaskState.BACKOFF, attempt=1, failures=1, open={0: waiting_item()})
    running = TaskRecord(TaskState.RUNNING, attempt=2, failures=1, open={0: running_item(2)})
    retry = replace(ASSUMED, number=2)
    shown = proven(a_running_phase(work=running), a_running_phase(work=failed), [retry])
    assert shown.tasks["work"] == failed


def test_items_without_a_pod_are_shown_as_they_were_and_the_others_as_they_are() -> None:
    before = a_fan_out(4, open={1: waiting_item()})
    items = {0: running_item(), 1: running_item(2, failures=1), 2: running_item()}
    record = a_running_phase(work=a_fan_out(4, open=items))
    unproven = [an_attempt(uid="", index=0), an_attempt(uid="", index=1, number=2)]
    shown = proven(record, a_running_phase(work=before), unproven).tasks["work"]
    assert shown.open == {1: waiting_item(), 2: running_item()}
    assert shown.untried_mask == 0b1001
