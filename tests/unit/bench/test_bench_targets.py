from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.results import RawRun, Result
from bench.targets import TARGETS, Verdict, cpu_a_task, verdicts, writes
from builders.benchmarks import (
    a_cost,
    a_dispatch_run,
    a_paced_run,
    a_pod_run,
    a_spread,
)

MB = 10**6


def verdict(about: str, results: Sequence[Result]) -> Verdict:
    (found,) = [one for one in verdicts(results) if about in one.target.what]
    return found


def test_what_was_not_run_has_no_verdict() -> None:
    assert {one.word for one in verdicts([])} == {"not measured"}
    assert {one.met for one in verdicts([])} == {None}


def test_the_worst_wide_scenario_counts() -> None:
    slow = a_pod_run("named", makespan=16.0)
    found = verdict("worst wide graph", [a_pod_run(), slow])

    assert found.reached == pytest.approx(50.0)
    assert found.word == "MISSED by 38 %"


def test_a_chain_is_not_held_against_the_raw_limit() -> None:
    assert verdict("worst wide graph", [a_pod_run("chain")]).reached is None


def test_small_runs_say_nothing_of_what_is_promised_for_large_ones() -> None:
    small: list[Result] = [
        a_pod_run("fan-out-100", pods=100),
        a_pod_run("fan-out-1000", pods=200),
        a_pod_run("fan-out-10000", pods=300),
        a_pod_run("running", at_once=60),
        a_pod_run("crowd", beside=500),
        a_pod_run("chain", pods=10, hops=a_spread(0.001, 0.002, 9)),
        a_pod_run("layers", pods=100, hops=a_spread(0.001, 0.002, 90)),
        a_dispatch_run(
            a_paced_run(tasks=1000),
            a_paced_run(shape="phases", tasks=1000),
            a_paced_run(shape="fan-outs", wanted=None, tasks=1000),
        ),
    ]

    for about in (
        "raw limit, worst",
        "writes a pod",
        "CPU a task",
        "a finished",
        "a running",
        "start beside",
        "chain, p50",
        "chain, p99",
        "full load",
        "Lease patches",
        "worse shape, p50",
        "worse shape, p99",
        "new phase",
    ):
        found = verdict(about, small)
        assert (found.reached, found.met, found.word) == (None, None, "too small to judge")


def test_what_no_run_measured_is_not_called_too_small() -> None:
    large = a_pod_run("fan-out-10000", pods=10_000)
    alone = verdicts([large])
    assert {one.word for one in alone if "10,000 to" in one.target.what} == {"not measured"}

    found = verdicts([a_pod_run("fan-out-100", pods=100)])
    assert {one.word for one in found if one.reached is None} == {"not measured"}


def test_runs_that_are_large_enough_are_judged_without_the_small_ones() -> None:
    small = a_pod_run("chain", hops=a_spread(9.0, 9.0, 9))
    large = a_pod_run("chain", hops=a_spread(0.009, 0.050, 99))

    assert verdict("hop in a chain, p50", [small, large]).reached == pytest.approx(9.0)


def test_many_small_workflows_are_held_against_the_raw_limit_by_themselves() -> None:
    small = a_pod_run("small-workflows", pods=500, makespan=10.0)

    assert verdict("500 workflows of one", [small, a_pod_run()]).reached == pytest.approx(40.0)
    assert verdict("worst wide graph", [small]).reached is None


def test_of_several_runs_the_median_counts() -> None:
    runs = [a_pod_run(run=n, makespan=seconds) for n, seconds in enumerate((8.0, 10.0, 90.0))]
    found = verdict("worst wide graph", runs)

    assert found.reached == pytest.approx(80.0)
    assert found.word == "met"


def test_the_raw_limit_is_the_mean_of_before_and_after() -> None:
    run = a_pod_run(raw=(RawRun(1000, 5.0, 1.0, 1.0), RawRun(1000, 10.0, 1.0, 1.0)))

    assert run.raw_rate == pytest.approx(150.0)
    assert run.ratio == pytest.approx(100.0 / 150.0)


def test_without_a_raw_limit_there_is_no_ratio() -> None:
    assert a_pod_run(raw=()).ratio is None


def test_the_other_engines_runs_count_for_no_target_of_ours() -> None:
    other = a_pod_run("chain", engine="argo", hops=a_spread(9.0, 9.0))

    assert verdict("hop in a chain, p50", [other]).reached is None


def test_hops_are_in_milliseconds() -> None:
    runs = [a_pod_run("chain", hops=a_spread(0.009, 0.150))]

    assert verdict("hop in a chain, p50", runs).reached == pytest.approx(9.0)
    assert verdict("hop in a chain, p99", runs).word == "MISSED by 50 %"
    assert verdict("full load", runs).reached is None


