"""How long the rest takes, in seconds and in words."""

from __future__ import annotations

import pytest

from builders.specs import a_chain, a_phase, a_task
from spectra_operator.api.phase import TaskState
from spectra_operator.core.compile import compile_phase
from spectra_operator.core.estimate import Width, in_words, path_seconds, phase_seconds
from spectra_operator.core.records import TaskRecord

TASKS = [*a_chain("a", "b", agent="slow"), a_task("c", agent="fast")]
GRAPH = compile_phase(a_phase(TASKS)).graph
AGENTS = {"a": "slow", "b": "slow", "c": "fast"}
DONE = TaskRecord(state=TaskState.SUCCEEDED, succeeded=1)


def test_the_rest_of_a_phase_is_its_longest_path() -> None:
    means = {"slow": 10.0, "fast": 15.0}
    assert phase_seconds(GRAPH, AGENTS, {}, means.get) == 20.0
    assert phase_seconds(GRAPH, AGENTS, {"a": DONE}, means.get) == 15.0
    assert phase_seconds(GRAPH, AGENTS, dict.fromkeys("abc", DONE), means.get) == 0.0


def test_a_fan_out_takes_as_many_rounds_as_its_limits_make_of_it() -> None:
    graph = compile_phase(a_phase([a_task("many", agent="slow", count=9)])).graph
    agents, mean = {"many": "slow"}, {"slow": 2.0}.get
    items = {"many": TaskRecord(total=9, fan_out=True)}
    assert phase_seconds(graph, agents, items, mean) == 2.0
    assert phase_seconds(graph, agents, items, mean, Width({"slow": 4})) == 6.0
    assert phase_seconds(graph, agents, items, mean, Width({"slow": 4}, 2)) == 10.0
    half = {"many": TaskRecord(total=9, fan_out=True, succeeded=0b11111)}
    assert phase_seconds(graph, agents, half, mean, Width({"slow": 4})) == 2.0


def test_many_tasks_of_one_agent_take_at_least_their_work_over_its_limit() -> None:
    tasks = [a_task(name, agent="slow") for name in "abcdef"]
    graph = compile_phase(a_phase(tasks)).graph
    agents = dict.fromkeys("abcdef", "slow")
    assert phase_seconds(graph, agents, {}, {"slow": 2.0}.get, Width({"slow": 3})) == 4.0
    assert phase_seconds(graph, agents, {}, {"slow": 2.0}.get, Width(phase=1)) == 12.0


def test_an_agent_that_was_never_seen_is_like_the_others() -> None:
    assert phase_seconds(GRAPH, AGENTS, {}, {"fast": 4.0}.get) == 8.0


def test_an_agent_that_takes_no_time_is_not_taken_for_an_unknown_one() -> None:
    assert phase_seconds(GRAPH, AGENTS, {}, {"slow": 0.0, "fast": 4.0}.get) == 4.0


def test_without_a_clue_there_is_no_estimate() -> None:
    assert phase_seconds(GRAPH, AGENTS, {}, lambda _: None) is None


def test_a_path_through_phases_is_the_sum_along_the_longest() -> None:
    assert path_seconds(GRAPH, {"a": 3.0, "b": 4.0, "c": 6.0}) == 7.0


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
