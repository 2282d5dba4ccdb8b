"""Rollouts: how a revision gets ready, is switched to, and where it ends."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.core.pool.fleet import Keep, Why
from spectra_operator.core.rollout.records import RolloutRecord, WorkerCounts
from unit.core.rollout.rollout_cases import (
    NONE_READY,
    Scene,
    a_rollout,
    analysed,
    at,
    exposed,
    settled,
)


def test_the_first_revision_is_active_and_stable_at_once() -> None:
    scene = Scene(analysed(), workers={})

    decision = scene.at_rest()

    assert scene.standing() == ("Promoted", "FirstRevision", "v1", "v1")
    assert decision.allowed == {"v1": None}
    assert decision.keep == {"v1": Keep(Why.ACTIVE)}


def test_nothing_is_allowed_before_the_first_revision_is_stored() -> None:
    scene = Scene(analysed(), stored=frozenset())

    decision = scene.at_rest()

    assert scene.standing() == ("Pending", "RevisionNotStored", "", "")
    assert (decision.allowed, decision.keep) == ({}, {})


def test_an_invalid_spec_changes_nothing() -> None:
    scene = exposed()
    before = scene.record

    scene.want("")

    assert scene.record == before


def test_a_changed_template_gets_a_worker_ready_before_anything_else_changes() -> None:
    scene = settled(workers=NONE_READY)

    decision = scene.want("v2")

    assert scene.standing() == ("Preview", "Progressing", "v1", "v1")
    assert decision.allowed == {"v1": None}
    assert decision.keep == {"v2": Keep(Why.PREVIEW, least=1, most=1), "v1": Keep(Why.ACTIVE)}
    assert decision.wake_at == at(300)
    assert scene.record.message == "revision v2 has no ready worker: 1 start, 0 failed"


def test_a_revision_that_is_not_stored_yet_is_pending() -> None:
    scene = settled(stored=frozenset({"v1"}))

    scene.want("v2")

    assert scene.standing() == ("Pending", "Progressing", "v1", "v1")


def test_the_switch_follows_the_first_ready_worker_and_both_revisions_then_serve() -> None:
    scene = settled(workers=NONE_READY)
    scene.want("v2")
    scene.workers["v2"] = WorkerCounts(ready=1)

    decision = scene.at_rest()

    assert scene.standing() == ("Exposed", "Switched", "v1", "v2")
    assert list(decision.allowed.items()) == [("v2", 10), ("v1", None)]
    assert decision.keep == {"v2": Keep(Why.ACTIVE), "v1": Keep(Why.STABLE)}
    assert scene.told == ["RolloutStarted", "Progressing", "Switched"]


# What an unproven revision may still be given: running and ended attempts use its places up; a
# loss to others gives the place back, one to a crash of its own worker does not.
@pytest.mark.parametrize(
    ("running", "ends", "left"),
    [
        (0, {}, 10),
        (4, {}, 6),
        (10, {}, 0),
        (12, {}, 0),
        (4, {"succeeded": 3}, 3),
        (0, {"failed": 1, "succeeded": 2}, 7),
        (1, {"lost": 5}, 9),
        (1, {"crashed": 2}, 7),
    ],
)
def test_running_and_ended_attempts_use_up_the_places_of_an_unproven_revision(
    running: int, ends: dict[str, Any], left: int
) -> None:
    scene = exposed()
    scene.running["v2"] = running

    assert scene.end("v2", **ends).allowed == {"v2": left, "v1": None}


def test_a_revision_that_passes_is_promoted_and_the_former_one_stays_warm() -> None:
    scene = exposed()
    scene.second = 50

    decision = scene.end("v2", succeeded=9, failed=1)

    assert scene.standing() == ("Promoted", "AnalysisPassed", "v2", "v2")
    assert decision.allowed == {"v2": None}
    assert decision.keep == {"v1": Keep(Why.WARM), "v2": Keep(Why.ACTIVE)}
    assert decision.wake_at == at(650)
    assert scene.after(599).keep.keys() == {"v1", "v2"}
    assert scene.after(1).keep.keys() == {"v2"}


def test_a_revision_that_fails_is_rolled_back_at_once_and_not_tried_again_by_itself() -> None:
    scene = exposed()

    decision = scene.end("v2", succeeded=3, failed=2)

    assert scene.standing() == ("RolledBack", "AnalysisFailed", "v1", "v1")
    assert "failureRatio <= 0.1 does not hold: failureRatio is 0.4" in scene.record.message
    assert decision.allowed == {"v1": None}
    assert decision.keep == {"v1": Keep(Why.ACTIVE)}
    assert scene.record.rejected == "v2"
    assert scene.after(10_000).allowed == {"v1": None}


# One of ten may fail. The second failure cannot be made good any more, the first one can.
@pytest.mark.parametrize(("failed", "state"), [(0, "Exposed"), (1, "Exposed"), (2, "RolledBack")])
def test_a_rollback_does_not_wait_for_a_minimum_that_could_change_nothing(
    failed: int, state: str
) -> None:
    scene = exposed()

    scene.end("v2", failed=failed)

    assert scene.record.state == state


def test_without_an_analysis_a_ready_revision_is_promoted_at_once() -> None:
    scene = settled(a_rollout())

    scene.want("v2")

    assert scene.standing() == ("Promoted", "NoAnalysis", "v2", "v2")
    assert scene.record.warm == "v1"


def test_without_an_analysis_there_are_first_as_many_workers_as_the_tasks_make_wanted() -> None:
    scene = settled(a_rollout(), desired=3)

    assert scene.want("v2").keep["v2"] == Keep(Why.PREVIEW, least=1)
    assert scene.record.message == "revision v2 has 1 of 3 workers ready: 0 start, 0 failed"

    scene.workers["v2"] = WorkerCounts(ready=3)
    scene.decide()
    assert scene.standing() == ("Promoted", "NoAnalysis", "v2", "v2")


def test_each_worker_that_gets_ready_is_a_step_forward() -> None:
    scene = settled(a_rollout(), desired=3)
    scene.want("v2")
    scene.workers["v2"] = WorkerCounts(ready=2)

    assert scene.after(200).wake_at == at(500)


def test_the_immediate_strategy_waits_for_no_worker_and_keeps_none_warm() -> None:
    scene = settled(a_rollout(strategy="Immediate"), workers={})

    decision = scene.want("v2")

    assert scene.standing() == ("Promoted", "Immediate", "v2", "v2")
    assert decision.keep == {"v2": Keep(Why.ACTIVE)}


def test_a_strategy_that_becomes_immediate_ends_the_analysis() -> None:
    scene = exposed()
    scene.spec = scene.spec.model_copy(update=dict(a_rollout(strategy="Immediate")))

    scene.decide()

    assert (scene.record.state, scene.record.stable) == ("Promoted", "v2")


def test_nothing_stays_warm_where_warm_seconds_is_zero() -> None:
    scene = settled(a_rollout(warmSeconds=0))

    assert scene.want("v2").keep == {"v2": Keep(Why.ACTIVE)}


# pause: a person's hold in the spec.
def test_pause_holds_the_switch_without_a_deadline() -> None:
    scene = settled(a_rollout(pause=True))
    decision = scene.want("v2")

    assert scene.standing() == ("Paused", "PausedBySpec", "v1", "v1")
    assert decision.wake_at is None
    assert scene.after(10_000).record.state == "Paused"
    scene.spec = a_rollout()
    assert scene.decide().record.state == "Promoted"


def test_pause_holds_the_promotion_but_not_the_way_back() -> None:
    scene = exposed()
    scene.spec = scene.spec.model_copy(update={"pause": True})

    held = scene.end("v2", succeeded=10)

    assert scene.standing() == ("Paused", "PausedBySpec", "v1", "v2")
    assert held.allowed == {"v2": 0, "v1": None}
    scene.end("v2", failed=5)
    assert scene.standing() == ("RolledBack", "AnalysisFailed", "v1", "v1")


def test_pause_does_not_hold_what_was_promoted_before() -> None:
    scene = exposed()
    scene.end("v2", succeeded=10)
    scene.spec = scene.spec.model_copy(update={"pause": True})

    assert scene.want("v1").record.stable == "v1"


# Mode Pod: attempts instead of claims, no workers.
def test_in_mode_pod_the_same_rules_hold_without_workers() -> None:
    scene = exposed(pooled=False)
    scene.running["v2"] = 4

    decision = scene.decide()

    assert decision.keep == {}
    assert decision.allowed == {"v2": 6, "v1": None}
    scene.running = {}
    scene.end("v2", succeeded=10)
    assert (scene.record.stable, scene.record.warm) == ("v2", "")
    scene.want("v3")
    assert scene.end("v3", failed=2).record.state == "RolledBack"


def test_history_is_bounded_and_the_oldest_goes_first() -> None:
    scene = settled()
    for number in range(30):
        revision = f"r{number}"
        scene.stored |= {revision}
        scene.workers[revision] = WorkerCounts(ready=1)
        scene.want(revision)
        scene.end(revision, failed=2)

    assert [each.revision for each in scene.record.history] == [f"r{n}" for n in range(20, 30)]


def test_a_status_that_somebody_broke_is_a_start_without_memory() -> None:
    scene = exposed()
    scene.record = RolloutRecord()

    scene.decide()

    assert scene.standing() == ("Promoted", "FirstRevision", "v2", "v2")
