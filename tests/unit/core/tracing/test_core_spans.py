"""Which spans end between two records, and what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builders.pods import at
from builders.records import an_attempt, broken, done, lost
from builders.specs import PHASE_UID, WORKFLOW_UID, a_phase, a_task, a_workflow
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.api.workflow import WorkflowState
from spectra_operator.core.phase.records import Item, PhaseRecord, TaskRecord
from spectra_operator.core.spec.compile import compile_phase, compile_workflow
from spectra_operator.core.tracing import ids
from spectra_operator.core.tracing.spans import Span, phase_spans, workflow_spans
from spectra_operator.core.workflow.records import WorkflowRecord

TASKS = [a_task("a"), a_task("b", depends_on=["a"])]
SHAPE = compile_phase(a_phase(TASKS))
OWNED = compile_phase(
    a_phase(TASKS, workflowRef={"name": "flow", "uid": WORKFLOW_UID}, phase="build")
)
RUNNING = TaskRecord(
    TaskState.RUNNING, open={0: Item(TaskState.RUNNING, 1)}, agent="worker", started_at=at(3)
)
ENDED = replace(RUNNING, state=TaskState.SUCCEEDED, succeeded=1, open={}, finished_at=at(13))
LATER = replace(ENDED, started_at=at(15), finished_at=at(20))


def a_record(**tasks: TaskRecord) -> PhaseRecord:
    return PhaseRecord(state=PhaseState.RUNNING, tasks=tasks, started_at=at(1))


def spans(
    before: PhaseRecord, after: PhaseRecord, *attempts: Any, shape: Any = SHAPE, run: int = 1
) -> dict[str, Span]:
    """Return the spans that end, by their names."""
    found = list(phase_spans(shape, (before, after), attempts, run, at(99)))
    assert len({span.name for span in found}) == len(found)
    return {span.name: span for span in found}


def test_a_task_that_ends_tells_itself_its_waiting_and_its_attempt() -> None:
    attempt = an_attempt("a", done(), started=3, created_at=at(2))
    found = spans(a_record(a=RUNNING), a_record(a=ENDED), attempt)

    task, queue, tried = found["task a"], found["queue"], found["attempt 1"]
    assert (queue.start, queue.end) == (at(1), at(3))
    assert (task.start, task.end) == (at(1), at(13))
    assert (tried.start, tried.end) == (at(2), at(10))
    assert {queue.parent, tried.parent} == {task.id} == {ids.task_span(PHASE_UID, "a")}
    assert task.parent == ids.phase_span(PHASE_UID)
    assert {span.trace for span in found.values()} == {ids.trace_id(PHASE_UID)}
    assert tried.id == ids.attempt_span(PHASE_UID, "a", 0, 1)
    assert tried.attributes["spectra.start_up_milliseconds"] == 1000
    assert (task.failed, tried.failed) == ("", "")


def test_a_task_waits_from_the_end_of_what_it_depends_on() -> None:
    before, after = a_record(a=ENDED, b=RUNNING), a_record(a=ENDED, b=LATER)
    queue = spans(before, after)["queue"]
    assert (queue.start, queue.end) == (at(13), at(15))


def test_what_has_been_told_is_not_told_again() -> None:
    record = a_record(a=ENDED, b=LATER)
    attempts = [an_attempt("a", done()), an_attempt("b", done())]
    assert spans(record, record, *attempts) == {}
    assert spans(record, replace(record, message="news"), *attempts) == {}


def test_an_attempt_is_told_when_its_end_is_recorded_and_not_before() -> None:
    retrying = replace(RUNNING, open={0: Item(TaskState.BACKOFF, 1, failures=1)}, failures=1)
    failed, live = an_attempt("a", broken("OOMKilled")), an_attempt("a", number=2)

    assert spans(a_record(a=RUNNING), a_record(a=RUNNING), failed) == {}
    found = spans(a_record(a=RUNNING), a_record(a=retrying), failed, live)
    assert {name: span.failed for name, span in found.items()} == {"attempt 1": "OOMKilled"}


def test_an_attempt_of_whose_end_nothing_tells_ended_now() -> None:
    retrying = replace(RUNNING, open={0: Item(TaskState.BACKOFF, 1, losses=1)}, losses=1)
    gone = replace(an_attempt("a", lost("PodVanished")), finished_at=None)
    found = spans(a_record(a=RUNNING), a_record(a=retrying), gone)
    assert (found["attempt 1"].end, found["attempt 1"].failed) == (at(99), "PodVanished")


def test_a_failed_task_says_why_in_one_word_and_nothing_that_it_said() -> None:
    failed = replace(
        ENDED, state=TaskState.FAILED, failed=1, succeeded=0, reason="Error", message="hunter2"
    )
    attempt = an_attempt("a", replace(broken(), message="hunter2"))
    found = spans(a_record(a=RUNNING), a_record(a=failed), attempt)
    assert found["task a"].failed == "Error"
    assert "hunter2" not in repr(found)


def test_a_task_that_never_began_has_no_span() -> None:
    skipped = TaskRecord(TaskState.SKIPPED, reason="DependencyFailed", finished_at=at(9))
    assert spans(a_record(a=TaskRecord()), a_record(a=skipped)) == {}


def test_a_phase_that_ends_hangs_under_the_run_of_its_workflow() -> None:
    ended = replace(a_record(a=ENDED), state=PhaseState.SUCCEEDED, finished_at=at(30))

    span = spans(a_record(a=ENDED), ended, shape=OWNED, run=2)["phase build"]

    assert span.parent == ids.workflow_span(WORKFLOW_UID, 2)
    assert (span.trace, span.id) == (ids.trace_id(WORKFLOW_UID), ids.phase_span(OWNED.uid))
    assert (span.start, span.end) == (at(1), at(30))
    assert span.attributes["spectra.workflow"] == "flow"
    assert spans(a_record(a=ENDED), ended)["phase stage"].parent == ""


def test_a_run_of_a_workflow_is_a_root() -> None:
    shape = compile_workflow(a_workflow())
    going = WorkflowRecord(state=WorkflowState.RUNNING, started_at=at(1), run=2)
    failed = replace(going, state=WorkflowState.FAILED, finished_at=at(50), reason="PhaseFailed")

    (span,) = workflow_spans(shape, going, failed)

    assert (span.trace, span.parent) == (ids.trace_id(shape.uid), "")
    assert span.id == ids.workflow_span(shape.uid, 2)
    assert (span.start, span.end, span.failed) == (at(1), at(50), "PhaseFailed")
    assert list(workflow_spans(shape, failed, failed)) == []
    assert list(workflow_spans(shape, WorkflowRecord(), going)) == []


def test_whole_seconds_of_pods_let_no_span_start_before_that_above_it() -> None:
    """The phase began 0.7 s after the second that its pods name."""
    record = replace(a_record(a=RUNNING), started_at=at(3.7))
    ended = replace(ENDED, finished_at=at(3))
    after = replace(record, state=PhaseState.SUCCEEDED, finished_at=at(3), tasks={"a": ended})
    attempt = replace(an_attempt("a", done(), started=3, created_at=at(3)), finished_at=at(3))

    found = spans(record, after, attempt)

    assert {span.start for span in found.values()} == {at(3.7)}
    assert {span.end for span in found.values()} == {at(3.7)}


def test_an_attempt_starts_no_earlier_than_what_its_task_depends_on_has_ended() -> None:
    before = a_record(a=replace(ENDED, finished_at=at(13.4)), b=replace(RUNNING, started_at=None))
    after = a_record(a=before.tasks["a"], b=replace(LATER, started_at=at(14)))
    attempt = an_attempt("b", done(), started=14, created_at=at(13))

    found = spans(before, after, attempt)

    assert found["attempt 1"].start == found["task b"].start == at(13.4)
    assert (found["queue"].start, found["queue"].end) == (at(13.4), at(14))


def test_no_span_ends_before_it_starts() -> None:
    odd = replace(ENDED, started_at=at(13), finished_at=at(5))
    attempt = replace(an_attempt("a", done()), finished_at=at(0), created_at=at(40))
    for span in spans(a_record(a=RUNNING), a_record(a=odd), attempt).values():
        assert span.end >= span.start
