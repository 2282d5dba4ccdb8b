"""What to do for a phase: what may start, must stop, may be let go, and is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders.pods import at
from builders.records import (
    HALTED,
    STOPPED,
    SUSPENDED,
    a_phase_snapshot,
    a_running_phase,
    an_attempt,
    broken,
    done,
    lost,
    running_item,
    waiting_item,
)
from builders.specs import a_chain, a_phase, a_retry, a_task
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.phase.decide import PhaseDecision, decide_phase
from spectra_operator.core.phase.glance import Missing
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.snapshot import Levels

CHAIN = a_phase(a_chain("a", "b"))
RETRIED = a_phase([a_task("a", retry=a_retry(3, seconds=10))])


def startable(decision: PhaseDecision) -> dict[str, int]:
    """Return how many items of which task may start."""
    return {ready.task: ready.startable for ready in decision.ready}


def test_a_new_phase_starts_what_depends_on_nothing() -> None:
    decision = decide_phase(a_phase_snapshot(CHAIN, now=3))
    assert startable(decision) == {"a": 1}
    assert (decision.record.state, decision.record.started_at) == (PhaseState.READY, at(3))
    assert [str(t.state) for t in decision.record.tasks.values()] == ["Ready", "Waiting"]


def test_a_task_may_start_in_the_pass_that_sees_its_predecessor_succeed() -> None:
    decision = decide_phase(a_phase_snapshot(CHAIN, [an_attempt("a", done())]))
    assert startable(decision) == {"b": 1}


def test_a_task_that_runs_is_not_started_again() -> None:
    assert startable(decide_phase(a_phase_snapshot(CHAIN, [an_attempt("a")]))) == {}


def test_a_create_that_is_under_way_counts_as_an_attempt() -> None:
    assumed = an_attempt("a", started=None, uid="", held=False, created_at=None)
    assert startable(decide_phase(a_phase_snapshot(CHAIN, [assumed]))) == {}


def test_a_fan_out_offers_all_items_that_were_not_tried() -> None:
    phase = a_phase([a_task("a", count=5)])
    attempts = [an_attempt("a", done(), index=0), an_attempt("a", index=3)]
    assert startable(decide_phase(a_phase_snapshot(phase, attempts))) == {"a": 3}


def test_what_is_ready_carries_its_agent_its_path_and_its_age() -> None:
    phase = a_phase([a_task("a", agent="loader"), *a_chain("b", "c")])
    snapshot = a_phase_snapshot(phase, persisted=a_running_phase(4), now=30)
    ready = {r.task: r for r in decide_phase(snapshot).ready}
    assert (ready["a"].agent, ready["a"].path, ready["a"].since) == ("loader", 1.0, at(4))
    assert ready["b"].path == 2.0


def test_evidence_of_a_task_that_the_spec_does_not_name_is_ignored() -> None:
    decision = decide_phase(a_phase_snapshot(CHAIN, [an_attempt("gone", done())]))
    assert set(decision.record.tasks) == {"a", "b"}


@pytest.mark.parametrize("levels", [SUSPENDED, HALTED, STOPPED], ids=["suspend", "halt", "stop"])
def test_nothing_new_starts_when_a_level_forbids_it(levels: Levels) -> None:
    assert decide_phase(a_phase_snapshot(CHAIN, levels=levels)).ready == ()


FAN_OUT = a_phase([a_task("a", count=4), a_task("b", count=4)], failure_policy="Fail")


def test_a_fan_out_that_runs_starts_no_further_item_once_the_phase_is_halted() -> None:
    snapshot = a_phase_snapshot(FAN_OUT, [an_attempt("a")], levels=HALTED)
    assert decide_phase(snapshot).ready == ()


def test_under_fail_fan_outs_that_run_start_no_further_item_once_one_has_failed() -> None:
    attempts = [an_attempt("a", broken()), an_attempt("a", index=1), an_attempt("b")]
    decision = decide_phase(a_phase_snapshot(FAN_OUT, attempts))
    assert [str(task.state) for task in decision.record.tasks.values()] == ["Running", "Running"]
    assert decision.ready == ()


def test_a_phase_can_be_suspended_by_its_own_spec() -> None:
    decision = decide_phase(a_phase_snapshot(a_phase(suspend=True), now=7))
    assert decision.ready == ()
    assert (decision.record.suspended, decision.record.suspended_changed_at) == (True, at(7))


def test_what_runs_goes_on_while_a_phase_is_suspended() -> None:
    decision = decide_phase(a_phase_snapshot(CHAIN, [an_attempt("a")], levels=SUSPENDED))
    assert decision.stop == ()
    assert decision.record.tasks["a"].state is TaskState.RUNNING


def test_the_time_of_a_suspension_moves_only_when_it_changes() -> None:
    suspended = replace(a_running_phase(), suspended=True, suspended_changed_at=at(1))
    still = decide_phase(a_phase_snapshot(persisted=suspended, levels=SUSPENDED, now=9))
    resumed = decide_phase(a_phase_snapshot(persisted=suspended, now=9))
    assert still.record.suspended_changed_at == at(1)
    assert (resumed.record.suspended, resumed.record.suspended_changed_at) == (False, at(9))


def failed_once(until: float) -> PhaseRecord:
    """Return a phase of which task a failed and may come again at that second."""
    record = TaskRecord(TaskState.BACKOFF, open={0: waiting_item(until=until)}, failures=1)
    return a_running_phase(a=replace(record, attempt=1))


def test_a_failed_item_starts_again_when_its_pause_is_over() -> None:
    persisted = failed_once(until=20)
    assert startable(decide_phase(a_phase_snapshot(RETRIED, persisted=persisted, now=19))) == {}
    assert startable(decide_phase(a_phase_snapshot(RETRIED, persisted=persisted, now=20))) == {
        "a": 1
    }


def test_a_failed_item_waits_until_its_failure_stands_in_status() -> None:
    failed = an_attempt("a", broken(), ended=10)
    snapshot = a_phase_snapshot(RETRIED, [failed], now=60)
    decision = decide_phase(snapshot)
    assert decision.ready == ()
    written = replace(snapshot, persisted=decision.record)
    assert startable(decide_phase(written)) == {"a": 1}


def test_an_earlier_failure_in_status_does_not_cover_a_later_one() -> None:
    second = an_attempt("a", broken(), number=2, ended=30)
    snapshot = a_phase_snapshot(RETRIED, [second], persisted=failed_once(20), now=90)
    assert decide_phase(snapshot).ready == ()


def test_a_pod_is_released_only_when_its_end_stands_in_status() -> None:
    ended = an_attempt("a", done({"n": 1}))
    snapshot = a_phase_snapshot(CHAIN, [ended])
    decision = decide_phase(snapshot)
    assert decision.release == ()
    written = replace(snapshot, persisted=decision.record)
    assert decide_phase(written).release == (ended,)


def test_a_failed_pod_is_released_when_its_failure_stands_in_status() -> None:
    first, second = an_attempt("a", broken()), an_attempt("a", broken(), number=2)
    snapshot = a_phase_snapshot(RETRIED, [first, second], persisted=failed_once(20))
    assert decide_phase(snapshot).release == (first,)


def test_a_live_pod_is_never_released() -> None:
    ended = replace(a_running_phase(), state=PhaseState.FAILED)
    assert decide_phase(a_phase_snapshot(CHAIN, [an_attempt("a")], persisted=ended)).release == ()


def test_a_pod_that_is_not_held_or_not_made_yet_needs_no_release() -> None:
    ended = replace(a_running_phase(), state=PhaseState.SUCCEEDED)
    gone = [an_attempt("a", done(), held=False), an_attempt("b", done(), uid="")]
    assert decide_phase(a_phase_snapshot(CHAIN, gone, persisted=ended)).release == ()


def test_an_ended_phase_releases_every_ended_pod_and_decides_nothing_else() -> None:
    ended = replace(a_running_phase(), state=PhaseState.FAILED, finished_at=at(5))
    stray = an_attempt("gone", lost(), number=7)
    decision = decide_phase(a_phase_snapshot(CHAIN, [stray], persisted=ended))
    assert decision == PhaseDecision(ended, release=(stray,))


def test_a_pod_lost_with_its_node_is_released_once_its_loss_is_recorded() -> None:
    silent = an_attempt("a", node_lost=True, deleted_at=at(5))
    phase = a_phase([a_task("a", on_node_lost="Retry")])
    snapshot = a_phase_snapshot(phase, [silent])
    decision = decide_phase(snapshot)
    assert decision.release == ()
    written = replace(snapshot, persisted=decision.record)
    assert decide_phase(written).release == (silent,)


def test_an_attempt_that_status_calls_running_and_nobody_sees_is_missing() -> None:
    running = TaskRecord(TaskState.RUNNING, open={0: running_item(2, failures=1)}, attempt=2)
    decision = decide_phase(a_phase_snapshot(CHAIN, persisted=a_running_phase(a=running)))
    assert decision.missing == (Missing("a", 0, 2),)
    assert decision.ready == ()


def test_an_attempt_that_is_seen_is_not_missing_and_a_pausing_one_neither() -> None:
    running = TaskRecord(TaskState.RUNNING, open={0: running_item()}, attempt=1)
    seen = a_phase_snapshot(CHAIN, [an_attempt("a")], persisted=a_running_phase(a=running))
    pausing = a_phase_snapshot(RETRIED, persisted=failed_once(20))
    assert decide_phase(seen).missing == ()
    assert decide_phase(pausing).missing == ()


def test_deciding_twice_on_the_same_snapshot_gives_the_same() -> None:
    snapshot = a_phase_snapshot(CHAIN, [an_attempt("a", done({"n": 1}))], now=40)
    assert decide_phase(snapshot) == decide_phase(snapshot)


def test_the_order_in_which_attempts_are_listed_does_not_matter() -> None:
    phase = a_phase([a_task("a", count=3, retry=a_retry(2))], failure_policy="Continue")
    attempts = [
        an_attempt("a", broken(), index=0, ended=4),
        an_attempt("a", done({"n": 1}), index=1, ended=9),
        an_attempt("a", index=2),
    ]
    forward = decide_phase(a_phase_snapshot(phase, attempts))
    assert decide_phase(a_phase_snapshot(phase, attempts[::-1])).record == forward.record


def test_the_phase_s_outputs_share_one_budget() -> None:
    phase = a_phase([a_task("a", count=70)], failure_policy="Continue")
    big = {"x": "a" * 3990}
    attempts = [an_attempt("a", done(big), index=i, ended=i) for i in range(70)]
    record = decide_phase(a_phase_snapshot(phase, attempts, now=99)).record.tasks["a"]
    assert record.succeeded == (1 << 65) - 1
    assert record.failed == ((1 << 70) - 1) & ~record.succeeded
    assert record.reason == "OutputsTooLarge"


def test_outputs_in_status_have_spent_part_of_the_budget() -> None:
    phase = a_phase([a_task("a"), a_task("b")])
    full = TaskRecord(TaskState.SUCCEEDED, succeeded=1, outputs={0: "x" * 262_100})
    snapshot = a_phase_snapshot(
        phase, [an_attempt("b", done({"x": "a" * 90}))], persisted=a_running_phase(a=full)
    )
    assert decide_phase(snapshot).record.tasks["b"].reason == "OutputsTooLarge"


def test_a_poison_spec_rejects_the_phase_and_still_lets_its_pods_go() -> None:
    poison = a_phase([a_task("a", depends_on=["a"])])
    known = a_running_phase(a=TaskRecord(open={0: running_item()}, attempt=1))
    ended = an_attempt("a", done())
    snapshot = a_phase_snapshot(poison, [ended], persisted=known, now=8)
    decision = decide_phase(snapshot)
    assert (decision.record.state, decision.record.reason) == (
        PhaseState.REJECTED,
        "DependencyCycle",
    )
    assert decision.record.finished_at == at(8)
    assert "spec.tasks[a].dependsOn" in decision.record.message
    assert (decision.ready, decision.release) == ((), ())
    written = replace(snapshot, persisted=decision.record)
    assert decide_phase(written).release == (ended,)


def test_a_rejected_phase_is_not_judged_again() -> None:
    rejected = replace(a_running_phase(), state=PhaseState.REJECTED)
    assert decide_phase(a_phase_snapshot(CHAIN, persisted=rejected)).record is rejected
