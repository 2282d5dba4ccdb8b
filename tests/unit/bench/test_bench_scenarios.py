from __future__ import annotations

import pytest

from bench import scenarios
from bench.scenarios import SCENARIOS, UNPACED, Crowd, DispatchScenario, PodScenario
from bench.targets import CHAIN_HOPS, LOADED_HOPS, UNPACED_TASKS


def pod_scenario(name: str, *, quick: bool = False, factor: float = 1) -> PodScenario:
    (found,) = scenarios.chosen([name], quick=quick, factor=factor)
    assert isinstance(found, PodScenario)
    return found


@pytest.mark.parametrize(
    ("name", "pods"),
    [
        ("small-workflows", 500),
        ("chain", 100),
        ("fan-out-100", 100),
        ("fan-out-1000", 1000),
        ("fan-out-10000", 10_000),
        ("layers", 1000),
        ("layers-all-to-all", 500),
        ("named", 1000),
        ("crowd", 300),
        ("running", 2000),
    ],
)
def test_a_scenario_has_the_size_that_its_name_says(name: str, pods: int) -> None:
    assert pod_scenario(name).pods == pods


def test_names_are_unique_and_none_is_chosen_that_nobody_asked_for() -> None:
    assert len(set(scenarios.names())) == len(SCENARIOS)
    found = scenarios.chosen(["chain", "dispatch"], quick=False, factor=1)
    assert [scenario.name for scenario in found] == ["chain", "dispatch"]


def test_without_a_name_all_are_chosen_in_their_order() -> None:
    found = scenarios.chosen([], quick=False, factor=1)

    assert [scenario.name for scenario in found] == scenarios.names()


def test_the_crowd_has_ten_thousand_workflows() -> None:
    crowd = pod_scenario("crowd").crowd

    assert crowd == Crowd(2000, 8000)
    assert crowd.workflows == 10_000


def test_a_quick_scenario_is_smaller_or_left_out() -> None:
    quick = {s.name: s for s in scenarios.chosen([], quick=True, factor=1)}

    for scenario in SCENARIOS:
        small = quick.get(scenario.name)
        if isinstance(scenario, PodScenario) and isinstance(small, PodScenario):
            assert small.pods < scenario.pods
    assert not {"fan-out-10000", "running", "layers-all-to-all"} & set(quick)
    crowd = quick["crowd"]
    assert isinstance(crowd, PodScenario)
    assert crowd.crowd == Crowd(100, 400)


def test_a_factor_changes_the_load_and_never_makes_it_nothing() -> None:
    assert pod_scenario("fan-out-1000", factor=0.5).pods == 500
    assert pod_scenario("small-workflows", factor=2).workflows == 1000
    crowd = pod_scenario("crowd", factor=0.0001)
    assert crowd.workflows == 1
    assert crowd.crowd == Crowd(1, 1)


def test_a_factor_makes_each_rate_of_dispatch_last_longer_or_shorter() -> None:
    (whole,) = scenarios.chosen(["dispatch"], quick=False, factor=1)
    (half,) = scenarios.chosen(["dispatch"], quick=False, factor=0.5)
    assert isinstance(whole, DispatchScenario)
    assert isinstance(half, DispatchScenario)
    assert half.seconds == whole.seconds / 2
    assert half.rates == whole.rates == tuple(sorted(whole.rates))
    assert half.unpaced == whole.unpaced / 2


def test_dispatch_without_a_pace_is_as_large_as_what_the_target_is_judged_by() -> None:
    assert isinstance(UNPACED, DispatchScenario)
    for quick in (True, False):
        (alone,) = scenarios.chosen([UNPACED.name], quick=quick, factor=1, among=[UNPACED])
        (whole,) = scenarios.chosen(["dispatch"], quick=quick, factor=1)
        assert isinstance(alone, DispatchScenario)
        assert isinstance(whole, DispatchScenario)
        assert (alone.rates, alone.unpaced) == ((), whole.unpaced)
    assert UNPACED.unpaced >= UNPACED_TASKS


@pytest.mark.parametrize(("scenario", "least"), [("chain", CHAIN_HOPS), ("layers", LOADED_HOPS)])
def test_whole_scenarios_are_large_enough_to_be_judged_and_quick_ones_are_not(
    scenario: str, least: int
) -> None:
    waiting = {
        quick: sum(map(bool, pod_scenario(scenario, quick=quick).graph.predecessors.values()))
        for quick in (True, False)
    }
    assert waiting[True] < least <= waiting[False]


def test_dispatch_is_measured_at_the_rate_of_the_target_quick_or_not() -> None:
    for quick in (True, False):
        (found,) = scenarios.chosen(["dispatch"], quick=quick, factor=1)
        assert isinstance(found, DispatchScenario)
        assert 200.0 in found.rates


def test_a_title_says_the_size_that_is_measured() -> None:
    assert pod_scenario("small-workflows").title == "500 one-task workflows at once"
    assert pod_scenario("small-workflows", quick=True).title == "60 one-task workflows at once"
    assert pod_scenario("fan-out-1000", factor=2).title == "fan-out of 2,000"
    crowd = "10 chains of 3 beside 100 suspended and 400 finished workflows"
    assert pod_scenario("crowd", quick=True).title == crowd
