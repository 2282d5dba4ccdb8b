"""How long the rest takes: means and spreads, along paths, side by side, under limits."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.specs import a_chain, a_phase, a_task
from spectra_operator.core.graph import build, longest_paths
from spectra_operator.core.insight.durations import Durations
from spectra_operator.core.insight.estimate import (
    NOTHING,
    Estimate,
    Rest,
    Width,
    in_words,
    longest,
    phase_time,
    slack,
    slowest,
    task_time,
)
from spectra_operator.core.spec.compile import compile_phase
from unit.core.core_settings import steady

TASKS = [*a_chain("a", "b"), a_task("c")]
GRAPH = compile_phase(a_phase(TASKS)).graph
SPREAD = Durations((1000, 3000))


def rest(items: int = 1, *samples: int, elapsed: float = 0, agent: str = "slow") -> Rest:
    return Rest(agent, items, Durations(samples) if samples else None, elapsed)


def test_along_a_path_means_and_variances_add_up() -> None:
    times = {"a": Estimate(3, 4), "b": Estimate(4, 5), "c": Estimate(6, 100)}
    assert longest(GRAPH, times) == Estimate(7, 9)
    assert longest(GRAPH, times).p90 == pytest.approx(7 + 1.2816 * 3, abs=0.001)


def test_where_nothing_is_left_nothing_is_to_come() -> None:
    assert longest(GRAPH, dict.fromkeys("abc", NOTHING)) == NOTHING
    assert longest(build({}), {}) == NOTHING
    assert task_time(rest(0, 5000), 1, 9.0) == NOTHING


def test_a_fan_out_takes_as_many_rounds_as_its_width_makes_of_it() -> None:
    assert task_time(rest(9, 2000), 9, 1.0) == Estimate(2)
    assert task_time(rest(9, 2000), 4, 1.0) == Estimate(6)
    assert task_time(rest(4, 2000), 4, 1.0) == Estimate(2)
    assert task_time(rest(9), 4, 5.0) == Estimate(15)


def test_the_width_is_the_least_of_all_limits() -> None:
    assert Width({"slow": 4}, 3).of("slow", 9) == 3
    assert Width({"slow": 4}, 3).of("slow", 9, own=2) == 2
    assert Width({"slow": None}).of("slow", 9) == 9
    assert Width({"slow": 0}).of("slow", 9) == 9
    assert Width().of("slow", 0) == 1


def test_many_at_once_end_with_the_slowest() -> None:
    one = Estimate(2, 2)
    assert slowest(one, 1) == one
    assert slowest(one, 4).seconds > slowest(one, 2).seconds > 2
    assert slowest(Estimate(2), 64) == Estimate(2)


def test_of_what_runs_only_the_rest_is_to_come() -> None:
    assert task_time(rest(1, 2000, 10_000, elapsed=4), 1, 1.0) == Estimate(6)
    assert task_time(rest(1, 2000, elapsed=4), 1, 1.0) == NOTHING
    assert task_time(rest(1, elapsed=4), 1, 7.0) == Estimate(7)


def test_many_tasks_of_one_agent_take_at_least_their_work_over_its_limit() -> None:
    rests = {name: rest(1, 2000) for name in "abcdef"}
    path = Estimate(2)
    assert phase_time(path, rests, Width({"slow": 3}), 1.0).seconds == 4
    assert phase_time(path, rests, Width(phase=1), 1.0).seconds == 12
    assert phase_time(Estimate(5), rests, Width({"slow": 3}), 1.0).seconds == 5
    assert phase_time(path, rests, Width({"other": 1}), 1.0) == path


def test_work_shared_by_a_limit_spreads_less_than_one_after_the_other() -> None:
    rests = {name: Rest("slow", 2, SPREAD) for name in "ab"}
    assert phase_time(NOTHING, rests, Width({"slow": 2}), 1.0) == Estimate(4, 2)
    assert phase_time(NOTHING, {"a": rest(3)}, Width({"slow": 1}), 2.0) == Estimate(6)


def test_slack_is_what_a_node_may_be_late_without_making_the_end_late() -> None:
    seconds = {"a": 3.0, "b": 4.0, "c": 6.0}
    assert slack(GRAPH, lambda name: seconds[name]) == {"a": 0.0, "b": 0.0, "c": 1.0}


@steady()
@given(st.integers(0, 10**9))
def test_delaying_a_node_by_its_slack_keeps_the_end_and_by_more_does_not(seed: int) -> None:
    random = Random(seed)
    names = [f"t{i}" for i in range(random.randint(1, 9))]
    parents = {n: tuple(p for p in names[:i] if random.random() < 0.4) for i, n in enumerate(names)}
    graph, seconds = build(parents), {name: float(random.randint(0, 9)) for name in names}
    end = max(longest_paths(graph, lambda name: seconds[name]).values())
    room = slack(graph, lambda name: seconds[name])
    assert min(room.values()) == 0.0
    for name in names:
        late = seconds | {name: seconds[name] + room[name]}
        assert max(longest_paths(graph, late.__getitem__).values()) == end
        later = seconds | {name: seconds[name] + room[name] + 1}
        assert max(longest_paths(graph, later.__getitem__).values()) == end + 1


@steady(20)
@given(st.integers(0, 10**9))
def test_nine_of_ten_chains_drawn_from_the_samples_end_by_the_p90(seed: int) -> None:
    random = Random(seed)
    chain = [tuple(random.randint(500, 20_000) for _ in range(16)) for _ in range(12)]
    time = sum((task_time(rest(1, *samples), 1, 1.0) for samples in chain), NOTHING)
    runs = [sum(random.choice(samples) for samples in chain) / 1000 for _ in range(400)]
    within = sum(1 for seconds in runs if seconds <= time.p90) / len(runs)
    half = sum(1 for seconds in runs if seconds <= time.seconds) / len(runs)
    assert 0.84 <= within <= 0.97
    assert 0.40 <= half <= 0.60


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0s"),
        (0.4, "0s"),
        (40.2, "40s"),
        (119, "119s"),
        (120, "2m"),
        (7199, "119m"),
        (7200, "2h"),
        (172_799, "47h"),
        (172_800, "2d"),
        (31_536_000, "365d"),
    ],
)
def test_durations_are_written_as_kubectl_writes_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
