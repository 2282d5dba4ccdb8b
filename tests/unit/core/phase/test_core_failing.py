"""What a failed task means for what runs: let it finish, or stop it too."""

from __future__ import annotations

from builders.records import an_attempt, broken, done
from builders.specs import Body, a_task
from unit.core.phase_cases import after, decided, state_of, states

TASKS = [a_task("bad"), a_task("long"), a_task("later", depends_on=["long"])]
ATTEMPTS = [an_attempt("bad", broken()), an_attempt("long")]
CANCEL: Body = {"failure_policy": "Fail", "on_failure_running": "Cancel"}


def test_by_default_what_runs_may_finish() -> None:
    decision = decided(TASKS, ATTEMPTS, failure_policy="Fail")
    assert decision.stop == ()
    ended = [ATTEMPTS[0], an_attempt("long", done())]
    assert states(decided(TASKS, ended, failure_policy="Fail"))["long"] == "Succeeded"


def test_what_runs_can_be_stopped_instead() -> None:
    decision = decided(TASKS, ATTEMPTS, persisted=after(TASKS, ATTEMPTS, **CANCEL), **CANCEL)
    assert [attempt.task for attempt in decision.stop] == ["long"]
    assert state_of(decision.record.tasks["long"]) == "Running"


def test_what_was_stopped_is_cancelled_and_the_phase_failed_by_the_task_that_did() -> None:
    stopped = an_attempt("long", broken("Error"))
    persisted = after(TASKS, ATTEMPTS, **CANCEL)
    record = decided(TASKS, [ATTEMPTS[0], stopped], persisted=persisted, **CANCEL).record
    assert state_of(record.tasks["long"]) == "Cancelled WorkflowFailing"
    assert state_of(record.tasks["later"]) == "Skipped WorkflowFailing"
    assert (str(record.state), record.reason) == ("Failed", "TaskFailed")
    assert record.message == "task bad failed: Error: exit code 1"


def test_what_was_done_by_then_stays_done() -> None:
    finished = [ATTEMPTS[0], an_attempt("long", done())]
    assert states(decided(TASKS, finished, **CANCEL))["long"] == "Succeeded"


def test_a_failure_that_is_allowed_stops_nothing() -> None:
    tasks = [a_task("bad", allow_failure=True), *TASKS[1:]]
    assert decided(tasks, ATTEMPTS, **CANCEL).stop == ()


def test_a_task_that_goes_another_way_has_not_failed_yet() -> None:
    tasks = [a_task("bad", fallback=[{"agent": "other"}]), *TASKS[1:]]
    assert decided(tasks, ATTEMPTS, **CANCEL).stop == ()
