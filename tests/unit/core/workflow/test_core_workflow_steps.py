"""Phases within a workflow: conditions, skips, leave to fail, fallbacks."""

from __future__ import annotations

from typing import Any

import pytest

from builders.records import a_view
from builders.specs import Body, a_step, a_task
from spectra_operator.api.phase import PhaseState
from spectra_operator.api.workflow import StepState, WorkflowState
from unit.core.workflow_orders_cases import BAD, GOOD, RUNNING, Stage, states

WAY_OUT = {"tasks": [a_task("other"), a_task("more")]}


def pair(**second: Any) -> list[Body]:
    return [a_step("first"), a_step("second", depends_on=["first"], **second)]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("true", "Ready"),
        ("phases.first.outputs.a.n > 3", "Ready"),
        ("phases.first.outputs.a.n > 9", "Skipped"),
        ("phases.first.state == 'Succeeded'", "Ready"),
        ("parameters.deep", "Skipped"),
        ("workflow.name == 'flow'", "Ready"),
    ],
)
def test_a_condition_decides_whether_a_phase_runs(when: str, expected: str) -> None:
    flag = [{"name": "deep", "type": "boolean", "value": False}]
    stage = Stage([a_step("first", [a_task("a")]), pair(when=when)[1]], parameters=flag)
    stage.values = {"first": {"outputs": {"a": {"n": 5}}}}
    assert states(stage.decide(first=GOOD).record) == f"Succeeded {expected}"


def test_a_condition_is_looked_at_once_it_could_start_and_then_stands() -> None:
    stage = Stage(pair(when="phases.first.outputs.work.n > 3"))
    assert states(stage.decide(first=RUNNING).record) == "Running Waiting"
    stage.values = {"first": {"outputs": {"work": {"n": 1}}}}
    record = stage.store(first=GOOD).record
    step = record.steps["second"]
    assert (step.reason, step.message) == (
        "ConditionFalse",
        "its condition is false: phases.first.outputs.work.n > 3",
    )
    assert record.state is WorkflowState.SUCCEEDED


@pytest.mark.parametrize("when", ["parameters.n", "phases.first.outputs.work.no > 1"])
def test_a_condition_that_gives_no_answer_fails_the_phase(when: str) -> None:
    rows = [{"name": "n", "type": "integer", "value": 1}]
    stage = Stage(pair(when=when), parameters=rows)
    stage.values = {"first": {"outputs": {"work": {"n": 1}}}}
    record = stage.store(first=GOOD).record
    assert (record.steps["second"].state, record.steps["second"].reason) == (
        StepState.FAILED,
        "ConditionInvalid",
    )
    assert record.state is WorkflowState.FAILED


def diamond(**first: Any) -> list[Body]:
    return [
        a_step("one", **first),
        a_step("two"),
        a_step("only", depends_on=["one"]),
        a_step("both", depends_on=["one", "two"]),
    ]


def test_a_skipped_phase_passes_on_only_to_those_that_depend_on_nothing_else() -> None:
    record = Stage(diamond(when="false")).decide(two=GOOD).record
    assert states(record) == "Skipped Succeeded Skipped Ready"
    assert record.steps["only"].reason == "DependencySkipped"


def test_a_phase_that_may_fail_holds_nobody_up() -> None:
    stage = Stage(diamond(allow_failure=True))
    decision = stage.decide(one=BAD, two=GOOD)
    assert (decision.levels.halt, decision.create) == ("", ("only", "both"))
    record = stage.decide(only=GOOD, both=GOOD).record
    assert (record.state, record.reason) == (WorkflowState.SUCCEEDED, "")


def test_the_outputs_of_a_phase_that_failed_with_leave_are_null() -> None:
    steps = [
        a_step("first", allow_failure=True),
        a_step("second", depends_on=["first"], when="phases.first.outputs == null"),
    ]
    stage = Stage(steps)
    stage.values = {"first": {"outputs": {"work": {"n": 1}}}}
    assert stage.decide(first=BAD).create == ("second",)


def test_under_fail_a_broken_condition_halts_the_others_once_it_is_known() -> None:
    stage = Stage([a_step("one", when="1 / 0 == 1"), a_step("two")])
    stage.store()
    assert stage.decide(two=RUNNING).levels.halt == "WorkflowFailing"


