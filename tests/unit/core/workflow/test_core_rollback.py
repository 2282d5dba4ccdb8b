"""Rollback: what undoes what, in which order, and with which values."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_phase, a_task
from spectra_operator.api.phase import PhaseSpec, TaskState
from spectra_operator.core import graph
from spectra_operator.core.phase.inputs import InputError, task_input
from spectra_operator.core.phase.records import TaskRecord
from spectra_operator.core.spec.compile import compile_phase
from spectra_operator.core.workflow.rollback import Source, TooManyError, rollback

ROW = graph.build({"first": (), "second": ("first",), "third": ("second",)})
DONE = TaskRecord(state=TaskState.SUCCEEDED, succeeded=1, outputs={0: '{"id":7}'})
FAILED = TaskRecord(state=TaskState.FAILED, failed=1)


def undone(name: str, *parents: str, **given: Any) -> Body:
    """A task that has a compensation with this input."""
    way = {"agent": "undoer", **({"input": given} if given else {})}
    return a_task(name, depends_on=list(parents) or None, compensate=way)


def source(phase: str, *tasks: Body, **records: TaskRecord) -> Source:
    shape = compile_phase(a_phase(tasks))
    assert shape.problems == ()
    return Source(phase, shape, {t["name"]: records.get(t["name"], DONE) for t in tasks})


def order(*sources: Source) -> dict[str, list[str]]:
    """What each compensation waits for."""
    return {t["name"]: t.get("dependsOn", []) for t in rollback(sources, ROW)["tasks"]}


def test_what_was_built_last_is_undone_first() -> None:
    found = order(source("first", undone("a"), undone("b", "a"), undone("c", "b")))
    assert found == {"first-c": [], "first-b": ["first-c"], "first-a": ["first-b"]}


def test_only_what_succeeded_and_says_how_is_undone() -> None:
    tasks = [undone("a"), a_task("b", depends_on=["a"]), undone("c", "b"), undone("d", "b")]
    assert order(source("first", *tasks, d=FAILED)) == {"first-c": [], "first-a": ["first-c"]}


def test_later_phases_are_undone_before_those_they_were_built_upon() -> None:
    first = source("first", undone("a"), undone("b"))
    third = source("third", undone("x"), undone("y", "x"))
    assert order(first, source("second", a_task("none")), third) == {
        "first-b": ["third-x"],
        "first-a": ["third-x"],
        "third-y": [],
        "third-x": ["third-y"],
    }


def test_a_fallback_is_undone_before_the_phase_that_failed_and_names_do_not_clash() -> None:
    found = order(source("first", undone("a")), source("first", undone("a")))
    [(name, waits), (other, none)] = found.items()
    assert (name, waits, none) == ("first-a", [other], [])
    assert other.startswith("first-a-")


def test_long_names_are_shortened_and_stay_apart() -> None:
    long = "t" * 38
    found = order(source("first", undone(f"{long}-a"), undone(f"{long}-b")))
    assert len(found) == 2
    assert all(len(name) == 40 for name in found)


def test_a_compensation_sees_what_its_task_returned_was_given_and_could_see() -> None:
    given = {"id": "${task.outputs.id}", "was": "${task.input.n}", "row": "${tasks.a.outputs.id}"}
    task = undone("b", "a", **given) | {"input": {"n": "${tasks.a.outputs.id}"}}
    found = rollback([source("first", a_task("a"), task)], ROW)
    [compensation] = found["tasks"]
    assert found["context"]["tasks"] == {"first-b": {"given": [7, 7, 7]}}
    assert compensation["input"] == {
        "id": "${task.given[0]}",
        "was": "${task.given[1]}",
        "row": "${task.given[2]}",
    }
    assert compensation["agent"] == "undoer"


def test_what_a_task_with_items_returned_is_a_list() -> None:
    items = TaskRecord(
        state=TaskState.SUCCEEDED, total=2, fan_out=True, succeeded=3, outputs={0: "1", 1: "2"}
    )
    task = undone("a", all="${task.outputs}", was="${task.input}") | {"count": 2}
    found = rollback([source("first", task, a=items)], ROW)
    assert found["context"]["tasks"]["first-a"] == {"given": [[1, 2], None]}


def test_a_compensation_whose_input_cannot_be_made_says_so_and_leaves_the_others_alone() -> None:
    found = rollback([source("first", undone("a", x="${task.outputs.no}"), undone("b"))], ROW)
    assert "no" in found["context"]["tasks"]["first-a"]["problem"]
    assert found["context"]["tasks"]["first-b"] == {"given": []}


def test_a_compensation_whose_input_could_not_be_made_fails_with_the_reason() -> None:
    found = rollback([source("first", undone("a", x="${task.input.no}"))], ROW)
    shape = compile_phase(a_phase() | {"spec": found})
    with pytest.raises(InputError, match=r"task first-a: .*\$\{task.input.no\}: there is no 'no'"):
        task_input(shape, {"first-a": TaskRecord()}, "first-a")


def test_the_rollback_is_a_phase_that_works() -> None:
    tasks = [undone("a", x="${task.outputs.id}"), undone("b", "a")]
    found = rollback([source("first", *tasks)], ROW)
    body = a_phase()
    shape = compile_phase(body | {"spec": found})
    assert PhaseSpec.model_validate(found)
    assert shape.problems == ()
    assert shape.graph.order == ("first-b", "first-a")


def test_nothing_to_undo_gives_no_tasks() -> None:
    assert rollback([source("first", a_task("a"))], ROW)["tasks"] == []


def test_more_than_a_phase_can_hold_is_refused() -> None:
    tasks = [undone(f"t{n}") for n in range(600)]
    with pytest.raises(TooManyError, match="1200 tasks are to be undone"):
        rollback([source("first", *tasks), source("second", *tasks)], ROW)
