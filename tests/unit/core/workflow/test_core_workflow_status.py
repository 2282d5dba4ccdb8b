"""A Workflow's status: what people see, and what a successor reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.pods import at
from spectra_operator.api.workflow import StepState, WorkflowState, WorkflowStatus
from spectra_operator.core.insight.estimate import Estimate
from spectra_operator.core.insight.expectations import Insight, PhaseInsight
from spectra_operator.core.phase.records import Tally
from spectra_operator.core.workflow.records import StepRecord, WorkflowRecord
from spectra_operator.core.workflow.status import parse_workflow, render_workflow
from unit.core.core_records import SECONDS, USAGES, WORDS
from unit.core.core_settings import steady

TALLIES = st.builds(Tally, *[st.integers(0, 9)] * 6)
STEPS = st.builds(
    StepRecord,
    st.sampled_from(list(StepState)),
    st.sampled_from(["", "flow-a-x"]),
    TALLIES,
    SECONDS,
    SECONDS,
    WORDS,
)
RECORDS = st.builds(
    WorkflowRecord,
    generation=st.integers(0, 9),
    state=st.sampled_from(list(WorkflowState)),
    reason=st.sampled_from(["", "PhaseFailed"]),
    message=WORDS,
    started_at=SECONDS,
    finished_at=SECONDS,
    suspended=st.booleans(),
    suspended_changed_at=st.integers(0, 10**6).map(at),
    usage=USAGES,
    steps=st.dictionaries(st.sampled_from("abcd"), STEPS, max_size=4),
)


@steady(150)
@given(RECORDS)
def test_a_record_survives_being_written_and_read(record: WorkflowRecord) -> None:
    status = render_workflow(record, at(0))
    assert parse_workflow(status) == record
    WorkflowStatus.model_validate(status)


def test_an_object_without_status_is_an_empty_record() -> None:
    assert parse_workflow(None) == parse_workflow({}) == WorkflowRecord()


def test_a_running_workflow_shows_progress_and_about_how_long_it_takes() -> None:
    steps = {"a": StepRecord(StepState.RUNNING, "flow-a-x", Tally(total=4, succeeded=1))}
    record = WorkflowRecord(
        generation=1,
        state=WorkflowState.RUNNING,
        started_at=at(0),
        steps=steps,
        insight=Insight(Estimate(40.4, 25), 3, "a/work +2", 25),
    )
    status = render_workflow(record, at(9))
    assert (status["state"], status["progress"], status["eta"]) == ("Running", "1/4", "40s")
    assert status["phases"][0]["name"] == "a"
    assert status["phases"][0]["counts"] == {"total": 4, "succeeded": 1}
    assert (status["etaP90"], status["samples"], status["percent"]) == ("47s", 3, 25)
    assert status["criticalPath"] == "a/work +2"
    assert "eta" not in render_workflow(replace(record, insight=Insight()), at(9))


def test_a_phase_of_a_workflow_shows_its_plan_and_its_slack() -> None:
    record = WorkflowRecord(
        state=WorkflowState.RUNNING,
        started_at=at(0),
        steps={"a": StepRecord(StepState.RUNNING)},
        insight=Insight(percent=5, phases={"a": PhaseInsight(True, 0.0, "2d", "Late")}),
    )
    status = render_workflow(record, at(9))
    [phase] = status["phases"]
    assert (phase["critical"], phase["slack"]) == (True, "0s")
    assert (phase["late"], phase["milestone"]) == ("2d", "Late")
    known = parse_workflow(status).insight
    assert (known.percent, known.phases) == (5, {"a": PhaseInsight(late="2d", milestone="Late")})


@pytest.mark.parametrize(
    ("state", "true"),
    [
        (WorkflowState.PENDING, []),
        (WorkflowState.RUNNING, ["Accepted", "Progressing"]),
        (WorkflowState.SUCCEEDED, ["Accepted", "Complete"]),
        (WorkflowState.FAILED, ["Accepted", "Failed"]),
        (WorkflowState.REJECTED, ["Failed"]),
    ],
)
def test_each_state_shows_in_the_conditions(state: WorkflowState, true: list[str]) -> None:
    status = render_workflow(WorkflowRecord(generation=1, state=state), at(0))
    assert [c["type"] for c in status["conditions"] if c["status"] == "True"] == true


def test_a_suspended_workflow_shows_since_when() -> None:
    record = WorkflowRecord(
        state=WorkflowState.SUSPENDED, suspended=True, suspended_changed_at=at(7), started_at=at(0)
    )
    assert parse_workflow(render_workflow(record, at(9))).suspended_changed_at == at(7)
