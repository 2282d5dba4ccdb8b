"""Suspend and the end of a workflow: a cancel goes on to it, finally tasks too."""

from __future__ import annotations

from typing import Any

import pytest

from builders.records import a_view
from builders.specs import a_step, a_task
from spectra_operator.api.phase import PhaseState
from spectra_operator.api.workflow import WorkflowState
from unit.core.workflow_orders_cases import BAD, GOOD, RUNNING, Stage, an_order

STOPPED = a_view(PhaseState.CANCELLED)


def suspended(**spec: Any) -> Stage:
    """A suspended workflow with a finally task."""
    return Stage([a_step("one")], finally_=[a_task("tidy")], **{"suspend": True, **spec})


def test_a_suspended_workflow_that_is_cancelled_goes_on_to_its_end() -> None:
    stage = suspended()
    stage.store()
    assert str(stage.persisted.state) == "Suspended"
    stage.ask(an_order("Cancel")).store()
    assert str(stage.persisted.state) == "Finalizing"
    decision = stage.store()
    assert (decision.create, decision.after.hold, decision.record.suspended) == (
        ("finally",),
        "",
        False,
    )
    record = stage.store(**{"finally": GOOD}).record
    assert (record.state, record.message) == (
        WorkflowState.CANCELLED,
        "cancelled by alice: because",
    )


def test_a_suspend_after_the_cancel_holds_nothing_either() -> None:
    stage = Stage([a_step("one")], finally_=[a_task("tidy")])
    stage.store(one=RUNNING)
    stage.ask(an_order("Cancel")).store()
    stage.store(one=STOPPED)
    stage.body["spec"]["suspend"] = True
    assert stage.decide().create == ("finally",)


def test_phases_that_are_being_stopped_do_not_say_that_they_are_suspended() -> None:
    stage = suspended(suspend=False)
    stage.store(one=RUNNING)
    stage.body["spec"]["suspend"] = True
    levels = stage.ask(an_order("Cancel")).decide().levels
    assert (levels.hold, levels.cancel) == ("", "Cancelled")


def test_a_terminated_workflow_ends_without_what_was_held() -> None:
    stage = suspended(suspend=False)
    for _ in range(2):
        stage.store(one=GOOD)
    stage.body["spec"]["suspend"] = True
    assert stage.ask(an_order("Terminate")).decide().record.state is WorkflowState.CANCELLED


@pytest.mark.parametrize("end", [GOOD, BAD], ids=["well", "badly"])
def test_what_is_held_at_the_end_says_that_it_waits_to_be_resumed(end: Any) -> None:
    stage = suspended(suspend=False)
    for _ in range(2):
        stage.store(one=end)
    stage.body["spec"]["suspend"] = True
    step = stage.store().record.steps["finally"]
    assert (step.reason, step.message) == (
        "Suspended",
        "spec.suspend is true; it begins when the workflow is resumed",
    )
    stage.body["spec"]["suspend"] = False
    decision = stage.store()
    assert (decision.create, decision.record.steps["finally"].message) == (("finally",), "")


def test_a_cancel_that_comes_too_late_names_the_suspend_that_holds_the_end() -> None:
    stage = suspended(suspend=False)
    for _ in range(2):
        stage.store(one=GOOD)
    stage.body["spec"]["suspend"] = True
    stage.store()
    [order] = stage.ask(an_order("Cancel")).decide().record.orders
    assert "Terminate stops that too; spec.suspend is true, it goes on when" in order.refused


def test_what_tidies_up_says_that_it_waits_for_the_workspace() -> None:
    stage = suspended(suspend=False)
    for _ in range(2):
        stage.store(one=GOOD)
    stage.more = {"claim": "the claim data is Pending"}
    decision = stage.store()
    assert (decision.create, decision.record.steps["finally"].message) == (
        (),
        "the claim data is Pending",
    )
