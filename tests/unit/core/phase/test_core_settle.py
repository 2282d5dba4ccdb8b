"""From folded records to states of tasks: every row of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from builders.records import (
    HALTED,
    NO_LEVELS,
    STOPPED,
    SUSPENDED,
    a_fan_out,
    a_phase_snapshot,
    running_item,
    waiting_item,
)
from builders.specs import Body, a_phase, a_task
from spectra_operator.api.phase import TaskState
from spectra_operator.core.phase.conclude import with_blocked
from spectra_operator.core.phase.decide import decide_phase
from spectra_operator.core.phase.records import Item, PhaseRecord, TaskRecord
from spectra_operator.core.phase.settle import MOST_OPENED, settle
from spectra_operator.core.snapshot import Levels, PhaseShape
from spectra_operator.core.spec.compile import compile_phase

DIAMOND = [
    a_task("a"),
    a_task("b", depends_on=["a"]),
    a_task("c", depends_on=["a"]),
    a_task("d", depends_on=["b", "c"]),
]
SUCCEEDED = TaskRecord(state=TaskState.SUCCEEDED, succeeded=1)
FAILED = TaskRecord(state=TaskState.FAILED, failed=1, reason="Error", message="exit code 1")
SKIPPED = TaskRecord(state=TaskState.SKIPPED)
CANCELLED = TaskRecord(state=TaskState.CANCELLED, cancelled=1)
RUNNING = TaskRecord(open={0: running_item()})
BACKOFF = TaskRecord(open={0: waiting_item()}, reason="Error", message="exit code 1")
OPEN = TaskRecord()


def shape_of(tasks: list[Body], policy: str = "Continue") -> PhaseShape:
    """Return the shape of a phase with these tasks."""
    return compile_phase(a_phase(tasks, failure_policy=policy))


def states(
    tasks: Mapping[str, TaskRecord],
    *,
    spec: list[Body] | None = None,
    policy: str = "Continue",
    levels: Levels = NO_LEVELS,
) -> dict[str, str]:
    """Return each task's state; without a spec the tasks know nothing of each other."""
    shape = shape_of(spec or [a_task(name) for name in tasks], policy)
    settled = settle(shape, tasks, levels)
    return {name: str(record.state) for name, record in settled.items()}


@pytest.mark.parametrize(
    ("record", "state"),
    [
        pytest.param(OPEN, "Ready", id="untried"),
        pytest.param(RUNNING, "Running", id="an attempt is live"),
        pytest.param(BACKOFF, "Backoff", id="its pause is not over"),
        pytest.param(TaskRecord(succeeded=1), "Succeeded", id="succeeded"),
        pytest.param(TaskRecord(failed=1), "Failed", id="failed"),
        pytest.param(TaskRecord(cancelled=1), "Cancelled", id="cancelled"),
        pytest.param(a_fan_out(3, succeeded=0b111), "Succeeded", id="all items succeeded"),
        pytest.param(a_fan_out(3, succeeded=0b011, failed=0b100), "Failed", id="one item failed"),
        pytest.param(
            a_fan_out(3, succeeded=1, cancelled=0b110), "Cancelled", id="some were cancelled"
        ),
        pytest.param(a_fan_out(3, failed=1, cancelled=0b110), "Failed", id="failed and cancelled"),
        pytest.param(
            a_fan_out(3, open={1: running_item(), 2: waiting_item()}), "Running", id="one runs"
        ),
        pytest.param(
            a_fan_out(3, succeeded=1, open={1: waiting_item()}), "Ready", id="one is untried"
        ),
        pytest.param(
            a_fan_out(2, succeeded=1, open={1: waiting_item()}), "Backoff", id="the rest pauses"
        ),
        pytest.param(a_fan_out(3, failed=1), "Ready", id="an item failed, the others go on"),
    ],
)
def test_a_task_without_predecessors_is_what_its_items_are(record: TaskRecord, state: str) -> None:
    assert states({"a": record}) == {"a": state}


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        pytest.param({"a": OPEN}, "Ready Waiting Waiting Waiting", id="nothing done"),
        pytest.param({"a": RUNNING}, "Running Waiting Waiting Waiting", id="first runs"),
        pytest.param({"a": SUCCEEDED}, "Succeeded Ready Ready Waiting", id="first done"),
        pytest.param(
            {"a": SUCCEEDED, "b": SUCCEEDED, "c": RUNNING},
            "Succeeded Succeeded Running Waiting",
            id="one of two done",
        ),
        pytest.param(
            {"a": SUCCEEDED, "b": SUCCEEDED, "c": SUCCEEDED},
            "Succeeded Succeeded Succeeded Ready",
            id="both done",
        ),
        pytest.param({"a": FAILED}, "Failed Skipped Skipped Skipped", id="first failed"),
        pytest.param({"a": CANCELLED}, "Cancelled Skipped Skipped Skipped", id="first cancelled"),
        pytest.param({"a": SKIPPED}, "Skipped Skipped Skipped Skipped", id="first skipped"),
        pytest.param(
            {"a": SUCCEEDED, "b": FAILED, "c": RUNNING},
            "Succeeded Failed Running Skipped",
            id="one of two failed",
        ),
    ],
)
def test_what_a_task_depends_on_decides_whether_it_waits_is_ready_or_skipped(
    tasks: dict[str, TaskRecord], expected: str
) -> None:
    records = dict.fromkeys("abcd", OPEN) | tasks
    assert " ".join(states(records, spec=DIAMOND).values()) == expected


