"""Conditions as `kubectl wait` reads them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from builders.pods import at
from spectra_operator.core.conditions import (
    Condition,
    Run,
    conditions,
    find,
    render_conditions,
    timestamp,
)


def told(**fields: Any) -> dict[str, dict[str, Any]]:
    """Return the conditions of a run by type."""
    run: dict[str, Any] = {
        "generation": 3,
        "state": "Running",
        "accepted": True,
        "ended": False,
        "succeeded": False,
        "suspended": False,
        "reason": "",
        "message": "",
        "started_at": at(1),
        "finished_at": None,
        "suspended_changed_at": None,
        "now": at(9),
    }
    return {c["type"]: c for c in conditions(Run(**(run | fields)))}


def statuses(**fields: Any) -> str:
    """Return the types of the conditions that are true."""
    return " ".join(name for name, c in told(**fields).items() if c["status"] == "True")


@pytest.mark.parametrize(
    ("fields", "true"),
    [
        pytest.param({}, "Accepted Progressing", id="running"),
        pytest.param({"accepted": False, "state": "Pending"}, "", id="pending"),
        pytest.param(
            {"accepted": False, "ended": True, "state": "Rejected"}, "Failed", id="rejected"
        ),
        pytest.param({"ended": True, "succeeded": True}, "Accepted Complete", id="succeeded"),
        pytest.param({"ended": True}, "Accepted Failed", id="failed"),
        pytest.param({"suspended": True}, "Accepted Progressing Suspended", id="suspended"),
    ],
)
def test_each_state_has_its_conditions(fields: dict[str, Any], true: str) -> None:
    assert statuses(**fields) == true


def test_every_condition_has_all_that_kubernetes_asks_for() -> None:
    for condition in told(reason="TaskFailed", message="task a failed").values():
        assert re.fullmatch(r"[A-Za-z]+", condition["reason"])
        assert condition["observedGeneration"] == 3
        assert condition["lastTransitionTime"].endswith("Z")


def test_a_condition_turned_when_the_run_did() -> None:
    running, ended = told(), told(ended=True, finished_at=at(7))
    assert running["Progressing"]["lastTransitionTime"] == timestamp(at(1))
    assert ended["Progressing"]["lastTransitionTime"] == timestamp(at(7))
    assert ended["Accepted"]["lastTransitionTime"] == timestamp(at(1))
    suspended = told(suspended=True, suspended_changed_at=at(5))["Suspended"]
    assert suspended["lastTransitionTime"] == timestamp(at(5))


def test_conditions_do_not_move_while_a_run_goes_on() -> None:
    assert told(now=at(9)) == told(now=at(99))


def test_a_run_that_never_started_turned_when_it_ended_or_now() -> None:
    rejected = told(started_at=None, finished_at=at(4), accepted=False, ended=True)
    assert rejected["Failed"]["lastTransitionTime"] == timestamp(at(4))
    assert told(started_at=None)["Accepted"]["lastTransitionTime"] == timestamp(at(9))


def test_a_failure_says_why() -> None:
    failed = told(ended=True, reason="TaskFailed", message="task a failed")["Failed"]
    assert (failed["reason"], failed["message"]) == ("TaskFailed", "task a failed")


def test_a_condition_is_found_by_its_type() -> None:
    status = {"conditions": list(told().values())}
    assert find(status, "Accepted")["status"] == "True"
    assert find(status, "Ready") == {}
    assert find({}, "Ready") == {}


LIMITED = Condition("ScalingLimited", True, "TooManyReplicas", "more are wanted")


def test_a_new_condition_begins_now() -> None:
    (found,) = render_conditions([LIMITED], [], 4, at(0))

    assert found == {
        "type": "ScalingLimited",
        "status": "True",
        "observedGeneration": 4,
        "lastTransitionTime": timestamp(at(0)),
        "reason": "TooManyReplicas",
        "message": "more are wanted",
    }


def test_a_condition_whose_status_stays_keeps_its_time_though_its_reason_changes() -> None:
    stored = render_conditions([LIMITED], [], 4, at(0))
    again = Condition("ScalingLimited", True, "ScaleUpLimit", "not all come now")
    other = Condition("ScalingLimited", False, "DesiredWithinRange", "all is well")

    kept, begun = render_conditions([again, other], stored, 5, at(60))
    assert kept["lastTransitionTime"] == timestamp(at(0))
    assert begun["lastTransitionTime"] == timestamp(at(60))
