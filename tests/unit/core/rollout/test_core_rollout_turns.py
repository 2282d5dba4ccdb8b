"""Rollouts: another template during one, and the ways back."""

from __future__ import annotations

import pytest

from spectra_operator.core.pool.fleet import Keep, Why
from spectra_operator.core.rollout.records import WorkerCounts
from unit.core.rollout.rollout_cases import NONE_READY, exposed, settled


# A template change during a rollout.
def test_another_template_jumps_to_the_newest_and_the_stable_one_stays() -> None:
    scene = exposed()
    scene.end("v2", failed=1)

    decision = scene.want("v3")

    assert scene.standing() == ("Exposed", "Switched", "v1", "v3")
    assert decision.allowed == {"v3": 10, "v1": None}
    assert [(e.revision, e.outcome) for e in scene.record.history] == [
        ("v1", "Promoted"),
        ("v2", "Superseded"),
    ]


def test_a_superseded_revision_gets_nothing_more_while_the_newest_gets_ready() -> None:
    scene = exposed()
    scene.workers["v3"] = WorkerCounts(starting=1)

    decision = scene.want("v3")

    assert scene.standing() == ("Preview", "Progressing", "v1", "v1")
    assert decision.allowed == {"v1": None}


def test_a_third_revision_that_fails_leads_back_to_the_one_promoted_last() -> None:
    scene = exposed()
    scene.want("v3")

    scene.end("v3", failed=2)

    assert scene.standing() == ("RolledBack", "AnalysisFailed", "v1", "v1")


@pytest.mark.parametrize(
    ("workers", "state"),
    [(NONE_READY, "Aborted"), (dict.fromkeys(("v1", "v2"), WorkerCounts(ready=1)), "RolledBack")],
)
def test_the_stable_template_again_goes_back_at_once(
    workers: dict[str, WorkerCounts], state: str
) -> None:
    scene = settled(workers=dict(workers))
    scene.want("v2")

    decision = scene.want("v1")

    assert scene.standing() == (state, "TemplateRestored", "v1", "v1")
    assert scene.record.rejected == ""
    assert decision.allowed == {"v1": None}


def test_a_rejected_template_that_comes_back_after_another_is_judged_from_the_start() -> None:
    scene = exposed()
    scene.end("v2", failed=2)
    scene.want("v1")

    scene.want("v2")

    assert scene.record.state == "Exposed"
    assert scene.stats["v2"].ended == 0
    assert scene.end("v2", succeeded=10).record.stable == "v2"


# Going back to what was promoted before needs no gate and no analysis, but a ready worker.
def test_the_template_of_a_revision_that_was_promoted_before_comes_back_without_analysis() -> None:
    scene = exposed()
    scene.end("v2", succeeded=10)

    scene.want("v1")

    assert scene.standing() == ("Promoted", "TemplateRestored", "v1", "v1")
    assert scene.record.warm == ""
    assert not scene.record.was_promoted("v2")


def test_what_comes_back_keeps_workers_by_demand_until_one_is_ready() -> None:
    scene = exposed()
    scene.end("v2", succeeded=10)
    scene.workers["v1"] = WorkerCounts()

    decision = scene.want("v1")

    assert scene.standing() == ("Preview", "Progressing", "v2", "v2")
    assert decision.keep["v1"] == Keep(Why.PREVIEW, least=1)
    assert decision.allowed == {"v2": None}
    scene.workers["v1"] = WorkerCounts(ready=1)
    assert scene.decide().allowed == {"v1": None}