def test_a_task_that_may_fail_does_not_hold_up_those_behind_it() -> None:
    spec = [a_task("a", allow_failure=True), a_task("b", depends_on=["a"])]
    assert states({"a": FAILED, "b": OPEN}, spec=spec)["b"] == "Ready"
    assert states({"a": SKIPPED, "b": OPEN}, spec=spec)["b"] == "Skipped"
    assert states({"a": CANCELLED, "b": OPEN}, spec=spec)["b"] == "Skipped"


def test_waiting_and_skipped_tasks_name_those_they_are_about() -> None:
    shape = shape_of(DIAMOND)
    waiting = settle(shape, dict.fromkeys("abcd", OPEN), NO_LEVELS)
    assert waiting["d"].message == "for b, c"
    skipped = settle(shape, dict.fromkeys("abcd", OPEN) | {"a": FAILED}, NO_LEVELS)
    assert (skipped["b"].reason, skipped["b"].message) == ("DependencyFailed", "a did not succeed")
    assert skipped["d"].message == "b, c did not succeed"


@pytest.mark.parametrize(
    ("record", "state"),
    [
        pytest.param(OPEN, "Skipped", id="untried"),
        pytest.param(RUNNING, "Running", id="what runs finishes"),
        pytest.param(BACKOFF, "Failed", id="no further attempt"),
        pytest.param(SUCCEEDED, "Succeeded", id="done stays done"),
        pytest.param(a_fan_out(3, succeeded=1), "Cancelled", id="half done"),
        pytest.param(a_fan_out(3, failed=1), "Failed", id="an item failed"),
        pytest.param(a_fan_out(3, open={1: waiting_item()}), "Failed", id="an item pauses"),
        pytest.param(a_fan_out(3, open={1: running_item()}), "Running", id="an item runs"),
    ],
)
def test_when_nothing_new_may_start(record: TaskRecord, state: str) -> None:
    assert states({"a": record}, levels=HALTED) == {"a": state}


@pytest.mark.parametrize(
    ("record", "state"),
    [
        pytest.param(OPEN, "Cancelled", id="untried"),
        pytest.param(RUNNING, "Running", id="until its pod has ended"),
        pytest.param(BACKOFF, "Cancelled", id="no further attempt"),
        pytest.param(SUCCEEDED, "Succeeded", id="done stays done"),
        pytest.param(FAILED, "Failed", id="failed stays failed"),
        pytest.param(a_fan_out(3, succeeded=1), "Cancelled", id="half done"),
    ],
)
def test_when_everything_is_being_stopped(record: TaskRecord, state: str) -> None:
    assert states({"a": record}, levels=STOPPED) == {"a": state}


def test_a_suspension_changes_no_state() -> None:
    tasks = {"a": OPEN, "b": RUNNING, "c": BACKOFF}
    assert states(tasks, levels=SUSPENDED) == states(tasks)


def test_under_fail_a_failed_task_stops_the_start_of_all_others() -> None:
    tasks = {"a": FAILED, "b": OPEN, "c": RUNNING, "d": BACKOFF}
    assert " ".join(states(tasks, policy="Fail").values()) == "Failed Skipped Running Failed"


def test_under_fail_a_failed_item_stops_its_siblings_too() -> None:
    record = a_fan_out(3, failed=1)
    assert states({"a": record}, policy="Fail") == {"a": "Failed"}


def test_under_fail_a_task_that_may_fail_stops_nobody() -> None:
    spec = [a_task("a", allow_failure=True), a_task("b")]
    assert states({"a": FAILED, "b": OPEN}, spec=spec, policy="Fail")["b"] == "Ready"