def test_a_failed_phase_with_a_fallback_begins_again_and_halts_nothing() -> None:
    stage = Stage([a_step("one", fallback=WAY_OUT), a_step("two"), *diamond()[3:]][:2])
    decision = stage.store(one=BAD, two=RUNNING)
    step = decision.record.steps["one"]
    assert (decision.create, decision.levels.halt) == (("one",), "")
    assert (step.fallback, step.reason, step.object_name) == (True, "Fallback", "")
    stage.fallbacks = {"one": RUNNING}
    decision = stage.store()
    assert (decision.create, states(decision.record)) == ((), "Running Running")
    assert decision.record.steps["one"].fallback


def test_a_fallback_decides_about_those_behind_it() -> None:
    stage = Stage([a_step("first", fallback=WAY_OUT), a_step("second", depends_on=["first"])])
    stage.store(first=BAD)
    stage.fallbacks = {"first": GOOD}
    assert stage.decide().create == ("second",)
    stage.fallbacks = {"first": BAD}
    record = stage.decide().record
    assert (states(record), record.state) == ("Failed Skipped", WorkflowState.FAILED)


@pytest.mark.parametrize("state", [PhaseState.CANCELLED, PhaseState.SUCCEEDED])
def test_only_a_failure_falls_back(state: PhaseState) -> None:
    stage = Stage([a_step("one", fallback=WAY_OUT)])
    assert stage.decide(one=a_view(state)).create == ()


def test_nothing_falls_back_while_the_workflow_is_failing_or_stopping() -> None:
    stage = Stage([a_step("one", fallback=WAY_OUT), a_step("two")])
    assert stage.decide(one=BAD, two=BAD).create == ()
    late = Stage([a_step("one", fallback=WAY_OUT)], active_deadline_seconds=5)
    late.store(one=RUNNING)
    late.now = 20
    assert late.decide(one=BAD).create == ()


def test_a_fallback_that_cannot_be_made_fails_the_phase() -> None:
    stage = Stage([a_step("one", fallback=WAY_OUT)])
    stage.more = {"refused": {"one/fallback": "too large"}}
    record = stage.store(one=BAD).record
    assert record.steps["one"].message == "its fallback cannot be made: too large"
    assert record.state is WorkflowState.FAILED


def test_a_fallback_whose_object_was_deleted_is_not_made_again() -> None:
    stage = Stage([a_step("one", fallback=WAY_OUT)])
    stage.store(one=BAD)
    stage.fallbacks = {"one": RUNNING}
    stage.store()
    stage.fallbacks = {}
    record = stage.store().record
    assert (record.reason, states(record)) == ("PhaseDeleted", "Cancelled")


def test_a_phase_that_failed_and_was_deleted_before_its_fallback_is_not_done_again() -> None:
    stage = Stage([a_step("one", fallback=WAY_OUT)], suspend=True)
    stage.store(one=BAD)
    stage.views = {}
    assert states(stage.decide().record) == "Cancelled"


def test_a_workspace_that_is_not_there_holds_the_first_phase() -> None:
    stage = Stage([a_step("one")])
    stage.more = {"claim": "exceeded quota"}
    decision = stage.store()
    assert (decision.create, decision.record.reason) == ((), "WorkspaceNotReady")
    assert decision.record.steps["one"].message == "exceeded quota"
    stage.more = {}
    assert stage.decide().create == ("one",)


def test_a_missing_template_is_waited_for() -> None:
    stage = Stage()
    stage.body = stage.body | {"spec": {"templateRef": {"name": "ghost"}}}
    record = stage.store().record
    assert (record.state, record.reason) == (WorkflowState.PENDING, "TemplateNotFound")
    assert record.message == "waits for WorkflowTemplates that do not exist yet: ghost"


def test_a_fallback_waits_for_a_phase_before_it_that_is_done_again() -> None:
    steps = [a_step("first"), a_step("second", depends_on=["first"], fallback=WAY_OUT)]
    stage = Stage(steps)
    stage.store(first=GOOD)
    decision = stage.decide(first=RUNNING, second=BAD)
    assert (decision.create, states(decision.record)) == ((), "Running Waiting")
    assert stage.decide(first=GOOD).create == ("second",)
