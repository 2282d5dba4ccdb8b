from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from demo.board import Board, Row
from demo.follow import Follower
from demo.hops import TaskKey
from demo.screen import Lines, Table, choose, line, table_line
from spectra_operator.kube.informer import Change

A, B = TaskKey("p", "a"), TaskKey("p", "b")
NOON = datetime(2030, 1, 2, 12, 0, 5, tzinfo=UTC)


def board() -> Board:
    tasks = [{"name": "a", "agent": "worker"}, {"name": "b", "dependsOn": ["a"]}]
    return Board({"spec": {"phases": [{"name": "p", "tasks": tasks}]}})


def pod(task: str = "a", state: str = "Pending", attempt: int = 1, run: str = "u1") -> Any:
    labels = {
        "spectra.dev/phase": "p",
        "spectra.dev/task": task,
        "spectra.dev/attempt": str(attempt),
        "spectra.dev/agent": "worker",
        "spectra.dev/workflow-uid": run,
    }
    return {"kind": "Pod", "metadata": {"labels": labels}, "status": {"phase": state}}


def phase(run: str = "u1", **tasks: dict[str, str]) -> Any:
    labels = {"spectra.dev/workflow-uid": run}
    return {
        "kind": "Phase",
        "metadata": {"labels": labels},
        "spec": {"phase": "p"},
        "status": {"tasks": tasks},
    }


def workflow(state: str, name: str = "foundation", uid: str = "u1") -> Any:
    metadata = {"name": name, "uid": uid}
    return {"kind": "Workflow", "metadata": metadata, "status": {"state": state}}


def added(body: Any) -> Change:
    return Change("added", body, None, body)


def test_every_task_waits_before_the_first_event() -> None:
    assert [(r.key, r.state) for r in board().rows.values()] == [(A, "Waiting"), (B, "Waiting")]


def test_a_pods_life_is_the_state_of_its_task() -> None:
    table = board()

    states = []
    for now, state in enumerate(["Pending", "Running", "Succeeded"], start=10):
        row = table.take_pod(pod(state=state), now)
        assert row is not None
        states.append(row.state)

    assert states == ["Starting", "Running", "Succeeded"]
    assert (table.added[A], table.finished[A]) == (10, 12)


def test_an_event_that_changes_nothing_is_no_row() -> None:
    table = board()
    assert table.take_pod(pod(state="Running"), 1.0)
    assert table.take_pod(pod(state="Running"), 2.0) is None


def test_what_follows_a_pods_end_does_not_move_the_time_of_the_end() -> None:
    table = board()
    table.take_pod(pod(state="Succeeded"), 5.0)

    assert table.take_pod(pod(state="Succeeded"), 9.0) is None
    assert table.finished == {A: 5.0}


def test_a_second_attempt_takes_over_and_its_end_is_the_tasks_end() -> None:
    table = board()
    table.take_pod(pod(state="Failed"), 1.0)
    table.take_pod(pod(attempt=2), 2.0)

    assert table.finished == {}
    assert table.take_pod(pod(state="Running"), 3.0) is None
    table.take_pod(pod(state="Succeeded", attempt=2), 4.0)
    assert table.rows[A].attempt == 2
    assert (table.added[A], table.finished[A]) == (1.0, 4.0)


def test_a_pod_of_a_task_that_is_not_in_the_workflow_is_left_out() -> None:
    assert board().take_pod(pod(task="other"), 1.0) is None


def test_a_phase_tells_of_ends_that_no_pod_tells() -> None:
    skipped = {"state": "Skipped", "reason": "DependencyFailed", "message": "a failed"}

    (row,) = board().take_phase(phase(b=skipped, a={"state": "Running"}), 3.0)

    assert (row.key, row.state, row.message) == (B, "Skipped", "DependencyFailed: a failed")


def test_a_phase_that_confirms_what_a_pod_told_changes_nothing() -> None:
    table = board()
    table.take_pod(pod(state="Succeeded"), 5.0)
    assert table.take_phase(phase(a={"state": "Succeeded", "message": "fine"}), 6.0) == []


def test_a_phase_without_a_status_changes_nothing() -> None:
    assert board().take_phase({"spec": {"phase": "p"}}, 1.0) == []


@pytest.mark.parametrize(
    ("state", "ended"),
    [("Succeeded", True), ("Failed", True), ("Rejected", True), ("Running", False), ("", False)],
)
def test_the_workflows_own_state_ends_the_run(state: str, ended: bool) -> None:
    assert board().take_workflow(workflow(state)) is ended


class Seen:
    """A view that keeps what it was shown."""

    def __init__(self) -> None:
        self.keys: list[TaskKey] = []

    def show(self, changed: Any, rows: Any) -> None:
        self.keys += [row.key for row in changed]


def follower(view: Seen) -> Follower:
    return Follower(board(), view, lambda: 1.0)


def test_objects_of_an_earlier_run_are_left_out() -> None:
    view = Seen()
    following = follower(view)
    following.begin([pod(run="old"), workflow("Succeeded", uid="older")])

    following.on_pod(added(pod(run="old")))
    following.on_workflow(added(workflow("Succeeded", uid="older")))
    assert not view.keys
    assert not following.ended.is_set()

    following.on_pod(added(pod(run="new")))
    following.on_phase(added(phase(run="new", b={"state": "Skipped"})))
    assert view.keys == [A, B]


def test_objects_of_no_run_and_deletions_are_left_out() -> None:
    view = Seen()
    following = follower(view)

    following.on_pod(Change("deleted", None, pod(), None))
    following.on_pod(added({"kind": "Pod", "metadata": {}}))

    assert view.keys == []


def test_the_run_ends_with_its_own_workflow_alone() -> None:
    following = follower(Seen())

    following.on_workflow(added(workflow("Succeeded", name="other", uid="u2")))
    assert not following.ended.is_set()
    following.on_workflow(added(workflow("Failed")))
    assert following.ended.is_set()


def test_a_line_tells_time_phase_task_and_state() -> None:
    running = Row(A, "worker", "Running", attempt=1, began=1.0)
    assert line(running, NOON).split() == ["12:00:05", "p", "a", "Running"]


def test_a_line_of_an_end_tells_how_long_which_attempt_and_why() -> None:
    failed = Row(A, "worker", "Failed", attempt=2, began=1.0, ended=3.5, message="Error: no")
    assert line(failed, NOON).endswith("Failed  2.5s  attempt 2  Error: no")
    assert table_line(failed).split() == ["p", "a", "worker", "Failed", "2.5s", "Error:", "no"]


def test_output_that_is_no_terminal_gets_a_line_a_change() -> None:
    out = io.StringIO()
    view = choose(2, out)
    assert isinstance(view, Lines)

    view.show([Row(A, "worker", "Running"), Row(B, "worker", "Running")], ())

    assert out.getvalue().count("\n") == 2


def test_a_table_is_drawn_over_the_one_before() -> None:
    out, rows = io.StringIO(), [Row(A, "worker"), Row(B, "worker")]
    table = Table(out, 80)

    table.show((), rows)
    first = out.getvalue()
    table.show([rows[0]], rows)

    assert first.count("\n") == 3
    assert "F" not in first.split("\n")[0].replace("PHASE", "")
    assert out.getvalue().removeprefix(first).startswith("\x1b[3F")


def test_a_table_never_wraps_a_line() -> None:
    out = io.StringIO()
    Table(out, 40).show((), [Row(A, "worker", "Failed", message="long " * 40)])
    assert "long" not in out.getvalue()
