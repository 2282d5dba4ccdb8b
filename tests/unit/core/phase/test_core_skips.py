"""How skipped tasks flow on: none failed, and at least one was not skipped."""

from __future__ import annotations

from typing import Any

import pytest

from builders.records import a_fan_out, a_phase_snapshot, an_attempt, broken, done
from builders.specs import Body, a_phase, a_task
from spectra_operator.api.action import ActionType
from spectra_operator.api.phase import TaskState
from spectra_operator.core.phase.inputs import outputs_of, task_input
from spectra_operator.core.phase.records import TaskRecord
from unit.core.phase_cases import an_order, decided, ready, states

NEVER = {"when": "false"}


def join(*, of: list[str], **fields: Any) -> Body:
    """Return a task that depends on others."""
    return a_task("join", depends_on=of, **fields)


def test_a_join_runs_if_one_branch_ran_and_the_other_was_skipped() -> None:
    tasks = [a_task("ran"), a_task("not", **NEVER), join(of=["ran", "not"])]
    decision = decided(tasks, [an_attempt("ran", done())])
    assert ready(decision) == {"join": 1}


def test_a_join_waits_for_the_branch_that_runs() -> None:
    tasks = [a_task("ran"), a_task("not", **NEVER), join(of=["ran", "not"])]
    assert states(decided(tasks, [an_attempt("ran")]))["join"] == "Waiting"


def test_a_join_of_skipped_branches_is_skipped_too_and_that_fails_nothing() -> None:
    tasks = [a_task("one", **NEVER), a_task("two", **NEVER), join(of=["one", "two"])]
    decision = decided(tasks)
    assert states(decision)["join"] == "Skipped DependencySkipped"
    assert decision.record.tasks["join"].message == "one, two was skipped"
    assert str(decision.record.state) == "Succeeded"


def test_a_skip_flows_down_a_chain_to_its_end() -> None:
    chain = [a_task("a", **NEVER)]
    chain += [a_task(n, depends_on=[before]) for before, n in ("ab", "bc", "cd")]
    assert states(decided(chain)) == {
        "a": "Skipped ConditionFalse",
        "b": "Skipped DependencySkipped",
        "c": "Skipped DependencySkipped",
        "d": "Skipped DependencySkipped",
    }


def test_behind_a_failure_a_task_is_skipped_whatever_else_was() -> None:
    tasks = [a_task("bad"), a_task("not", **NEVER), join(of=["bad", "not"])]
    decision = decided(tasks, [an_attempt("bad", broken())])
    assert states(decision)["join"] == "Skipped DependencyFailed"
    assert str(decision.record.state) == "Failed"


def test_a_skip_because_of_a_failure_is_not_taken_for_a_benign_one() -> None:
    tasks = [a_task("bad"), a_task("mid", depends_on=["bad"]), a_task("good")]
    tasks += [join(of=["mid", "good"])]
    decision = decided(tasks, [an_attempt("bad", broken()), an_attempt("good", done())])
    assert states(decision)["join"] == "Skipped DependencyFailed"


def test_a_failure_that_is_allowed_counts_as_done() -> None:
    tasks = [a_task("may", allow_failure=True), a_task("not", **NEVER), join(of=["may", "not"])]
    decision = decided(tasks, [an_attempt("may", broken())])
    assert ready(decision) == {"join": 1}


def test_a_task_skipped_by_a_person_counts_as_skipped() -> None:
    tasks = [a_task("a"), a_task("b", depends_on=["a"])]
    decision = decided(tasks, orders=[an_order(ActionType.SKIP, "a")])
    assert states(decision) == {"a": "Skipped SkippedByAction", "b": "Skipped DependencySkipped"}
    assert str(decision.record.state) == "Succeeded"


def test_a_join_has_its_own_say_too() -> None:
    tasks = [a_task("ran"), a_task("not", **NEVER)]
    tasks += [join(of=["ran", "not"], when="tasks.not.outputs != null")]
    decision = decided(tasks, [an_attempt("ran", done())])
    assert states(decision)["join"] == "Skipped ConditionFalse"


def test_a_condition_sees_how_another_task_ended() -> None:
    tasks = [a_task("try", allow_failure=True)]
    tasks += [a_task("mend", depends_on=["try"], when="tasks.try.state == 'Failed'")]
    assert ready(decided(tasks, [an_attempt("try", broken())])) == {"mend": 1}
    done_well = decided(tasks, [an_attempt("try", done())])
    assert states(done_well)["mend"] == "Skipped ConditionFalse"


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(TaskRecord(state=TaskState.SKIPPED), id="a task"),
        pytest.param(a_fan_out(3, state=TaskState.SKIPPED), id="a task with items"),
        pytest.param(a_fan_out(0, state=TaskState.SKIPPED), id="a task whose items are unknown"),
        pytest.param(
            a_fan_out(2, state=TaskState.SKIPPED, succeeded=1, outputs={0: '{"n":1}'}),
            id="a task that was skipped half done",
        ),
    ],
)
def test_the_outputs_of_a_skipped_task_are_null(record: TaskRecord) -> None:
    assert outputs_of(record) is None


@pytest.mark.parametrize("items", [None, 3])
def test_a_path_through_a_skipped_task_gives_null(items: int | None) -> None:
    index = "" if items is None else "[0]"
    given = {"x": f"${{tasks.not.outputs{index}.n}}", "y": "${tasks.not.state}"}
    tasks = [a_task("not", count=items, **NEVER), a_task("ran"), join(of=["not", "ran"])]
    tasks[-1]["input"] = given
    decision = decided(tasks, [an_attempt("ran", done())])
    shape = a_phase_snapshot(a_phase(tasks)).shape
    assert task_input(shape, decision.record.tasks, "join") == '{"x":null,"y":"Skipped"}'
