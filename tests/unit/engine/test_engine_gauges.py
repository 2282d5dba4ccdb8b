"""What a scrape reads of tasks: items by state, counted through again only when they changed."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.api.phase import TaskState
from spectra_operator.core.phase.records import Item, TaskRecord
from spectra_operator.engine import gauges

RUNNING, BACKOFF = Item(TaskState.RUNNING, 1), Item(TaskState.BACKOFF, 1)


def items(*tasks: TaskRecord) -> dict[str, int]:
    """Return how many items there are by state, without those of which there are none."""
    return {state.value: many for state, many in gauges._items(tasks).items() if many}


@pytest.mark.parametrize(
    ("task", "found"),
    [
        (TaskRecord(), {"Waiting": 1}),
        (TaskRecord(TaskState.READY), {"Ready": 1}),
        (TaskRecord(TaskState.RUNNING, open={0: RUNNING}), {"Running": 1}),
        (TaskRecord(TaskState.BACKOFF, open={0: BACKOFF}), {"Backoff": 1}),
        (TaskRecord(TaskState.SUCCEEDED, succeeded=1), {}),
        (TaskRecord(TaskState.SKIPPED), {}),
        (TaskRecord(total=0, fan_out=True), {"Waiting": 1}),
    ],
)
def test_a_task_is_counted_by_the_state_of_its_items(
    task: TaskRecord, found: dict[str, int]
) -> None:
    assert items(task) == found


def test_the_items_of_a_fan_out_are_counted_one_by_one() -> None:
    task = TaskRecord(
        TaskState.RUNNING,
        total=10,
        fan_out=True,
        succeeded=0b11,
        failed=0b100,
        open={3: RUNNING, 4: RUNNING, 5: BACKOFF},
    )
    assert items(task) == {"Running": 2, "Backoff": 1, "Ready": 4}


def test_several_tasks_are_summed() -> None:
    assert items(TaskRecord(), TaskRecord(total=3), TaskRecord(TaskState.READY)) == {
        "Waiting": 4,
        "Ready": 1,
    }


@pytest.mark.parametrize(
    ("status", "number"),
    [({}, 0.0), ({"queued": 7}, 7.0), ({"queued": "many"}, 0.0), ({"queued": None}, 0.0)],
)
def test_what_somebody_wrote_into_a_status_breaks_no_scrape(
    status: dict[str, Any], number: float
) -> None:
    assert gauges._number(status, "queued") == number
