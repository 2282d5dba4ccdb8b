"""Rollouts: deadlines without progress, and workers that fail or crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spectra_operator.core.pool.fleet import Keep, Why
from spectra_operator.core.rollout.records import WorkerCounts
from unit.core.rollout.rollout_cases import NONE_READY, at, exposed, settled


# Before the switch: no worker ready within the deadline.
def test_a_revision_without_a_ready_worker_is_aborted_at_the_progress_deadline() -> None:
    scene = settled(workers=NONE_READY)
    scene.want("v2")

    assert scene.after(299).wake_at == at(300)
    decision = scene.after(1)

    assert scene.standing() == ("Aborted", "ProgressDeadlineExceeded", "v1", "v1")
    assert decision.keep == {"v1": Keep(Why.ACTIVE)}
    assert scene.record.rejected == "v2"


def test_each_step_towards_the_switch_sets_the_deadline_anew() -> None:
    scene = settled(workers=NONE_READY, stored=frozenset({"v1"}))
    scene.want("v2")
    scene.second = 200
    scene.stored = frozenset({"v1", "v2"})

    assert scene.decide().wake_at == at(500)


# After the switch: workers that should be there and are not.
def test_a_switched_revision_whose_workers_do_not_come_back_is_rolled_back() -> None:
    scene = exposed()
    scene.workers["v2"] = WorkerCounts(starting=1, failing=1)

    assert scene.after(10).wake_at == at(310)
    scene.after(300)

    assert scene.standing() == ("RolledBack", "ProgressDeadlineExceeded", "v1", "v1")


def test_a_worker_that_comes_back_in_time_ends_the_deadline() -> None:
    scene = exposed()
    scene.workers["v2"] = WorkerCounts(starting=1)
    scene.after(10)
    scene.workers["v2"] = WorkerCounts(ready=1)

    assert scene.after(299).wake_at is None
    assert scene.after(1000).record.state == "Exposed"


def test_a_revision_without_tasks_and_so_without_workers_is_given_all_the_time() -> None:
    scene = exposed()
    scene.workers = {}

    assert scene.after(100_000).wake_at is None
    assert scene.record.state == "Exposed"


def test_workers_that_keep_failing_fail_the_revision() -> None:
    scene = exposed()
    scene.workers["v2"] = WorkerCounts(ready=1, failing=3)

    scene.decide()

    assert scene.standing() == ("RolledBack", "WorkersCrashing", "v1", "v1")


STUCK = WorkerCounts(failing=1, stuck=1, trouble="w1 cannot start: ImagePullBackOff: nope:1")


def test_before_the_switch_a_revision_whose_worker_cannot_start_is_given_up_at_once() -> None:
    scene = settled(workers={"v1": WorkerCounts(ready=3), "v2": STUCK})
    scene.want("v2")

    assert scene.standing() == ("Aborted", "WorkersCrashing", "v1", "v1")
    assert scene.record.message.endswith("worker w1 cannot start: ImagePullBackOff: nope:1")
    assert scene.record.rejected == "v2"


def test_after_the_switch_it_is_rolled_back() -> None:
    scene = exposed()
    scene.workers["v2"] = STUCK

    scene.decide()

    assert scene.standing() == ("RolledBack", "WorkersCrashing", "v1", "v1")
    assert "nope:1" in scene.record.message


def test_a_worker_that_cannot_start_beside_a_ready_one_is_hardly_the_revisions_fault() -> None:
    scene = exposed()
    scene.workers["v2"] = replace(STUCK, ready=1)

    assert scene.after(10_000).record.state == "Exposed"


def test_three_that_cannot_start_are_no_accident_and_the_message_says_what_keeps_them() -> None:
    scene = exposed()
    scene.workers["v2"] = replace(STUCK, ready=1, failing=3, stuck=3)

    scene.decide()

    assert scene.record.reason == "WorkersCrashing"
    assert scene.record.message.endswith("3 of its workers failed; worker " + STUCK.trouble)


def test_what_may_still_pass_is_named_while_the_rollout_waits() -> None:
    waits = WorkerCounts(starting=1, trouble=STUCK.trouble)
    scene = settled(workers={"v1": WorkerCounts(ready=3), "v2": waits})
    scene.want("v2")

    assert scene.record.message.endswith(f"1 start, 0 failed; worker {STUCK.trouble}")
    scene.after(300)
    assert scene.record.reason == "ProgressDeadlineExceeded"
    assert STUCK.trouble in scene.record.message


@pytest.mark.parametrize(("crashed", "state"), [(2, "Exposed"), (3, "RolledBack")])
def test_attempts_that_crash_their_workers_fail_the_revision(crashed: int, state: str) -> None:
    scene = exposed()

    scene.end("v2", crashed=crashed)

    assert scene.record.state == state


def test_losses_to_the_infrastructure_say_nothing_of_the_revision() -> None:
    scene = exposed()

    scene.end("v2", lost=500)

    assert scene.record.state == "Exposed"
    assert scene.end("v2", succeeded=10).record.state == "Promoted"
