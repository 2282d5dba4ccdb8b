"""How many workers there should be: the formula, windows, policies, bounds, conflicts."""

from __future__ import annotations

from typing import Any

import pytest

from builders.clock import START
from spectra_operator.api.agent import AgentSpec
from spectra_operator.core.pool.past import NO_PAST, Past, Recommendation, ScaleChange
from unit.core.pool.fleet_cases import (
    Demand,
    Fleet,
    a_pool,
    a_worker,
    at,
    decide,
    many,
    says,
    scaled,
)

WANTED = Past(target=8, wanted=8)
"""Eight workers were wanted until now."""


@pytest.mark.parametrize(
    ("spec", "claimable", "claims", "desired"),
    [
        (scaled(), 0, 0, 0),
        (scaled(), 1, 0, 1),
        (scaled(), 3, 2, 5),
        (scaled(slots=4), 9, 0, 3),
        (scaled(slots=4), 8, 1, 3),
        (scaled(slots=4, tasksPerReplica=2), 9, 0, 5),
        (scaled(slots=1, tasksPerReplica=64), 64, 0, 1),
        (scaled(minReplicas=2), 0, 0, 2),
        (scaled(minReplicas=2), 1, 0, 2),
        (scaled(), 500, 0, 10),
        (scaled(maxReplicas=1), 500, 0, 1),
    ],
)
def test_waiting_and_running_tasks_over_the_tasks_of_one_worker_within_bounds(
    spec: AgentSpec, claimable: int, claims: int, desired: int
) -> None:
    running = [a_worker("busy", claims=claims)] if claims else []

    assert decide(spec, *running, claimable=claimable, past=Past(0, 0)).desired == desired


def test_tasks_of_every_worker_count_as_running_wherever_they_run() -> None:
    held = [
        a_worker("a", claims=1),
        a_worker("b", "Silent", claims=1),
        a_worker("c", "Deleting", claims=1),
        a_worker("d", draining=True, claims=1),
        a_worker("e", revision="r0", claims=1),
    ]

    assert decide(scaled(), *held, past=Past(0, 0)).desired == 5


def test_a_start_from_zero_makes_sixteen_at_once_and_then_doubles() -> None:
    fleet = Fleet(scaled(maxReplicas=100), [Demand(0, 100, 600)]).run(until=60)

    assert fleet.desired() == [(0, 16), (15, 32), (30, 64), (45, 100)]


def test_from_some_workers_the_defaults_let_four_come_or_as_many_again() -> None:
    spec = scaled(maxReplicas=100)

    assert decide(spec, claimable=100, past=Past(1, 1)).desired == 5
    assert decide(spec, claimable=100, past=Past(30, 30)).desired == 60


@pytest.mark.parametrize(
    ("select", "policies", "after"),
    [
        ("Max", [("Pods", 1, 60)], 9),
        ("Max", [("Percent", 50, 60)], 12),
        ("Max", [("Percent", 1, 60)], 9),
        ("Max", [("Pods", 1, 60), ("Percent", 50, 60)], 12),
        ("Min", [("Pods", 1, 60), ("Percent", 50, 60)], 9),
        ("Disabled", [("Pods", 1, 60)], 8),
    ],
)
def test_growth_obeys_the_policies(
    select: str, policies: list[tuple[str, int, int]], after: int
) -> None:
    plan = decide(scaled(_rules(select, policies), maxReplicas=99), claimable=99, past=WANTED)

    assert plan.desired == after
    assert says(plan, "ScalingLimited") == (True, "ScaleUpLimit")
    assert plan.wake_at == (None if after == 8 else at(60))


@pytest.mark.parametrize(
    ("select", "policies", "after"),
    [
        ("Max", [("Pods", 1, 60)], 7),
        ("Max", [("Percent", 50, 60)], 4),
        ("Max", [("Percent", 1, 60)], 7),
        ("Max", [("Pods", 1, 60), ("Percent", 50, 60)], 4),
        ("Min", [("Pods", 1, 60), ("Percent", 50, 60)], 7),
        ("Disabled", [("Pods", 1, 60)], 8),
    ],
)
def test_shrinking_obeys_the_policies(
    select: str, policies: list[tuple[str, int, int]], after: int
) -> None:
    rules = _rules(select, policies) | {"stabilizationWindowSeconds": 0}
    plan = decide(scaled(down=rules, cooldownSeconds=0), past=WANTED)

    assert plan.desired == after
    assert says(plan, "ScalingLimited") == (True, "ScaleDownLimit")


