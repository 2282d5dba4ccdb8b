"""How many items of a wide fan-out are begun at once."""

from __future__ import annotations

from builders.pods import at
from builders.records import a_fan_out, running_item, waiting_item
from builders.specs import a_phase, a_task
from spectra_operator.api.phase import TaskState
from spectra_operator.core.phase.readiness import MAX_OPEN_ITEMS, Ready, ready_tasks, window_of
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.snapshot import Levels, PhaseSnapshot
from spectra_operator.core.spec.compile import compile_phase

MANY = 10_000


def ready(*tasks: TaskRecord, persisted: bool = True) -> tuple[Ready, ...]:
    """What may start of tasks of so many items."""
    names = [f"t{n}" for n in range(len(tasks))]
    shape = compile_phase(a_phase([a_task(name, count=MANY) for name in names]))
    record = PhaseRecord(tasks=dict(zip(names, tasks, strict=True)), started_at=at(0))
    snapshot = PhaseSnapshot(
        shape=shape,
        persisted=record if persisted else PhaseRecord(),
        attempts=(),
        policies={},
        levels=Levels(),
        now=at(100),
    )
    return ready_tasks(snapshot, record, Levels())


def test_of_ten_thousand_items_a_window_is_begun() -> None:
    (found,) = ready(a_fan_out(MANY, state=TaskState.READY))
    assert found.startable == MAX_OPEN_ITEMS


def test_what_is_under_way_fills_the_window() -> None:
    running = {n: running_item() for n in range(MAX_OPEN_ITEMS - 3)}
    (found,) = ready(a_fan_out(MANY, state=TaskState.RUNNING, open=running))
    assert found.startable == 3


def test_items_that_pause_after_a_failure_fill_it_too_and_may_come_again() -> None:
    pausing = {n: waiting_item(until=10) for n in range(MAX_OPEN_ITEMS)}
    (found,) = ready(a_fan_out(MANY, state=TaskState.RUNNING, open=pausing))
    assert found.startable == MAX_OPEN_ITEMS


def test_the_window_is_shared_by_all_tasks_of_a_phase() -> None:
    running = {n: running_item() for n in range(MAX_OPEN_ITEMS)}
    tasks = {
        "a": a_fan_out(MANY, state=TaskState.RUNNING, open=running),
        "b": a_fan_out(MANY, state=TaskState.READY),
    }
    assert window_of(tasks) == 0
    assert ready(*tasks.values()) == ()


def test_a_task_that_waits_for_its_agent_takes_the_window_from_nobody() -> None:
    found = ready(*(a_fan_out(MANY, state=TaskState.READY) for _ in range(2)))
    assert [each.startable for each in found] == [MAX_OPEN_ITEMS, MAX_OPEN_ITEMS]
