"""The example of a plan: its fields exist, and a simulation of it says what the page says."""

from __future__ import annotations

from builders.pods import at
from spectra_operator.api.agent import AgentSpec
from spectra_operator.api.workflow import StepState, WorkflowSpec
from spectra_operator.core.insight.milestones import against_plan
from spectra_operator.core.simulation.simulate import Simulation, Variation, simulate, what_if
from spectra_operator.core.simulation.spec import Assumptions
from spectra_operator.core.workflow.records import StepRecord
from unit.examples.example_runner import EXAMPLES, documents

AGENT, WORKFLOW = documents(EXAMPLES / "plan" / "plan.yaml")
SPEC = WorkflowSpec.model_validate(WORKFLOW["spec"])


def assumed() -> Assumptions:
    agent = AgentSpec.model_validate(AGENT["spec"])
    return Assumptions(agents={AGENT["metadata"]["name"]: agent.concurrency})


def simulated() -> Simulation:
    return simulate(SPEC, assumed())


def test_every_field_of_the_workflow_exists() -> None:
    assert SPEC.model_dump(by_alias=True, exclude_unset=True, mode="json") == WORKFLOW["spec"]


def test_the_planned_durations_are_all_that_a_simulation_needs() -> None:
    seen = simulated()
    assert seen.notes == ()
    assert (seen.makespan, seen.peak) == (65.0, {"surveyor": 2})
    assert seen.critical == ("field/prepare", "field/measure", "office/draw")


def test_a_third_measurement_at_once_would_save_ten_seconds() -> None:
    changes = [Variation("three at once", agents={"surveyor": 3})]
    [(_, seen)] = what_if(SPEC, assumed(), changes)
    assert seen.makespan == 55.0


def test_the_first_milestone_is_reached_and_the_second_comes_late() -> None:
    field, office = SPEC.all_phases
    done = StepRecord(StepState.SUCCEEDED, started_at=at(0), finished_at=at(45))
    assert against_plan(field.plan, done, at(0), at(45)).milestone == "Reached"
    drawing = StepRecord(StepState.RUNNING, started_at=at(45))
    seen = against_plan(office.plan, drawing, at(0), at(50))
    assert (seen.milestone, seen.late) == ("Late", "49s")
