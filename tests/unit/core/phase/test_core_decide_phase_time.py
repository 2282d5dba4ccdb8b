"""What time alone changes: timeouts, deadlines, and when to look again."""

from __future__ import annotations

import pytest

from builders.pods import at
from builders.records import (
    STOPPED,
    a_phase_snapshot,
    a_running_phase,
    an_attempt,
    done,
    lost,
    waiting_item,
)
from builders.specs import a_phase, a_task
from spectra_operator.api.agent import TaskDefaults
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.phase.decide import decide_phase
from spectra_operator.core.phase.records import TaskRecord

LIMITED = a_phase([a_task("a", timeout_seconds=60, pending_timeout_seconds=30)])
DEADLINE = a_phase([a_task("a"), a_task("b", depends_on=["a"])], active_deadline_seconds=100)

RUNNING = an_attempt("a", started=1)
PENDING = an_attempt("a", started=None)


@pytest.mark.parametrize(
    ("attempt", "now", "stopped"),
    [
        (RUNNING, 61.9, False),
        (RUNNING, 62, True),
        (PENDING, 30.9, False),
        (PENDING, 31, True),
    ],
    ids=["runs", "ran too long", "waits", "waited too long"],
)
def test_an_attempt_is_stopped_a_grain_of_the_clock_after_its_timeout(
    attempt: Attempt, now: float, stopped: bool
) -> None:
    decision = decide_phase(a_phase_snapshot(LIMITED, [attempt], now=now))
    assert decision.stop == ((attempt,) if stopped else ())


@pytest.mark.parametrize(("attempt", "wake"), [(RUNNING, 62), (PENDING, 31)])
def test_the_next_look_is_when_the_timeout_is_over(attempt: Attempt, wake: float) -> None:
    decision = decide_phase(a_phase_snapshot(LIMITED, [attempt], now=9))
    assert decision.wake_at == at(wake)
    assert decide_phase(a_phase_snapshot(LIMITED, [attempt], now=wake)).stop == (attempt,)


def test_the_agent_s_defaults_limit_a_task_that_says_nothing() -> None:
    defaults = {"worker": TaskDefaults(timeout_seconds=5)}
    attempt = an_attempt(started=0)
    snapshot = a_phase_snapshot(a_phase(), [attempt], defaults=defaults, now=6)
    assert decide_phase(snapshot).stop == (attempt,)


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(an_attempt("a", started=1, deleted_at=at(62)), id="asked for already"),
        pytest.param(an_attempt("a", started=1, uid=""), id="not created yet"),
        pytest.param(an_attempt("a", done(), ended=99), id="ended"),
        pytest.param(an_attempt("gone", started=1), id="unknown"),
    ],
)
def test_what_need_not_be_stopped_is_not(attempt: Attempt) -> None:
    assert decide_phase(a_phase_snapshot(LIMITED, [attempt], now=99)).stop == ()


def test_what_is_being_stopped_needs_no_further_look() -> None:
    attempt = an_attempt("a", started=1, deleted_at=at(62))
    assert decide_phase(a_phase_snapshot(LIMITED, [attempt], now=63)).wake_at is None


def test_a_task_without_limits_needs_no_look() -> None:
    decision = decide_phase(a_phase_snapshot(a_phase(), [an_attempt()], now=9))
    assert (decision.stop, decision.wake_at) == ((), None)


def test_a_pause_ends_with_a_look() -> None:
    paused = TaskRecord(TaskState.BACKOFF, open={0: waiting_item(until=44.5)}, failures=1)
    snapshot = a_phase_snapshot(a_phase(), persisted=a_running_phase(work=paused), now=9)
    assert decide_phase(snapshot).wake_at == at(44.5)


def test_the_earliest_of_all_times_is_the_next_look() -> None:
    phase = a_phase(
        [a_task("a", timeout_seconds=60), a_task("b", timeout_seconds=20)],
        active_deadline_seconds=50,
    )
    attempts = [an_attempt("a", started=1), an_attempt("b", started=1)]
    snapshot = a_phase_snapshot(phase, attempts, persisted=a_running_phase(0), now=5)
    assert decide_phase(snapshot).wake_at == at(22)


def test_a_new_phase_with_a_deadline_looks_again_when_it_is_over() -> None:
    assert decide_phase(a_phase_snapshot(DEADLINE, now=5)).wake_at == at(105)


def test_before_the_deadline_all_is_as_ever() -> None:
    snapshot = a_phase_snapshot(DEADLINE, [RUNNING], persisted=a_running_phase(0), now=99)
    assert decide_phase(snapshot).stop == ()


def test_at_the_deadline_what_runs_is_stopped_and_the_rest_cancelled() -> None:
    snapshot = a_phase_snapshot(DEADLINE, [RUNNING], persisted=a_running_phase(0), now=100)
    decision = decide_phase(snapshot)
    assert decision.stop == (RUNNING,)
    states = [str(task.state) for task in decision.record.tasks.values()]
    assert states == ["Running", "Cancelled"]
    assert decision.record.state is PhaseState.RUNNING


def test_after_the_deadline_the_phase_fails_once_what_ran_has_ended() -> None:
    ended = an_attempt("a", lost("PodDeleted"), ended=103, deleted_at=at(101))
    snapshot = a_phase_snapshot(DEADLINE, [ended], persisted=a_running_phase(0), now=104)
    decision = decide_phase(snapshot)
    assert (decision.record.state, decision.record.reason) == (
        PhaseState.FAILED,
        "DeadlineExceeded",
    )
    assert (decision.record.finished_at, decision.wake_at) == (at(103), None)


def test_a_phase_that_is_stopped_from_outside_stops_what_runs() -> None:
    decision = decide_phase(a_phase_snapshot(a_phase(), [an_attempt()], levels=STOPPED))
    assert decision.stop == (an_attempt(),)
