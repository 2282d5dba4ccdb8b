"""From states of tasks to the state of their phase."""

from __future__ import annotations

from builders.pods import at
from builders.records import HALTED, NO_LEVELS, STOPPED, SUSPENDED, running_item
from builders.specs import a_phase, a_task
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.phase.conclude import conclude
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.snapshot import Levels
from spectra_operator.core.spec.compile import compile_phase

READY = TaskRecord(state=TaskState.READY)
RUNNING = TaskRecord(state=TaskState.RUNNING, open={0: running_item()})
SUCCEEDED = TaskRecord(state=TaskState.SUCCEEDED, succeeded=1, finished_at=at(20))
FAILED = TaskRecord(
    state=TaskState.FAILED, failed=1, reason="Error", message="exit code 1", finished_at=at(30)
)
SKIPPED = TaskRecord(state=TaskState.SKIPPED, reason="WorkflowFailing")
CANCELLED = TaskRecord(state=TaskState.CANCELLED, reason="DeadlineExceeded")


def concluded(
    *records: TaskRecord, levels: Levels = NO_LEVELS, may_fail: tuple[int, ...] = ()
) -> PhaseRecord:
    """Return what a phase of tasks t0, t1, ... comes to 99 s after the start."""
    tasks = [a_task(f"t{i}", allow_failure=i in may_fail or None) for i in range(len(records))]
    named = {f"t{i}": record for i, record in enumerate(records)}
    shape = compile_phase(a_phase(tasks))
    return conclude(shape, PhaseRecord(tasks=named), levels, at(99))


def test_a_phase_is_ready_until_one_of_its_tasks_was_tried() -> None:
    assert concluded(READY, READY).state is PhaseState.READY
    assert concluded(RUNNING, READY).state is PhaseState.RUNNING
    assert concluded(SUCCEEDED, READY).state is PhaseState.RUNNING
    assert concluded(READY).finished_at is None


def test_a_phase_whose_tasks_all_succeeded_has_succeeded_when_the_last_one_did() -> None:
    record = concluded(SUCCEEDED, SUCCEEDED)
    assert (record.state, record.reason, record.finished_at) == (PhaseState.SUCCEEDED, "", at(20))


def test_a_phase_fails_with_its_first_failed_task() -> None:
    record = concluded(SUCCEEDED, FAILED, SKIPPED)
    assert (record.state, record.reason) == (PhaseState.FAILED, "TaskFailed")
    assert record.message == "task t1 failed: Error: exit code 1"
    assert record.finished_at == at(30)


def test_a_task_that_may_fail_does_not_fail_its_phase() -> None:
    assert concluded(FAILED, SUCCEEDED, may_fail=(0,)).state is PhaseState.SUCCEEDED
    assert concluded(FAILED, FAILED, may_fail=(0,)).message.startswith("task t1 ")


def test_a_phase_that_another_phase_halted_is_cancelled() -> None:
    record = concluded(SUCCEEDED, SKIPPED, levels=HALTED)
    assert (record.state, record.reason) == (PhaseState.CANCELLED, "WorkflowFailing")


def test_a_phase_that_was_done_before_it_could_be_halted_has_succeeded() -> None:
    assert concluded(SUCCEEDED, levels=HALTED).state is PhaseState.SUCCEEDED


def test_a_task_that_failed_weighs_more_than_a_halt_from_outside() -> None:
    assert concluded(FAILED, SKIPPED, levels=HALTED).reason == "TaskFailed"


def test_a_phase_that_was_stopped_fails_with_the_reason_for_it() -> None:
    record = concluded(SUCCEEDED, CANCELLED, levels=STOPPED)
    assert (record.state, record.reason) == (PhaseState.FAILED, "DeadlineExceeded")


def test_a_phase_that_was_done_before_it_could_be_stopped_has_succeeded() -> None:
    assert concluded(SUCCEEDED, levels=STOPPED).state is PhaseState.SUCCEEDED


def test_a_phase_with_tasks_that_never_ran_never_succeeds() -> None:
    """After a restart what halted the phase may not be known yet; its tasks still tell."""
    halted, stopped = concluded(SUCCEEDED, SKIPPED), concluded(SUCCEEDED, CANCELLED)
    assert (halted.state, halted.reason) == (PhaseState.CANCELLED, "WorkflowFailing")
    assert (stopped.state, stopped.reason) == (PhaseState.CANCELLED, "DeadlineExceeded")


def test_a_failure_that_was_allowed_is_no_sign_of_being_stopped() -> None:
    assert concluded(FAILED, SUCCEEDED, levels=HALTED, may_fail=(0,)).state is PhaseState.SUCCEEDED
    assert concluded(FAILED, SUCCEEDED, levels=STOPPED, may_fail=(0,)).state is PhaseState.SUCCEEDED


def test_a_phase_that_never_ran_anything_ends_now() -> None:
    assert concluded(SKIPPED, levels=HALTED).finished_at == at(99)


def test_a_suspended_phase_keeps_its_state_and_says_why_it_stands() -> None:
    record = concluded(RUNNING, READY, levels=SUSPENDED)
    assert (record.state, record.reason) == (PhaseState.RUNNING, "Suspended")


def test_a_phase_that_lets_the_rest_finish_says_so() -> None:
    record = concluded(FAILED, RUNNING, SKIPPED)
    assert (record.state, record.reason) == (PhaseState.RUNNING, "WorkflowFailing")
    assert record.message == "task t0 failed; what runs is finishing"


def test_going_on_wipes_an_old_reason() -> None:
    shape = compile_phase(a_phase([a_task("t0")]))
    before = PhaseRecord(reason="Suspended", message="x", tasks={"t0": READY})
    assert conclude(shape, before, NO_LEVELS, at(99)).reason == ""
