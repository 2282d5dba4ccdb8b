"""What Events say of scaling."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.core.pool.scale_story import scale_story


def a_condition(kind: str, reason: str, *, status: bool = True, message: str = "so") -> Any:
    text = "True" if status else "False"
    return {"type": kind, "status": text, "reason": reason, "message": message}


FOLLOWS = a_condition("ScalingActive", "FollowsTasks")


def a_status(desired: int, *conditions: Any, **counts: int) -> dict[str, Any]:
    return {"desiredReplicas": desired, "conditions": list(conditions), **counts}


def test_growth_is_told_with_the_tasks_that_made_it() -> None:
    before, after = a_status(0, FOLLOWS), a_status(3, FOLLOWS, busy=1, queued=5)

    assert list(scale_story(before, after)) == [
        ("ScaledUp", "Scaled up from 0 to 3: tasks running: 1, waiting: 5")
    ]


def test_shrinking_is_told_too() -> None:
    assert list(scale_story(a_status(3, FOLLOWS), a_status(0, FOLLOWS))) == [
        ("ScaledDown", "Scaled down from 3 to 0: tasks running: 0, waiting: 0")
    ]


def test_what_keeps_the_number_from_what_is_wanted_is_named() -> None:
    limited = a_condition("ScalingLimited", "TooManyReplicas", message="raise maxReplicas")

    ((_, told),) = scale_story(a_status(1, FOLLOWS), a_status(2, FOLLOWS, limited, queued=9))

    assert told.endswith("waiting: 9; raise maxReplicas")


def test_a_limit_that_does_not_hold_is_not_named() -> None:
    free = a_condition("ScalingLimited", "DesiredWithinRange", status=False, message="all is well")

    ((_, told),) = scale_story(a_status(1, FOLLOWS), a_status(2, FOLLOWS, free))

    assert "all is well" not in told


@pytest.mark.parametrize("reason", ["FixedReplicas", "ScalingConflict"])
def test_a_number_that_is_given_is_told_as_such(reason: str) -> None:
    given = a_condition("ScalingActive", reason, status=False)

    (first, *_) = scale_story(a_status(1, given), a_status(4, given))

    assert first == (
        "ScaledUp",
        "Scaled up from 1 to 4: the number is given by spec.replicas, or is 1 where that is not "
        "set",
    )


def test_the_first_workers_of_an_agent_are_told() -> None:
    ((reason, told),) = scale_story({}, a_status(2, FOLLOWS))

    assert (reason, told[:22]) == ("ScaledUp", "Scaled up from 0 to 2:")


def test_a_number_that_stays_tells_nothing_whatever_else_changes() -> None:
    assert not list(scale_story(a_status(2, FOLLOWS, busy=1), a_status(2, FOLLOWS, busy=2)))


def test_an_agent_without_workers_of_its_own_tells_nothing() -> None:
    ready = a_condition("Ready", "RevisionStored")

    assert not list(scale_story({}, {"conditions": [ready], "busy": 3}))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("ScalingActive", "ScalingConflict"),
        ("AbleToScale", "WorkersFailing"),
        ("AbleToScale", "CreationRefused"),
        ("Ready", "RevisionLost"),
        ("Ready", "RevisionConflict"),
    ],
)
def test_a_trouble_is_told_once_in_the_words_of_its_condition(kind: str, reason: str) -> None:
    well = a_status(1, a_condition(kind, "Fine"))
    first = a_status(1, a_condition(kind, reason, status=False, message="do this"))
    later = a_status(1, a_condition(kind, reason, status=False, message="do this at noon"))

    assert list(scale_story(well, first)) == [(reason, "do this")]
    assert not list(scale_story(first, later))
    assert not list(scale_story(later, well))