def test_full_load_is_the_worse_of_the_layered_scenarios() -> None:
    runs = [
        a_pod_run("layers", hops=a_spread(0.1, 0.4)),
        a_pod_run("layers-all-to-all", hops=a_spread(0.1, 1.4)),
    ]

    assert verdict("full load", runs).reached == pytest.approx(1400.0)


def test_reads_and_the_pods_own_create_and_delete_are_no_further_writes() -> None:
    requests = {
        "create pods": 100,
        "delete pods": 100,
        "patch pods": 100,
        "patch phases": 7,
        "update leases": 3,
        "get pods": 5,
        "list pods": 5,
        "watch pods": 5,
    }

    assert writes(requests) == 110


def test_writes_a_task_are_those_of_the_worst_scenario_that_spreads_statuses() -> None:
    busy = a_cost(requests={"create pods": 1000, "patch pods": 2500})
    runs = [a_pod_run(), a_pod_run("named", cost=busy), a_pod_run("chain", cost=busy)]

    assert verdict("writes a pod task", runs).reached == pytest.approx(2.5)


def test_growth_is_the_cost_of_a_task_among_many_to_that_among_few() -> None:
    few = a_pod_run("fan-out-100", pods=100, cost=a_cost(cpu=0.2))
    many = a_pod_run("fan-out-10000", pods=10_000, cost=a_cost(cpu=30.0))

    assert cpu_a_task([few], "fan-out-100") == pytest.approx(0.002)
    assert verdict("CPU a task", [few, many]).reached == pytest.approx(1.5)
    assert verdict("CPU a task", [few]).reached is None


def test_memory_a_task_is_what_was_added_to_that_of_the_idle_operator() -> None:
    few = a_cost(rss_before=100 * MB, rss_settled=108 * MB)
    many = a_cost(rss_before=100 * MB, rss_settled=117 * MB)
    finished = [
        a_pod_run("fan-out-1000", pods=1000, cost=few),
        a_pod_run("fan-out-10000", pods=10_000, cost=many),
    ]

    assert verdict("memory a finished task", finished).reached == pytest.approx(1.0)
    assert verdict("memory a finished task", finished[1:]).reached is None
    assert verdict("memory, idle", finished).reached == pytest.approx(100.0)


def test_memory_a_running_task_is_counted_from_a_quarter_of_them_on() -> None:
    cost = a_cost(rss_before=100 * MB, rss_quarter=112 * MB, rss_peak=115 * MB)
    running = [a_pod_run("running", pods=1000, at_once=1000, cost=cost)]

    assert verdict("memory a running task", running).reached == pytest.approx(4.0)


def test_a_start_in_a_crowd_is_no_cold_start_and_the_other_way_round() -> None:
    runs = [
        a_pod_run("crowd", beside=10_000, at_work=6.0, cold_start=5.0),
        a_pod_run(cold_start=1.25),
    ]

    assert verdict("start beside", runs).reached == pytest.approx(6.0)
    assert verdict("cold start", runs).reached == pytest.approx(1.25)


def test_dispatch_counts_at_its_rate_by_the_worse_shape() -> None:
    run = a_dispatch_run(
        a_paced_run(wanted=100.0, dispatch=a_spread(5.0, 5.0)),
        a_paced_run(dispatch=a_spread(0.001, 0.150)),
        a_paced_run(shape="fan-outs", dispatch=a_spread(0.012, 0.049)),
        a_paced_run(shape="fan-outs", wanted=None, tasks=4500, seconds=10.0),
        a_paced_run(shape="phases", dispatch=a_spread(9.0, 9.0), entered=a_spread(0.1, 0.3)),
    )

    assert verdict(
        "dispatch of what is ready at 200 a second, worse shape, p50", [run]
    ).reached == pytest.approx(12)
    assert verdict(
        "dispatch of what is ready at 200 a second, worse shape, p99", [run]
    ).reached == pytest.approx(150)
    assert verdict("hop into a new phase", [run]).reached == pytest.approx(300)
    assert verdict("Lease patches", [run]).reached == pytest.approx(90.0)


def test_every_target_says_what_it_is_about_in_words_of_its_own() -> None:
    assert len({target.what for target in TARGETS}) == len(TARGETS)


@pytest.mark.parametrize(("reached", "met"), [(80.0, True), (79.9, False), (None, None)])
def test_a_limit_that_is_just_reached_is_met(reached: float | None, met: bool | None) -> None:
    least = next(target for target in TARGETS if target.least)

    assert Verdict(least, reached).met is met


def test_memory_is_judged_by_the_units_of_its_limits_which_are_powers_of_ten() -> None:
    units = {target.what: target.unit for target in TARGETS if "memory" in target.what}

    assert sorted(units.values()) == ["MB", "kB", "kB"]
    just_over = a_pod_run(cost=a_cost(rss_before=120 * MB + 1))
    assert verdict("memory, idle", [just_over]).met is False
