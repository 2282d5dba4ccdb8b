"""Who changed a level of a run, and why: noted once, never in another's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.pods import at
from builders.records import a_phase_snapshot, a_running_phase, a_workflow_snapshot
from builders.specs import Body, a_phase, a_workflow
from spectra_operator.api.constants import MAX_CHANGES
from spectra_operator.api.phase import PhaseStatus
from spectra_operator.api.workflow import WorkflowState, WorkflowStatus
from spectra_operator.core.change_status import parse_changes, parse_levels, render_changes
from spectra_operator.core.changes import (
    NOBODY,
    UNKNOWN,
    Change,
    Editors,
    SpecLevels,
    editors_of,
    note_changes,
)
from spectra_operator.core.conditions import RunRecord
from spectra_operator.core.phase.decide import decide_phase
from spectra_operator.core.phase.status import parse_phase, render_phase
from spectra_operator.core.workflow.decide import decide_workflow
from spectra_operator.core.workflow.records import WorkflowRecord
from spectra_operator.core.workflow.status import parse_workflow, render_workflow
from unit.core.core_settings import steady

CALM = SpecLevels()
SIGNED = Editors(by="alice", reason="wrong data", signature="suspend=true,priority=5 12:00")


def signed(body: Body, **notes: str) -> Body:
    """Return the object with annotations; `by`, `what` and `why`."""
    names = {"by": "changed-by", "what": "changed", "why": "change-reason"}
    body["metadata"]["annotations"] = {f"spectra.dev/{names[k]}": v for k, v in notes.items()}
    return body


def written_by(manager: str, time: str = "", *fields: str, **more: str) -> dict[str, Any]:
    """Return an entry of managedFields."""
    spec: Body = {f"f:{name}": {} for name in fields}
    return {"manager": manager, "time": time, "fieldsV1": {"f:spec": spec}} | more


def test_what_is_seen_first_is_no_change() -> None:
    assert note_changes(None, replace(CALM, priority=5), SIGNED, at(1)) == ()


def test_a_signed_change_names_who_and_why() -> None:
    now = replace(CALM, suspend=True, signature=SIGNED.signature)
    (change,) = note_changes(CALM, now, SIGNED, at(1))
    assert change == Change("suspend", "false", "true", "alice", at(1), "wrong data")
    assert change.who_and_why == "alice: wrong data"


def test_one_write_may_change_and_sign_several_levels() -> None:
    now = SpecLevels(True, 5, 3, SIGNED.signature)
    editors = replace(SIGNED, managers={"parallelism": "kubectl-edit"})
    found = {c.field: (c.before, c.after, c.actor) for c in note_changes(CALM, now, editors, at(1))}
    assert found == {
        "suspend": ("false", "true", "alice"),
        "priority": ("0", "5", "alice"),
        "parallelism": ("none", "3", "kubectl-edit"),
    }


@pytest.mark.parametrize(
    ("editors", "seen"),
    [
        (replace(SIGNED, signature="suspend=false 9"), CALM),
        (replace(SIGNED, signature="suspend=trueish"), CALM),
        (replace(SIGNED, by=""), CALM),
        (SIGNED, replace(CALM, signature=SIGNED.signature)),
    ],
    ids=["of another value", "of another word", "of nobody", "of a former change"],
)
def test_a_signature_that_does_not_fit_is_nobody_s(editors: Editors, seen: SpecLevels) -> None:
    editors = replace(editors, managers={"suspend": "kubectl-edit"})
    now = replace(CALM, suspend=True, signature=editors.signature)
    (change,) = note_changes(seen, now, editors, at(1))
    assert (change.actor, change.reason) == ("kubectl-edit", "")


def test_a_level_that_was_taken_out_is_by_who_wrote_last_to_the_spec() -> None:
    seen = replace(CALM, parallelism=3)
    (change,) = note_changes(seen, CALM, Editors(last="argocd"), at(1))
    assert (change.before, change.after, change.actor) == ("3", "none", "argocd")
    (change,) = note_changes(seen, CALM, NOBODY, at(1))
    assert change.actor == UNKNOWN


def test_the_manager_that_wrote_a_level_last_counts_and_status_does_not() -> None:
    fields = [
        written_by("kubectl-edit", "2026-01-03T00:00:00Z", "suspend"),
        written_by("argocd", "2026-01-02T00:00:00Z", "suspend", "priority"),
        written_by("operator", "2026-01-09T00:00:00Z", "suspend", subresource="status"),
        {"manager": "labels", "time": "2026-01-08T00:00:00Z", "fieldsV1": {"f:metadata": {}}},
    ]
    found = editors_of({"managedFields": fields})
    assert found.managers == {"suspend": "kubectl-edit", "priority": "argocd"}
    assert found.last == "kubectl-edit"


@pytest.mark.parametrize("meta", [{}, {"managedFields": [{}]}, {"annotations": None}])
def test_metadata_without_traces_name_nobody(meta: Body) -> None:
    assert editors_of(meta) is NOBODY


def test_long_annotations_are_cut_to_what_status_holds() -> None:
    body = signed({"metadata": {}}, by="x" * 999, what="y" * 999, why="z" * 999)
    editors = editors_of(body["metadata"])
    assert {len(editors.by), len(editors.reason), len(editors.signature)} == {256}


@pytest.mark.parametrize("state", [WorkflowState.RUNNING, WorkflowState.PENDING])
def test_a_change_of_a_workflow_is_noted_once_whoever_decides(state: WorkflowState) -> None:
    missing = ("worker",) if state is WorkflowState.PENDING else ()

    def decided(body: Body, persisted: WorkflowRecord | None = None) -> WorkflowRecord:
        snapshot = a_workflow_snapshot(body, persisted=persisted, missing_agents=missing)
        return decide_workflow(snapshot).record

    first = decided(a_workflow())
    body = signed(a_workflow(priority=5), by="alice", what="priority=5 a", why="urgent")
    second = decided(body, first)
    restarted = parse_workflow(render_workflow(second, at(11)))

    assert (first.levels, first.changes) == (CALM, ())
    assert [c.who_and_why for c in second.changes] == ["alice: urgent"]
    assert decided(body, restarted).changes == restarted.changes == second.changes
    again = decided(a_workflow(priority=0), restarted)
    assert [(c.after, c.actor) for c in again.changes] == [("5", "alice"), ("0", UNKNOWN)]


def test_what_a_template_will_bring_is_awaited_before_levels_are_looked_at() -> None:
    body = a_workflow()
    body["spec"] = {"templateRef": {"name": "shape"}}
    record = decide_workflow(a_workflow_snapshot(body)).record
    assert (record.state, record.levels) == (WorkflowState.PENDING, None)


def test_of_a_finished_workflow_nothing_is_noted() -> None:
    over = WorkflowRecord(state=WorkflowState.SUCCEEDED, finished_at=at(5), levels=CALM)
    snapshot = a_workflow_snapshot(a_workflow(suspend=True), persisted=over)
    assert decide_workflow(snapshot).record == over


def test_a_change_of_a_phase_is_noted_too() -> None:
    before = replace(a_running_phase(), levels=CALM)
    body = signed(a_phase(suspend=True), by="bob", what="suspend=true")
    record = decide_phase(a_phase_snapshot(body, persisted=before)).record
    assert [(c.field, c.actor, c.at) for c in record.changes] == [("suspend", "bob", at(10))]
    status = render_phase(record, at(11))
    PhaseStatus.model_validate(status)
    assert parse_phase(status).changes == record.changes


def test_the_oldest_changes_make_room() -> None:
    old = tuple(Change("priority", str(n), str(n + 1), "x", at(n)) for n in range(MAX_CHANGES))
    before = replace(a_running_phase(), levels=CALM, changes=old)
    changes = decide_phase(a_phase_snapshot(a_phase(suspend=True), persisted=before)).record.changes
    assert (len(changes), changes[0], changes[-1].field) == (MAX_CHANGES, old[1], "suspend")


LEVELS = st.builds(
    SpecLevels, st.booleans(), st.integers(-9, 9), st.none() | st.integers(1, 9), st.text("ab =")
)
CHANGES = st.builds(
    Change,
    st.sampled_from(["suspend", "priority", "parallelism"]),
    st.sampled_from(["0", "none", "true"]),
    st.text("ab"),
    st.text("ab"),
    st.integers(0, 10**6).map(at),
    st.text("ab"),
)


@steady(100)
@given(st.builds(RunRecord, levels=LEVELS, changes=st.lists(CHANGES, max_size=3).map(tuple)))
def test_levels_and_changes_survive_being_written_and_read(record: RunRecord) -> None:
    status = render_changes(record)
    assert parse_levels(status) == record.levels
    assert parse_changes(status) == record.changes
    WorkflowStatus.model_validate(status)
