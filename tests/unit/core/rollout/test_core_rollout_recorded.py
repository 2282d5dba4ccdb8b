"""Which recorded tasks can be done again, what is told of each, and how many are chosen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders.clock import START
from builders.specs import Body, a_phase, a_task
from spectra_operator.api.constants import MAX_OUTPUT_BYTES
from spectra_operator.core.conditions import timestamp
from spectra_operator.core.rollout.recorded import (
    MOST_INPUT_BYTES,
    MOST_RECORDED_BYTES,
    Recorded,
    Wanted,
    chosen,
    recorded_tasks,
)

WANTED = Wanted("worker", "v1", last=10, alone_since=START, usual_seconds=7.5)


def at(seconds: int) -> str:
    return timestamp(START + timedelta(seconds=seconds))


def done(end: int = 20, **fields: Any) -> Body:
    """Return the status of a task that was done well in five seconds, by revision v1."""
    known: Body = {
        "state": "Succeeded",
        "agent": "worker",
        "revision": "v1",
        "attempt": 1,
        "startedAt": at(end - 5),
        "finishedAt": at(end),
        "outputs": '{"total":3}',
        "usage": {"inputTokens": 1, "outputTokens": 1, "cost": "0.5"},
    }
    return {name: value for name, value in (known | fields).items() if value is not None}


def many(succeeded: str = "0-3", **fields: Any) -> Body:
    """Return the status of a fan-out of four items."""
    outputs = json.dumps([{"n": index} for index in range(4)])
    items = {"items": {"total": 4, "succeeded": succeeded}}
    return done(**({"outputs": outputs} | items | fields))


def a_recorded_phase(*tasks: Body, status: dict[str, Body], **spec: Any) -> Body:
    """Return a Phase object as it stands once its tasks have been done."""
    body = a_phase(tasks, **spec)
    return body | {"status": {"state": "Succeeded", "tasks": status}}


def found(*tasks: Body, wanted: Wanted = WANTED, **status: Body) -> list[Recorded]:
    return recorded_tasks(a_recorded_phase(*tasks, status=status), wanted)


def test_a_task_is_recorded_with_its_resolved_input_outputs_seconds_and_cost() -> None:
    one, two = a_task("one", input={"of": [1, 2]}), a_task("two", depends_on=["one"])
    two["input"] = {"sum": "${tasks.one.outputs.total}", "phase": "${phase.name}"}

    newest, oldest = found(one, two, one=done(20), two=done(30, outputs=None))

    assert (oldest.task, oldest.phase, oldest.index) == ("one", "stage", None)
    assert (oldest.input, json.loads(oldest.outputs)) == ({"of": [1, 2]}, {"total": 3})
    assert (oldest.seconds, float(oldest.cost)) == (5.0, 0.5)
    assert (newest.task, newest.input, newest.outputs) == (
        "two",
        {"sum": 3, "phase": "stage"},
        "{}",
    )


def test_what_an_earlier_phase_returned_is_as_it_was_frozen() -> None:
    task = a_task("one", input={"rows": "${phases.load.outputs.a.rows}"})
    context = {"phases": {"load": {"state": "Succeeded", "outputs": {"a": {"rows": "${x}"}}}}}

    (only,) = recorded_tasks(
        a_recorded_phase(task, status={"one": done()}, context=context), WANTED
    )

    assert only.input == {"rows": "${x}"}


@pytest.mark.parametrize(
    "status",
    [
        done(state="Failed"),
        done(state="Running", finishedAt=None),
        done(state="Skipped", attempt=0),
        done(revision="v2"),
        done(agent="other"),
        done(attempt=2, failures=1),
        done(attempt=2, prior=1),
        done(fallback=1),
        done(attempt=1, losses=1, message="marked as succeeded by alice: it is done"),
    ],
)
def test_what_was_not_done_at_once_by_the_stable_revision_is_not_done_again(status: Body) -> None:
    assert found(a_task("one"), one=status) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"workspace": {}},
        {"planner": {"maxTasks": 2}},
    ],
)
def test_what_needs_more_than_its_input_is_not_done_again(fields: Body) -> None:
    task = a_task("one") | fields
    body = a_recorded_phase(task, status={"one": done()}, workspace={"claimName": "c"})

    assert recorded_tasks(body, WANTED) == []


@pytest.mark.parametrize(
    ("fields", "many_are"),
    [
        ({}, 1),
        ({"role": "Spawned"}, 1),
        ({"role": "Rollback"}, 0),
        ({"role": "Finally"}, 0),
        ({"role": "OnFailure"}, 0),
        ({"role": "Gate", "gate": {"agent": "worker", "revision": "v1"}}, 0),
        ({"gate": {"agent": "worker", "revision": "v1"}}, 0),
    ],
)
def test_what_ends_or_undoes_a_run_and_what_tries_a_revision_is_no_recorded_task(
    fields: Body, many_are: int
) -> None:
    body = a_recorded_phase(a_task("one"), status={"one": done()}, **fields)

    assert len(recorded_tasks(body, WANTED)) == many_are


@pytest.mark.parametrize(
    "spoilt",
    [
        {"status": {"state": "Nonsense", "tasks": {}}},
        {"status": {"state": "Succeeded", "tasks": {"one": {"state": 3}}}},
        {"status": {"state": "Succeeded", "tasks": {"gone": done()}}},
        {"spec": {"tasks": "many"}},
    ],
)
def test_a_phase_that_somebody_has_spoilt_tells_of_nothing(spoilt: Body) -> None:
    body = a_recorded_phase(a_task("one"), status={"one": done()}) | spoilt

    assert recorded_tasks(body, WANTED) == []


def test_the_items_of_a_fan_out_are_recorded_each_for_itself() -> None:
    task = a_task("each", for_each=["a", "b", "c", "d"], input={"name": "${item}"})

    last, first = found(task, each=many("0,3", usage={"cost": "0.5"}))

    assert (first.index, first.input, first.outputs) == (0, {"name": "a"}, '{"n":0}')
    assert (last.index, last.input, last.outputs) == (3, {"name": "d"}, '{"n":3}')


def test_of_items_status_keeps_no_time_so_the_usual_one_holds_and_a_part_of_the_cost() -> None:
    items = found(a_task("each", count=4), each=many())

    assert {each.seconds for each in items} == {7.5}
    assert {float(each.cost) for each in items} == {0.125}


def test_a_task_that_lost_an_attempt_took_longer_than_it_took_so_the_usual_time_holds() -> None:
    (only,) = found(a_task("one"), one=done(attempt=2, losses=1))

    assert only.seconds == 7.5


@pytest.mark.parametrize("begun", [-10, 0])
def test_a_fan_out_that_may_hold_items_of_another_revision_is_left_out(begun: int) -> None:
    status = many(startedAt=at(begun))

    assert found(a_task("each", count=4), each=status) == []


def test_a_fan_out_is_left_out_while_nobody_knows_since_when_the_revision_is_alone() -> None:
    unknown = replace(WANTED, alone_since=None)

    assert found(a_task("each", count=4), wanted=unknown, each=many()) == []


def test_a_fan_out_that_still_runs_tells_of_the_items_that_are_done_and_is_the_newest() -> None:
    running = many("1", state="Running", finishedAt=None)

    items = found(a_task("one"), a_task("each", count=4), one=done(99), each=running)

    assert [(each.task, each.index) for each in items] == [("each", 1), ("one", None)]


def test_no_more_are_read_of_a_phase_than_are_wanted() -> None:
    items = found(a_task("each", count=4), wanted=replace(WANTED, last=3), each=many())

    assert [each.index for each in items] == [3, 2, 1]


def test_an_input_that_cannot_be_made_any_more_is_left_out() -> None:
    one, two = (
        a_task("one"),
        a_task("two", depends_on=["one"], input={"n": "${tasks.one.outputs.n}"}),
    )

    assert [each.task for each in found(one, two, one=done(), two=done())] == ["one"]


def sized(task: str, returned: int = 0, given: int = 0) -> Recorded:
    (found_,) = found(a_task("one"), one=done())
    return replace(found_, task=task, outputs=" " * returned, input={"text": " " * given})


def names(tasks: list[Recorded], last: int = 10) -> list[str]:
    return [each.task for each in chosen(tasks, last)]


def test_the_first_are_chosen_and_what_returned_too_much_beside_them_is_left_out() -> None:
    half = MOST_RECORDED_BYTES // 2
    tasks = [sized("a", half), sized("b", half + 1), sized("c", 10), sized("d", 10)]

    assert names(tasks) == ["a", "c", "d"]
    assert names(tasks, last=2) == ["a", "c"]


def test_inputs_have_a_bound_of_their_own() -> None:
    tasks = [sized("a", given=MOST_INPUT_BYTES), sized("b", given=10), sized("c", 10, 10)]

    assert names(tasks) == ["b", "c"]


def test_what_is_chosen_leaves_the_phase_room_for_results_twice_as_large() -> None:
    tasks = [sized(str(number), 3_900) for number in range(100)]

    assert sum(len(each.outputs) for each in chosen(tasks, 100)) * 2 <= MAX_OUTPUT_BYTES
