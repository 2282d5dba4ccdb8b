"""Workflows drawn at random, with actions at any moment, obey the rules and come to an end.

The play itself raises when a phase is created before those it depends on are done, while nothing
new may start, or twice; when what follows the end comes before it; when deciding again changes
what was decided; and when the workflow does not end.
"""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.api.action import ActionType
from spectra_operator.api.common import FailurePolicy
from spectra_operator.api.workflow import StepState, WorkflowState
from spectra_operator.core.workflow.orders import STOPS
from spectra_operator.core.workflow.records import WorkflowRecord
from spectra_operator.core.workflow.steps import is_good
from unit.core.core_settings import steady
from unit.core.workflow_plays import Play

SEEDS = st.integers(0, 2**32)


def stopped(record: WorkflowRecord) -> bool:
    """Whether a stop was taken in for the last run."""
    return any(o.type in STOPS and o.run == record.run and not o.refused for o in record.orders)


@steady(80)
@given(SEEDS)
def test_a_workflow_that_nobody_touches_ends_as_its_phases_did(seed: int) -> None:
    play = Play(Random(seed), orders=0)
    record = play.run()
    phases = play.shape.phases
    good = all(is_good(step, phases[name]) for name, step in record.main.items())
    after = [step.state for name, step in record.steps.items() if name not in phases]
    well = good and all(state is StepState.SUCCEEDED for state in after)
    assert record.state is (WorkflowState.SUCCEEDED if well else WorkflowState.FAILED)


@steady(80)
@given(SEEDS)
def test_what_follows_the_end_is_what_the_spec_says(seed: int) -> None:
    play = Play(Random(seed), orders=0)
    record, spec = play.run(), play.shape.spec
    failed = not all(is_good(s, play.shape.phases[n]) for n, s in record.main.items())
    assert ("finally" in record.steps) == bool(spec.finally_)
    assert ("on-failure" in record.steps) == bool(failed and spec.on_failure)
    if spec.failure_policy is not FailurePolicy.ROLLBACK or not failed:
        assert "rollback" not in record.steps


@steady(120)
@given(SEEDS)
def test_whatever_is_asked_for_a_workflow_ends_and_every_action_is_answered(seed: int) -> None:
    play = Play(Random(seed), orders=6)
    record = play.run()
    assert {order.uid for order in record.orders} == {f"o{n}" for n in range(1, 7)}
    if stopped(record):
        assert record.state is WorkflowState.CANCELLED


@steady(60)
@given(SEEDS)
def test_runs_are_counted_and_only_orders_about_tasks_begin_one(seed: int) -> None:
    play = Play(Random(seed), orders=6)
    record = play.run()
    began = {o.run for o in record.orders if not o.refused and o.type not in STOPS}
    assert set(range(2, record.run + 1)) <= began
    assert all(order.run <= record.run for order in record.orders)
    assert ActionType.CANCEL in STOPS