def _rules(select: str, policies: list[tuple[str, int, int]]) -> dict[str, Any]:
    listed = [
        {"type": kind, "value": value, "periodSeconds": period} for kind, value, period in policies
    ]
    return {"selectPolicy": select, "policies": listed}


def test_what_changed_within_the_period_counts_against_the_policy() -> None:
    up = _rules("Max", [("Pods", 4, 60)])
    past = Past(target=6, wanted=6, changes=(ScaleChange(at(-59), 3),))

    plan = decide(scaled(up), claimable=10, past=past)

    assert plan.desired == 7
    assert plan.past.changes == (ScaleChange(at(-59), 3), ScaleChange(START, 1))
    assert plan.wake_at == at(1)


def test_an_explicit_percentage_lets_a_start_from_zero_be() -> None:
    up = _rules("Max", [("Percent", 100, 15)])

    assert decide(scaled(up), claimable=10, past=Past(0, 0)).desired == 1


def test_shrinking_waits_for_the_window_and_says_when_it_comes() -> None:
    plan = decide(scaled(), claimable=2, past=WANTED)

    assert (plan.desired, plan.wake_at) == (8, at(300))
    assert says(plan, "AbleToScale") == (True, "ScaleDownStabilized")
    assert plan.past.history == (Recommendation(START, 8),)
    assert decide(scaled(), claimable=2, past=plan.past, now=at(299)).desired == 8
    assert decide(scaled(), claimable=2, past=plan.past, now=at(300)).desired == 2


def test_shrinking_goes_down_by_the_steps_of_what_was_wanted() -> None:
    history = (Recommendation(at(-290), 6), Recommendation(at(-100), 3))
    past = Past(target=8, wanted=0, history=history)

    desired = [decide(scaled(), past=past, now=at(s)).desired for s in (0, 9, 10, 199, 200)]

    assert desired == [6, 6, 3, 3, 0]


def test_a_window_for_growth_waits_for_the_smallest() -> None:
    spec = scaled({"stabilizationWindowSeconds": 30})

    plan = decide(spec, claimable=4, past=Past(target=1, wanted=1))

    assert (plan.desired, plan.wake_at) == (1, at(30))
    assert says(plan, "AbleToScale") == (True, "ScaleUpStabilized")
    assert decide(spec, claimable=4, past=plan.past, now=at(30)).desired == 4


def test_the_last_worker_waits_for_the_cooldown() -> None:
    spec = scaled(down={"stabilizationWindowSeconds": 10}, cooldownSeconds=100)
    fleet = Fleet(spec, [Demand(0, 4, 20)]).run()

    assert fleet.desired() == [(0, 4), (32, 1), (122, 0)]


def test_a_cooldown_shorter_than_the_window_changes_nothing() -> None:
    spec = scaled(down={"stabilizationWindowSeconds": 100}, cooldownSeconds=10)
    fleet = Fleet(spec, [Demand(0, 4, 20)]).run()

    assert fleet.desired() == [(0, 4), (122, 0)]


def test_bounds_hold_at_once_when_they_are_changed() -> None:
    slow = _rules("Max", [("Pods", 1, 60)])
    lowered = scaled(slow, slow, maxReplicas=3)
    raised = scaled(slow, slow, minReplicas=9)

    assert decide(lowered, claimable=8, past=WANTED).desired == 3
    assert decide(raised, past=WANTED).desired == 9


def test_a_raised_maximum_is_no_reason_to_grow_to_what_was_once_wanted() -> None:
    past = Past(target=10, wanted=2, history=(Recommendation(START, 90),))

    assert decide(scaled(maxReplicas=99), claimable=2, past=past).desired == 10


@pytest.mark.parametrize(
    ("spec", "claimable", "told"),
    [
        (scaled(), 5, (False, "DesiredWithinRange")),
        (scaled(), 11, (True, "TooManyReplicas")),
        (scaled(minReplicas=1), 0, (True, "TooFewReplicas")),
    ],
)
def test_bounds_that_keep_from_what_is_wanted_are_told(
    spec: AgentSpec, claimable: int, told: tuple[bool, str]
) -> None:
    plan = decide(spec, claimable=claimable, past=Past(0, 0))

    assert says(plan, "ScalingLimited") == told
    assert says(plan, "ScalingActive") == (True, "FollowsTasks")
    assert says(plan, "AbleToScale") == (True, "ReadyForNewScale")


