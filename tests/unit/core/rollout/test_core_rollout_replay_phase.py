"""The Phase object that does recorded tasks again, and what its end says of the revision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.clock import START
from builders.specs import Body
from spectra_operator.api.phase import PhaseSpec
from spectra_operator.api.rollout import Replay
from spectra_operator.api.task import Task
from spectra_operator.core.attempts.told import told_of
from spectra_operator.core.language.templates import resolve
from spectra_operator.core.phase.records import PhaseRecord
from spectra_operator.core.phase.status import parse_phase
from spectra_operator.core.rollout.gate_phase import MAX_LOST, GateTry, Moment
from spectra_operator.core.rollout.recorded import Recorded, Wanted
from spectra_operator.core.rollout.records import GateResult, GateState, GateTask
from spectra_operator.core.rollout.replay_phase import (
    nothing_recorded,
    replay_body,
    replay_result,
)
from spectra_operator.core.spec.validate import phase_problems

SPEC = Task.model_validate(
    {
        "name": "one",
        "agent": "a",
        "timeoutSeconds": 9,
        "outputs": {"total": {"type": "integer"}},
        "retry": {"limit": 5},
        "dependsOn": ["zero"],
    }
)
ONE = Recorded("p-1", "one", None, {"of": [1]}, '{"total":3}', 2.0, "0.5", SPEC)
TWO = replace(ONE, task="each", index=4)
NOW = Moment(START)


def a_try(last: int = 2, *conditions: str) -> GateTry:
    replay = Replay(last=last, conditions=list(conditions))
    return GateTry("a", "u", "v2", GateTask("3/replay", replay))


def a_body(*recorded: Recorded) -> Body:
    return replay_body(a_try(), ("team", "0"), recorded or (ONE, TWO))


def done(**fields: Any) -> Body:
    """Return the status of a task that was done again in three seconds."""
    known = {
        "state": "Succeeded",
        "agent": "a",
        "attempt": 1,
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:03Z",
        "outputs": '{"total":3}',
        "usage": {"cost": "0.5"},
    }
    return known | fields


def a_record(state: str = "Succeeded", one: Body | None = None, **fields: Any) -> PhaseRecord:
    """Return how the phase stands in status; its second task was done well."""
    tasks = {"r0-one": one or done(), "r1-each": done()}
    ended = {} if state == "Running" else {"finishedAt": "2026-01-01T00:00:04Z"}
    return parse_phase({"state": state, "tasks": tasks} | ended | fields)


def result(*conditions: str, record: PhaseRecord | None = None, last: int = 2) -> GateResult:
    attempt = a_try(last, *conditions)
    return replay_result(attempt, a_body()["spec"], record or a_record(), NOW)


def test_each_recorded_task_is_done_once_by_the_revision_under_a_name_of_its_own() -> None:
    body = a_body()

    spec = PhaseSpec.model_validate(body["spec"])
    assert list(phase_problems(spec)) == []
    assert spec.gate is not None
    assert (spec.gate.agent, spec.gate.revision, str(spec.role)) == ("a", "v2", "Gate")
    assert [each.name for each in spec.tasks] == ["r0-one", "r1-each"]
    for task in body["spec"]["tasks"]:
        assert task["retry"] == {"limit": 0, "lossLimit": 0}
        assert (task["timeoutSeconds"], task["input"]) == (9, {"of": [1]})
        assert "dependsOn" not in task
        assert task["outputs"] == {"total": {"type": "integer"}}


def test_who_does_it_is_told_the_name_and_index_that_it_had() -> None:
    spec = PhaseSpec.model_validate(a_body()["spec"])
    one, two = told_of(spec, "r0-one", 0), told_of(spec, "r1-each", 0)

    assert (one.task, one.index, one.replay) == ("one", 0, True)
    assert (two.task, two.index, two.replay) == ("each", 4, True)


def test_only_the_phase_of_a_gate_may_call_a_task_otherwise_than_it_is() -> None:
    spec = PhaseSpec.model_validate({**a_body()["spec"], "gate": None})

    told = told_of(spec, "r0-one", 3)

    assert (told.task, told.index, told.replay) == ("r0-one", 3, False)


@pytest.mark.parametrize("value", ["${tasks.a}", "$${x} ${y}", ["${a", {"b": "$$${c}"}], 3, None])
def test_a_recorded_input_is_handed_over_as_it_was_whatever_it_says(value: Any) -> None:
    body = a_body(replace(ONE, input={"v": value}))

    (task,) = body["spec"]["tasks"]
    assert list(phase_problems(PhaseSpec.model_validate(body["spec"]))) == []
    assert resolve(task["input"], lambda _: "evaluated") == {"v": value}


def test_a_hundred_tasks_of_the_longest_name_have_names_of_their_own() -> None:
    body = a_body(*[replace(ONE, task="a" * 38 + "-b")] * 100)

    names = [task["name"] for task in body["spec"]["tasks"]]
    assert len(set(names)) == 100
    assert list(phase_problems(PhaseSpec.model_validate(body["spec"]))) == []


def test_a_revision_that_does_all_of_them_as_well_passes() -> None:
    conditions = ("outputs == recorded.outputs", "seconds <= 2.0 * recorded.seconds")

    found = result(*conditions, "cost <= recorded.cost")

    assert (found.state, found.steps) == (GateState.PASSED, 2)
    assert found.message == "2 recorded tasks were done again as well as before"


def test_a_replay_of_fewer_than_were_asked_for_says_so() -> None:
    assert result(last=5).message.endswith("before (of 5 asked for, no more can be)")


def test_while_it_goes_on_it_tells_how_far_it_is() -> None:
    record = a_record("Running", {"state": "Running", "attempt": 1})

    found = result(record=record)

    assert (found.state, found.steps) == (GateState.PENDING, 1)
    assert found.message == "1 of 2 recorded tasks are done again"


@pytest.mark.parametrize(
    ("condition", "task", "says"),
    [
        (
            "outputs == recorded.outputs",
            done(outputs='{"total":4}'),
            "one of phase p-1: outputs == recorded.outputs does not hold: "
            'outputs is {"total": 4}, recorded.outputs is {"total": 3}',
        ),
        ("seconds < recorded.seconds", done(), "recorded.seconds is 2.0, seconds is 3.0"),
        ("cost <= recorded.cost", done(usage={"cost": "0.7"}), "cost is 0.7, recorded.cost is 0.5"),
        ("outputs.more == 1", done(), "one of phase p-1: outputs.more == 1: "),
        ("true", done(state="Failed", failures=1, reason="Error"), "the task failed: Error"),
    ],
)
def test_one_that_is_done_worse_fails_the_gate_and_is_named(
    condition: str, task: Body, says: str
) -> None:
    state = "Failed" if task["state"] == "Failed" else "Succeeded"

    found = result(condition, record=a_record(state, task))

    assert found.state is GateState.FAILED
    assert says in found.message


def test_an_item_is_named_by_its_index_and_no_more_than_three_are_told() -> None:
    recorded = [replace(TWO, index=index) for index in range(5)]
    body = a_body(*recorded)
    tasks = {task["name"]: done() for task in body["spec"]["tasks"]}
    status = {"state": "Succeeded", "tasks": tasks, "finishedAt": "2026-01-01T00:00:04Z"}

    found = replay_result(a_try(5, "cost > 9.0"), body["spec"], parse_phase(status), NOW)

    assert found.message.startswith("each[0] of phase p-1: cost > 9.0 does not hold")
    assert found.message.endswith("; and 2 more")
    assert "each[3]" not in found.message


def test_what_was_not_tried_since_another_failed_does_not_hide_the_failure() -> None:
    failed = done(state="Failed", failures=1, reason="Error", message="boom")
    tasks = {"r0-one": failed, "r1-each": {"state": "Skipped", "reason": "PhaseFailed"}}

    found = result(record=a_record("Failed", tasks=tasks))

    assert (found.state, found.message) == (
        GateState.FAILED,
        "one of phase p-1: the task failed: Error: boom",
    )


@pytest.mark.parametrize(
    ("state", "task"),
    [
        ("Failed", done(state="Failed", losses=1, reason="LossLimitExceeded")),
        ("Cancelled", done(state="Cancelled")),
        ("Rejected", done()),
    ],
)
def test_what_was_lost_or_stopped_says_nothing_of_the_revision(state: str, task: Body) -> None:
    found = result(record=a_record(state, task))

    assert found.state is GateState.ERROR
    assert a_try().name in found.message


def test_a_replay_of_which_a_task_is_lost_in_each_try_fails() -> None:
    lost = done(state="Failed", losses=1, reason="LossLimitExceeded")
    attempt = replace(a_try(), lost=MAX_LOST - 1)

    found = replay_result(attempt, a_body()["spec"], a_record("Failed", lost), NOW)

    assert (found.state, found.lost) == (GateState.FAILED, True)
    assert "4 tries were lost: one of phase p-1 was not done again" in found.message


@pytest.mark.parametrize(
    ("conditions", "told"), [(("seconds < recorded.seconds",), True), ((), False)]
)
def test_a_time_that_is_not_known_is_not_compared_and_that_is_said(
    conditions: tuple[str, ...], told: bool
) -> None:
    body = a_body(replace(ONE, seconds=None), replace(TWO, seconds=9.0))

    found = replay_result(a_try(2, *conditions), body["spec"], a_record(), NOW)

    assert found.state is GateState.PASSED
    assert ("how long 1 of them took is not known" in found.message) is told


def test_a_stable_revision_that_has_done_nothing_has_nothing_to_be_compared_with() -> None:
    found = nothing_recorded(Wanted("a", "v1", 5), did_something=False, now=START)

    assert found.state is GateState.PASSED
    assert "revision v1 has not done any task yet" in found.message


def test_one_whose_tasks_are_gone_is_not_known_to_be_matched_and_is_asked_again_later() -> None:
    found = nothing_recorded(Wanted("a", "v1", 5), did_something=True, now=START)

    assert (found.state, found.pause) == (GateState.ERROR, 60)
    assert "let it do one, or take preGate.replay out" in found.message
