"""Planner tasks: from the plan that an attempt returned to what its Phase has come to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from builders.pods import at
from builders.records import a_view, an_attempt, broken, done
from builders.specs import Body, a_choice, a_task
from spectra_operator.api.constants import MAX_OUTPUT_BYTES
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.attempts.evidence import Attempt, Kind, Outcome
from spectra_operator.core.attempts.results import Result, Usage
from spectra_operator.core.phase.decide import PhaseDecision
from spectra_operator.core.phase.records import PhaseRecord, Tally
from spectra_operator.core.phase.status import parse_task, render_task
from spectra_operator.core.snapshot import Child
from unit.core.phase_cases import after, decided, ready, state_of, states

PLAN = json.dumps([a_task("one"), a_task("two", depends_on=["one"])], separators=(",", ":"))
NOW = {"backoff": {"initialSeconds": 0}}


def planned(
    number: int = 1, *, task: str = "plan", outputs: str = "", spawn: str = PLAN
) -> Attempt:
    """Return an attempt that returned a plan."""
    result = Result(outputs=outputs, usage=Usage(10, 1), spawn=spawn)
    outcome = Outcome(Kind.SUCCEEDED, result=result)
    return an_attempt(task, outcome, number=number)


def tasks(**fields: Any) -> list[Body]:
    """Return a planner and a task behind it."""
    return [a_task("plan", **{"planner": {}} | fields), a_task("next", depends_on=["plan"])]


def a_child(state: PhaseState = PhaseState.SUCCEEDED, outputs: Any = None, **view: Any) -> Child:
    """Return the phase that carries out a plan."""
    text = json.dumps(outputs) if outputs is not None else ""
    return Child(a_view(state, name="stage-plan", **{"finished": 50} | view), text)


def named(child: Child, name: str) -> Child:
    """Return a child as the phase of that name."""
    return replace(child, view=replace(child.view, object_name=name))


def with_child(child: Child | None, spec: list[Body] | None = None, **more: Any) -> PhaseDecision:
    """Return what is decided when the plan stands in status and its phase is this one."""
    spec = spec or tasks()
    attempts = more.pop("attempts", [planned()])
    persisted = more.pop("persisted", None) or after(spec, attempts)
    plan = persisted.tasks["plan"].spawned
    assert plan is not None
    children = {"plan": named(child, plan.object_name)} if child else {}
    return decided(spec, attempts, persisted=persisted, children=children, now=60, **more)


def test_a_plan_makes_the_task_run_on_and_asks_for_its_phase() -> None:
    decision = decided(tasks(), [planned(outputs='{"why":"so"}')])
    task = decision.record.tasks["plan"]
    assert state_of(task) == "Running Spawned"
    assert task.spawned is not None
    assert (task.spawned.attempt, task.spawned.tasks) == (1, PLAN)
    assert task.spawned.outputs == '{"why":"so"}'
    assert task.message == f"its tasks run in phase {task.spawned.object_name}"
    assert decision.spawn == ("plan",)
    assert states(decision)["next"] == "Waiting"


def test_the_pod_is_let_go_only_when_the_plan_stands_in_status() -> None:
    assert decided(tasks(), [planned()]).release == ()
    recorded = with_child(None)
    assert [attempt.number for attempt in recorded.release] == [1]


def test_a_plan_survives_a_restart() -> None:
    task = decided(tasks(), [planned(outputs='{"a":1}')]).record.tasks["plan"]
    assert parse_task(render_task(task)) == replace(task, finished_at=None)
    assert with_child(None).spawn == ("plan",)
    assert with_child(None).missing == ()


def test_a_plan_is_forgotten_from_status_once_its_phase_was_seen() -> None:
    decision = with_child(a_child(PhaseState.RUNNING, tally=Tally(total=2, succeeded=1)))
    task = decision.record.tasks["plan"]
    assert task.spawned is not None
    assert task.spawned.tasks == ""
    assert task.message == f"1/2 of its tasks are done in phase {task.spawned.object_name}"
    assert decision.spawn == ()
    assert parse_task(render_task(task)) == replace(task, finished_at=None)


def test_what_the_tasks_of_a_plan_return_becomes_the_planner_s_outputs() -> None:
    child = a_child(outputs={"one": {"n": 1}, "two": None}, usage=Usage(5, 5))
    decision = with_child(child, attempts=[planned(outputs='{"one":0,"why":"so"}')])
    task = decision.record.tasks["plan"]
    assert state_of(task) == "Succeeded"
    assert json.loads(task.outputs[0]) == {"one": {"n": 1}, "two": None, "why": "so"}
    assert (task.usage, task.spawned) == (Usage(15, 6), None)
    assert ready(decision) == {"next": 1}


@pytest.mark.parametrize("state", [PhaseState.FAILED, PhaseState.CANCELLED, PhaseState.REJECTED])
def test_a_plan_that_did_not_succeed_fails_the_attempt_and_says_why(state: PhaseState) -> None:
    task = with_child(a_child(state, message="task two failed")).record.tasks["plan"]
    assert state_of(task) == "Failed PlanFailed"
    assert task.message.endswith(f"is {state}: task two failed")
    assert (task.failures, task.attempt, task.spawned) == (1, 1, None)


def test_a_planner_that_is_tried_again_plans_anew() -> None:
    spec = tasks(retry={"limit": 1, **NOW})
    failed = with_child(a_child(PhaseState.FAILED, usage=Usage(3, 3)), spec)
    first = failed.record.tasks["plan"]
    assert (state_of(first), first.usage) == ("Backoff PlanFailed", Usage(13, 4))
    record = replace(failed.record)
    again = decided(spec, [planned()], persisted=record, now=60)
    assert ready(again) == {"plan": 1}
    second = decided(spec, [planned(), planned(2)], persisted=record, now=60)
    plan = second.record.tasks["plan"].spawned
    assert plan is not None
    assert plan.attempt == 2
    assert second.spawn == ("plan",)
    old = decided(tasks(), [planned()]).record.tasks["plan"].spawned
    assert old is not None
    assert plan.object_name != old.object_name


def test_a_phase_that_was_deleted_fails_the_plan() -> None:
    seen = with_child(a_child(PhaseState.RUNNING)).record
    decision = with_child(None, persisted=seen)
    assert states(decision)["plan"] == "Failed PhaseDeleted"
    assert "was deleted" in decision.record.tasks["plan"].message


def test_a_phase_that_does_not_exist_yet_was_not_deleted() -> None:
    assert state_of(with_child(None).record.tasks["plan"]) == "Running Spawned"


@pytest.mark.parametrize(
    ("spawn", "said"),
    [
        (json.dumps([a_task("one", agent="other")]), "names agent other"),
        (json.dumps([a_choice("one")]), "name one of the agents that planner.agents allows"),
        (json.dumps([{"name": "one"}]), "tasks[one].agent: is missing"),
        (json.dumps([a_task(f"t{n}") for n in range(21)]), "maxTasks"),
    ],
)
def test_a_plan_that_is_not_allowed_fails_the_attempt(spawn: str, said: str) -> None:
    task = decided(tasks(), [planned(spawn=spawn)]).record.tasks["plan"]
    assert state_of(task) == "Failed SpawnInvalid"
    assert said in task.message
    assert (task.usage, task.spawned) == (Usage(10, 1), None)


def test_a_plan_of_a_task_that_is_no_planner_fails_it() -> None:
    task = decided(tasks(planner=None), [planned()]).record.tasks["plan"]
    assert state_of(task) == "Failed SpawnInvalid"


def test_a_planner_may_do_without_a_plan() -> None:
    decision = decided(tasks(), [an_attempt("plan", done({"n": 1}))])
    assert states(decision)["plan"] == "Succeeded"
    assert decision.record.tasks["plan"].outputs == {0: '{"n":1}'}


def test_a_planner_that_fails_is_a_failed_task() -> None:
    assert states(decided(tasks(), [an_attempt("plan", broken())]))["plan"] == "Failed Error"


def test_promised_outputs_are_looked_for_when_the_plan_is_done() -> None:
    spec = tasks(outputs={"one": {"type": "object"}})
    assert states(with_child(None, spec))["plan"] == "Running Spawned"
    right = with_child(a_child(outputs={"one": {}}), spec)
    assert states(right)["plan"] == "Succeeded"
    wrong = with_child(a_child(outputs={"one": None}, usage=Usage(1, 1)), spec)
    assert states(wrong)["plan"] == "Failed OutputInvalid"
    assert wrong.record.tasks["plan"].usage == Usage(11, 2)


def test_gathered_outputs_that_are_too_many_fail_the_planner() -> None:
    child = a_child(outputs={"one": "x" * MAX_OUTPUT_BYTES})
    decision = with_child(child)
    assert states(decision)["plan"] == "Failed OutputsTooLarge"
    assert decision.record.tasks["plan"].outputs == {}


def test_two_plans_that_end_together_share_what_room_there_is() -> None:
    spec = [a_task(name, planner={}) for name in ("left", "right")]
    attempts = [planned(task=name) for name in ("left", "right")]
    big = a_child(outputs={"one": "x" * (MAX_OUTPUT_BYTES * 2 // 3)})
    record = after(spec, attempts)
    children = {
        name: named(big, task.spawned.object_name)
        for name, task in record.tasks.items()
        if task.spawned
    }
    decision = decided(spec, attempts, persisted=record, children=children, now=60)
    assert states(decision) == {"left": "Succeeded", "right": "Failed OutputsTooLarge"}


def test_a_planner_past_its_deadline_waits_for_its_plan_to_stop_and_fails() -> None:
    spec = tasks(active_deadline_seconds=30, retry={"limit": 3, **NOW})
    stopped = a_child(PhaseState.FAILED, message="stopped before all tasks were done")
    decision = with_child(stopped, spec)
    assert states(decision)["plan"] == "Failed DeadlineExceeded"


def test_a_plan_lost_its_planner_s_attempt_is_not_looked_for_as_a_pod() -> None:
    record = with_child(a_child(PhaseState.RUNNING)).record
    gone = with_child(a_child(PhaseState.RUNNING), attempts=[], persisted=record)
    assert gone.missing == ()
    assert gone.stop == ()
    assert gone.record.tasks["plan"].state is TaskState.RUNNING


def test_the_time_of_a_planner_s_end_is_that_of_its_plan() -> None:
    task = with_child(a_child(finished=50)).record.tasks["plan"]
    assert task.finished_at == at(50)


def test_a_phase_whose_planner_failed_counts_it_once() -> None:
    record: PhaseRecord = with_child(a_child(PhaseState.FAILED)).record
    assert record.tally() == Tally(total=2, failed=1, skipped=1)


def test_until_the_failure_of_a_plan_stands_in_status_nothing_is_planned_anew() -> None:
    spec = tasks(retry={"limit": 1, **NOW})
    failed = with_child(a_child(PhaseState.FAILED), spec)
    assert state_of(failed.record.tasks["plan"]) == "Backoff PlanFailed"
    assert ready(failed) == {}


def test_a_phase_of_a_former_plan_says_nothing_about_this_one() -> None:
    record = after(tasks(), [planned()])
    former = {"plan": a_child(PhaseState.FAILED)}
    decision = decided(tasks(), [planned()], persisted=record, children=former)
    assert states(decision)["plan"] == "Running Spawned"
    assert decision.spawn == ("plan",)