@pytest.mark.parametrize(("replicas", "desired"), [(None, 1), (0, 0), (3, 3), (1000, 1000)])
def test_without_scaling_replicas_is_obeyed(replicas: int | None, desired: int) -> None:
    spec = a_pool() if replicas is None else a_pool(replicas=replicas)

    plan = decide(spec, claimable=50)

    assert (plan.desired, plan.create) == (desired, min(desired, 16))
    reason = "FixedReplicas" if desired else "NoReplicas"
    assert says(plan, "ScalingActive") == (False, reason)
    assert says(plan, "ScalingLimited") == (False, "DesiredWithinRange")


def test_replicas_beside_scaling_wins_at_once_and_is_a_conflict() -> None:
    spec = scaled().model_copy(update={"replicas": 2})

    plan = decide(spec, *many(8), claimable=50, past=WANTED)

    assert (plan.desired, len(plan.drain)) == (2, 6)
    assert says(plan, "ScalingActive") == (False, "ScalingConflict")
    (told,) = (each.message for each in plan.conditions if each.type == "ScalingActive")
    assert "spec.replicas is 2" in told
    assert "remove spec.replicas" in told


@pytest.mark.parametrize("replicas", [0, 2])
def test_a_number_that_two_set_in_turn_is_obeyed_and_is_a_conflict(replicas: int) -> None:
    spec = scaled().model_copy(update={"scaling": None, "replicas": replicas})

    plan = decide(spec, *many(2), pulled=(0, 2))

    assert plan.desired == replicas
    assert says(plan, "ScalingActive") == (False, "ScalingConflict")
    (told,) = (each.message for each in plan.conditions if each.type == "ScalingActive")
    assert "between 0 and 2" in told
    assert "kubectl get hpa" in told


def test_when_the_conflict_ends_what_was_set_counts_as_recommended_until_then() -> None:
    conflict = scaled().model_copy(update={"replicas": 6})
    past = decide(conflict, *many(6)).past

    plan = decide(scaled(), *many(6), past=past)

    assert (plan.desired, plan.wake_at) == (6, at(300))


def test_a_start_without_memory_takes_the_present_size_as_recommended() -> None:
    found = [*many(4), a_worker("gone", "Failed"), a_worker("drains", draining=True, claims=1)]

    plan = decide(scaled(), *found, past=NO_PAST)

    assert plan.desired == 4
    assert plan.past.history == (Recommendation(START, 4),)


def test_a_start_without_memory_in_a_change_of_revisions_counts_the_larger_one() -> None:
    found = [*many(4, "old", revision="r0"), *many(2, "new")]

    assert decide(scaled(), *found).desired == 4


def test_nothing_shrinks_while_not_all_is_known() -> None:
    past = Past(target=8, wanted=0, history=())
    found = [*many(8), a_worker("done", draining=True), a_worker("failed", "Failed")]

    plan = decide(scaled(), *found, past=past, fresh=False)

    assert (plan.desired, plan.drain, plan.delete, plan.create) == (8, (), (), 0)


def test_growth_does_not_wait_for_all_to_be_known() -> None:
    plan = decide(scaled(), *many(1), claimable=4, past=Past(1, 1), fresh=False)

    assert (plan.desired, plan.create) == (4, 3)


def test_fewer_tasks_seen_while_not_all_is_known_are_not_remembered() -> None:
    plan = decide(scaled({"stabilizationWindowSeconds": 60}), past=WANTED, fresh=False)

    assert (plan.past.wanted, plan.past.history) == (8, ())


def test_a_clock_that_went_back_does_not_hold_workers_for_ever() -> None:
    past = Past(target=8, wanted=0, history=(Recommendation(at(1_000_000), 8),))

    plan = decide(scaled(), past=past)

    assert plan.wake_at == at(300)


def test_demand_that_comes_and_goes_keeps_the_workers() -> None:
    demands = [Demand(second, 5, 10) for second in range(0, 1200, 60)]
    fleet = Fleet(scaled(), demands).run()

    assert [desired for _, desired in fleet.desired()] == [5, 0]
    assert len(fleet.made) == 5
