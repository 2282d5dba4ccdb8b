"""Rollouts: deadlines without progress, and workers that fail or crash."""

from __future__ import annotations

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
