"""What a status says of scaling."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.api.constants import MAX_WORKERS
from spectra_operator.core.conditions import timestamp
from spectra_operator.core.pool.past import Past
from spectra_operator.core.pool.scale_status import scale_counts
from unit.core.pool.fleet_cases import a_pool, a_worker, at, decide, many, scaled


def messages(**fields: Any) -> dict[str, str]:
    """Return the messages of a plan by reason."""
    spec = fields.pop("spec", scaled())
    return {each.reason: each.message for each in decide(spec, **fields).conditions}


def test_counts_are_of_the_active_revision_without_those_that_drain_or_are_lost() -> None:
    found = [
        *many(2),
        a_worker("starting", "Starting"),
        a_worker("silent", "Silent"),
        a_worker("failed", "Failed"),
        a_worker("going", "Deleting"),
        a_worker("drains", draining=True),
        a_worker("old", revision="r0"),
    ]

    assert scale_counts("optimizer", found, "r1", 5) == {
        "ready": "2/5",
        "replicas": 4,
        "readyReplicas": 2,
        "desiredReplicas": 5,
        "selector": "spectra.dev/worker=true,spectra.dev/agent=optimizer",
    }


def test_the_selector_of_the_longest_name_fits_its_field() -> None:
    assert len(scale_counts("a" * 63, [], "r1", MAX_WORKERS)["selector"]) <= 256


@pytest.mark.parametrize(
    ("fields", "reason", "says"),
    [
        ({}, "FollowsTasks", "one worker for each task that waits or runs"),
        ({"spec": scaled(slots=4)}, "FollowsTasks", "one worker for every 4 tasks"),
        ({"spec": a_pool()}, "FixedReplicas", "spec.replicas, or 1"),
        ({"spec": a_pool(replicas=0)}, "NoReplicas", "no task of this agent is begun: scale it up"),
        ({"claimable": 99}, "TooManyReplicas", "maxReplicas (10); raise it"),
        ({"spec": scaled(minReplicas=2)}, "TooFewReplicas", "minReplicas (2)"),
        ({"revision": ""}, "RevisionNotStored", "when it is"),
        ({"past": Past(5, 5)}, "ScaleDownStabilized", "scaleDown's window"),
    ],
)
def test_a_message_says_what_holds_and_what_to_do(
    fields: dict[str, Any], reason: str, says: str
) -> None:
    assert says in messages(**fields)[reason]


def test_a_direction_that_is_disabled_says_so() -> None:
    up = {"selectPolicy": "Disabled"}
    down = {"selectPolicy": "Disabled", "stabilizationWindowSeconds": 0}

    grown = messages(spec=scaled(up), claimable=5, past=Past(1, 1))
    shrunk = messages(spec=scaled(down=down), claimable=1, past=Past(5, 5))

    assert grown["ScaleUpLimit"] == "behavior.scaleUp lets no worker come now"
    assert shrunk["ScaleDownLimit"] == "behavior.scaleDown lets no worker go now"


def test_failures_say_how_often_and_when_the_next_are_made() -> None:
    plan = decide(scaled(), a_worker("bad", "Failed"), claimable=1, past=Past(1, 1))
    (once,) = (each.message for each in plan.conditions if each.reason == "WorkersFailing")
    assert "revision r1 failed once" in once
    assert timestamp(at(1)) in once

    newer = a_worker("bad", "Failed", created_at=at(1))
    plan = decide(scaled(), newer, claimable=1, past=plan.past, now=at(5))
    (twice,) = (each.message for each in plan.conditions if each.reason == "WorkersFailing")
    assert "failed 2 times in a row" in twice


def test_a_long_refusal_fits_the_condition() -> None:
    found = decide(scaled(), refused="x" * 5000).conditions

    assert max(len(each.message) for each in found) <= 1024
