"""Random demand over time with a simulated fleet: what must hold whatever comes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.api.agent import AgentSpec
from unit.core.core_settings import steady
from unit.core.pool.fleet_cases import Demand, Fleet, scaled

demands = st.lists(
    st.builds(
        Demand, second=st.integers(0, 900), tasks=st.integers(1, 40), duration=st.integers(1, 120)
    ),
    min_size=1,
    max_size=8,
)
windows = st.sampled_from([0, 5, 60, 300])
rules = st.fixed_dictionaries(
    {"stabilizationWindowSeconds": windows},
    optional={
        "selectPolicy": st.sampled_from(["Max", "Min"]),
        "policies": st.lists(
            st.fixed_dictionaries(
                {
                    "type": st.sampled_from(["Pods", "Percent"]),
                    "value": st.integers(1, 200),
                    "periodSeconds": st.sampled_from([1, 15, 60]),
                }
            ),
            min_size=1,
            max_size=3,
        ),
    },
)


@st.composite
def pools(draw: st.DrawFn) -> AgentSpec:
    """Draw a pool with scaling."""
    low = draw(st.integers(0, 3))
    return scaled(
        draw(rules),
        draw(rules),
        slots=draw(st.integers(1, 4)),
        minReplicas=low,
        maxReplicas=draw(st.integers(max(low, 1), 40)),
        cooldownSeconds=draw(windows),
    )


@given(spec=pools(), demands=demands)
@steady(50)
def test_every_task_is_done_by_a_worker_that_lives_and_then_the_fleet_is_at_rest(
    spec: AgentSpec, demands: list[Demand]
) -> None:
    """That no busy worker is deleted is asserted by the fleet itself."""
    fleet = Fleet(spec, demands).run()

    assert fleet.done == sum(demand.tasks for demand in demands)
    assert spec.scaling is not None
    assert len(fleet.bodies) == spec.scaling.min_replicas
    assert not any(body.view.draining for body in fleet.bodies.values())
    assert fleet.plan is not None
    assert fleet.plan.wake_at is None


@given(spec=pools(), demands=demands)
@steady(40)
def test_what_is_desired_stays_within_its_bounds(spec: AgentSpec, demands: list[Demand]) -> None:
    fleet = Fleet(spec, demands).run()

    assert spec.scaling is not None
    low, high = spec.scaling.min_replicas, spec.scaling.max_replicas
    assert all(low <= desired <= high for _, _, desired in fleet.story)


@given(demands=demands, window=windows, cooldown=windows)
@steady(50)
def test_nothing_goes_that_was_wanted_within_the_window(
    demands: list[Demand], window: int, cooldown: int
) -> None:
    down = {"stabilizationWindowSeconds": window}
    spec = scaled(down=down, maxReplicas=40, cooldownSeconds=cooldown)
    story = Fleet(spec, demands).run().story

    for place in range(1, len(story)):
        before, after = story[place - 1][2], story[place][2]
        if after < before:
            assert after >= min(40, max(_wanted_within(story, place, window)))
        if after == 0 < before:
            assert max(_wanted_within(story, place, cooldown)) == 0


def _wanted_within(story: Sequence[tuple[float, int, int]], place: int, seconds: int) -> list[int]:
    """Return what was wanted in the seconds before a pass: each number until the pass after it."""
    now = story[place][0]
    ends = [start for start, _, _ in story[1 : place + 1]]
    held = [story[i][1] for i, end in enumerate(ends) if end > now - seconds]
    return [*held, story[place][1]]


@given(
    demands=demands,
    value=st.integers(1, 5),
    period=st.sampled_from([1, 15, 60]),
    up=st.booleans(),
)
@steady(50)
def test_no_period_sees_more_change_than_its_policy_allows(
    demands: list[Demand], value: int, period: int, up: bool
) -> None:
    policy = {"policies": [{"type": "Pods", "value": value, "periodSeconds": period}]}
    free: dict[str, Any] = {"stabilizationWindowSeconds": 0}
    behavior = {"up": policy} if up else {"down": policy | free}
    changes = Fleet(scaled(**behavior, maxReplicas=40), demands).run().desired()

    steps = [(now, to - of) for (_, of), (now, to) in pairwise([(-1.0, 0), *changes])]
    for second, _ in steps:
        within = [by for now, by in steps if second - period < now <= second and (by > 0) is up]
        assert abs(sum(within)) <= value


@given(spec=pools(), demands=demands, restart=st.integers(0, 1200))
@steady(40)
def test_a_restart_in_the_middle_changes_nothing(
    spec: AgentSpec, demands: list[Demand], restart: int
) -> None:
    calm = Fleet(spec, demands).run()
    restarted = Fleet(spec, demands, restarts=frozenset({restart})).run()

    assert restarted.done == calm.done
    assert restarted.desired() == calm.desired()
    assert len(restarted.bodies) == len(calm.bodies)


@given(spec=pools(), demands=demands, restart=st.integers(0, 1200))
@steady(40)
def test_a_restart_that_forgets_all_comes_to_the_same_end(
    spec: AgentSpec, demands: list[Demand], restart: int
) -> None:
    calm = Fleet(spec, demands).run()
    restarted = Fleet(spec, demands, restarts=frozenset({restart}), forgets=True).run()

    assert restarted.done == calm.done
    assert len(restarted.bodies) == len(calm.bodies)


@given(spec=pools(), demands=demands, switch=st.integers(1, 900))
@steady(40)
def test_a_new_revision_replaces_every_worker_and_drains_end(
    spec: AgentSpec, demands: list[Demand], switch: int
) -> None:
    fleet = Fleet(spec, demands, switches=((0, "r1"), (switch, "r2"))).run()

    assert fleet.done == sum(demand.tasks for demand in demands)
    assert {body.view.revision for body in fleet.bodies.values()} <= {"r2"}
    assert spec.scaling is not None
    assert len(fleet.bodies) == spec.scaling.min_replicas


@given(many=st.integers(1, 40), cap=st.integers(1, 40))
@steady(10)
def test_workers_that_always_fail_are_made_ever_more_seldom(many: int, cap: int) -> None:
    fleet = Fleet(scaled(maxReplicas=cap), [Demand(0, many, 10)], breaks=frozenset({"r1"}))
    fleet.run(until=3600)

    rounds = sorted(set(fleet.made))
    pauses = [after - before for before, after in pairwise(rounds)]
    assert fleet.done == 0
    assert len(rounds) <= 30
    assert max(pauses) >= 300
    assert len(fleet.bodies) <= cap