def test_a_task_that_is_stopped_by_another_says_so() -> None:
    settled = settle(
        shape_of([a_task("a"), a_task("b")], "Fail"), {"a": FAILED, "b": OPEN}, NO_LEVELS
    )
    assert (settled["b"].reason, settled["b"].message) == (
        "WorkflowFailing",
        "another task failed first",
    )


def test_a_task_whose_last_attempt_failed_keeps_that_reason_when_all_is_halted() -> None:
    settled = settle(shape_of([a_task("a")]), {"a": BACKOFF}, HALTED)
    assert (settled["a"].failed, settled["a"].open) == (1, {})
    assert (settled["a"].reason, settled["a"].message) == ("Error", "exit code 1")


def test_the_order_of_the_tasks_in_status_is_that_of_the_spec() -> None:
    spec = [a_task("z", depends_on=["a"]), a_task("a")]
    assert list(states({"z": OPEN, "a": OPEN}, spec=spec)) == ["z", "a"]


def test_settling_twice_changes_nothing() -> None:
    shape = shape_of(DIAMOND, "Fail")
    once = settle(shape, dict.fromkeys("abcd", OPEN) | {"b": FAILED, "a": SUCCEEDED}, NO_LEVELS)
    twice = settle(shape, once, NO_LEVELS)
    assert twice == once
    assert all(twice[name] is once[name] for name in once)


def test_a_ready_task_shows_the_limit_that_blocks_it() -> None:
    ready, paused = TaskRecord(state=TaskState.READY), TaskRecord(state=TaskState.BACKOFF)
    record = PhaseRecord(tasks={"a": ready, "b": paused, "c": SUCCEEDED})
    why = dict.fromkeys("abc", ("AgentConcurrency", "agent worker 3/3"))
    blocked = with_blocked(record, why, NO_LEVELS).tasks
    assert (blocked["a"].reason, blocked["a"].message) == why["a"]
    assert (blocked["b"].state, blocked["b"].message) == (TaskState.READY, "agent worker 3/3")
    assert blocked["c"] is SUCCEEDED


def test_a_running_fan_out_shows_the_limit_that_its_other_items_wait_for() -> None:
    items = {0: Item(TaskState.RUNNING, 1)}
    task = TaskRecord(state=TaskState.RUNNING, total=3, fan_out=True, open=items)
    why = {"a": ("AgentConcurrency", "agent worker 1/1")}
    blocked = with_blocked(PhaseRecord(tasks={"a": task}), why, NO_LEVELS).tasks["a"]
    assert (blocked.state, blocked.message) == (TaskState.RUNNING, "agent worker 1/1")
    shape = shape_of([a_task("a", count=3)], "Fail")
    assert settle(shape, {"a": blocked}, NO_LEVELS)["a"].message == ""


def test_a_phase_in_which_nothing_runs_shows_what_its_first_ready_task_waits_for() -> None:
    record = PhaseRecord(tasks={"a": TaskRecord(state=TaskState.READY)})
    why = {"a": ("AgentConcurrency", "agent worker 3/3")}
    shown = with_blocked(record, why, NO_LEVELS)
    assert (shown.reason, shown.message) == ("AgentConcurrency", "task a: agent worker 3/3")
    busy = PhaseRecord(
        tasks={
            **record.tasks,
            "b": TaskRecord(state=TaskState.RUNNING, open={0: Item(TaskState.RUNNING, 1)}),
        }
    )
    assert with_blocked(busy, why, NO_LEVELS).message == ""


def test_a_ready_task_shows_that_its_phase_is_suspended() -> None:
    record = PhaseRecord(tasks={"a": TaskRecord(state=TaskState.READY)})
    assert with_blocked(record, {}, SUSPENDED).tasks["a"].reason == "Suspended"
    assert with_blocked(record, {}, NO_LEVELS).tasks["a"].reason == ""


def test_one_pass_evaluates_a_few_conditions_and_asks_for_another() -> None:
    tasks = [a_task(f"t{n}", when="1 < 2") for n in range(40)]
    snapshot = a_phase_snapshot(a_phase(tasks))
    decisions = [decide_phase(snapshot)]
    while decisions[-1].again:
        decisions.append(decide_phase(replace(snapshot, known=decisions[-1].record)))
    ready = [sum(t.state is TaskState.READY for t in d.record.tasks.values()) for d in decisions]
    assert ready == [MOST_OPENED, 2 * MOST_OPENED, 40]
