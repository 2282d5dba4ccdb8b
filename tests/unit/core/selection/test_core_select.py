"""Which agent is chosen, by each policy, and what is said of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.api.task import SelectionPolicy
from spectra_operator.core.selection.figures import Contender, Figures, Seen, figures_of
from spectra_operator.core.selection.select import TRIES, select

BALANCE, PERFORMANCE, COST = (
    SelectionPolicy.BALANCE,
    SelectionPolicy.PERFORMANCE,
    SelectionPolicy.COST,
)


def agent(
    name: str, figures: Figures | None = None, *, busy: int = 0, width: int | None = 4
) -> Contender:
    """An agent with four slots; one of which nothing is known if no figures are given."""
    room = 1 << 30 if width is None else max(width - busy, 0)
    return Contender(name, busy, room, width, figures=figures or Figures())


def seen(succeeded: int, failed: int = 0, *, seconds: float = 1.0, cost: str = "0") -> Figures:
    """Figures of attempts that all took as long and cost as much."""
    good = [Seen(True, seconds, Decimal(cost))] * succeeded
    return figures_of([*good, *[Seen(False, seconds, Decimal(cost))] * failed])


def chosen(policy: SelectionPolicy, *agents: Contender, count: int = 1) -> dict[str, int]:
    return {share.agent: share.count for share in select(policy, count, agents)}


def why(policy: SelectionPolicy, *agents: Contender, count: int = 1) -> list[str]:
    return [share.why for share in select(policy, count, agents)]


@pytest.mark.parametrize("policy", SelectionPolicy)
def test_nobody_is_chosen_where_nobody_has_room(policy: SelectionPolicy) -> None:
    assert chosen(policy, agent("a", busy=4), agent("b", seen(9), busy=4)) == {}
    assert chosen(policy) == {}


def test_balance_takes_the_least_loaded_and_says_how_loaded() -> None:
    agents = agent("worker-a", busy=1), agent("worker-b")
    assert why(BALANCE, *agents) == ["worker-b: Balance, 0 of 4 busy"]


def test_balance_says_of_an_agent_without_a_limit_what_is_busy() -> None:
    assert why(BALANCE, agent("a", busy=7, width=None)) == ["a: Balance, 7 busy"]


def test_performance_takes_the_more_reliable_however_fast_the_other_is() -> None:
    good, bad = agent("good", seen(20, seconds=9)), agent("bad", seen(14, 6, seconds=1))
    assert chosen(PERFORMANCE, bad, good) == {"good": 1}
    assert why(PERFORMANCE, bad, good) == ["good: Performance, 20 of 20 succeeded, p50 9 s"]


def test_performance_takes_the_faster_of_two_that_are_as_reliable() -> None:
    agents = agent("slow", seen(20, seconds=3)), agent("fast", seen(20, seconds=2))
    assert chosen(PERFORMANCE, *agents) == {"fast": 1}


def test_one_failure_is_no_verdict() -> None:
    agents = agent("unlucky", seen(2, 1, seconds=1)), agent("slow", seen(3, seconds=2))
    assert chosen(PERFORMANCE, *agents) == {"unlucky": 1}


def test_many_failures_are_a_verdict() -> None:
    agents = agent("bad", seen(0, 3, seconds=1)), agent("slow", seen(3, seconds=2))
    assert chosen(PERFORMANCE, *agents) == {"slow": 1}


def test_agents_that_are_nearly_as_fast_share_the_load() -> None:
    agents = agent("a", seen(20, seconds=1.0)), agent("b", seen(20, seconds=1.05))
    assert chosen(PERFORMANCE, *agents, count=6) == {"a": 3, "b": 3}


def test_nobody_waits_for_the_best_while_another_is_free() -> None:
    agents = agent("best", seen(20, seconds=1), busy=3), agent("other", seen(20, seconds=5))
    assert why(PERFORMANCE, *agents, count=3) == [
        "best: Performance, 20 of 20 succeeded, p50 1 s",
        "other: Performance, 20 of 20 succeeded, p50 5 s; best has no free slot",
    ]
    assert chosen(PERFORMANCE, *agents, count=3) == {"best": 1, "other": 2}


def test_cost_takes_the_cheapest_for_each_success() -> None:
    cheap = agent("cheap", seen(5, 5, cost="0.01"))
    dear = agent("dear", seen(10, cost="0.03"))
    assert why(COST, dear, cheap) == ["cheap: Cost, 0.02 a success over 10 attempts"]


def test_cost_spreads_over_agents_that_cost_the_same() -> None:
    agents = [agent(name, seen(3, cost="0.5")) for name in "ab"]
    assert chosen(COST, *agents, count=4) == {"a": 2, "b": 2}


def test_what_has_never_succeeded_is_not_cheap() -> None:
    agents = agent("broken", seen(0, 5)), agent("dear", seen(5, cost="3"))
    assert chosen(COST, *agents) == {"dear": 1}
    full = agent("dear", seen(5, cost="3"), busy=4)
    assert why(COST, agents[0], full) == [
        "broken: Cost, no success over 5 attempts; dear has no free slot"
    ]


@pytest.mark.parametrize("policy", [PERFORMANCE, COST])
def test_an_agent_of_which_nothing_is_known_is_tried_first_but_only_so_often(
    policy: SelectionPolicy,
) -> None:
    known, new = agent("known", seen(9, cost="1"), width=None), agent("new", width=None)
    assert chosen(policy, known, new) == {"new": 1}
    assert chosen(policy, known, new, count=10) == {"new": TRIES, "known": 10 - TRIES}
    assert why(policy, known, new)[0] == f"new: {policy}, to be tried, 0 of 3 attempts seen"


def test_attempts_that_are_live_count_as_tries() -> None:
    known, new = agent("known", seen(9)), agent("new", seen(1), busy=2)
    assert chosen(PERFORMANCE, known, new) == {"known": 1}


def test_an_agent_on_trial_is_used_beyond_that_when_all_others_are_full() -> None:
    known, new = agent("known", seen(9), busy=3), agent("new", width=8)
    assert chosen(PERFORMANCE, known, new, count=9) == {"new": 8, "known": 1}


def test_new_agents_share_what_there_is() -> None:
    agents = [agent(name, width=None) for name in "abc"]
    assert chosen(PERFORMANCE, *agents, count=30) == {"a": 10, "b": 10, "c": 10}


FIGURES = st.builds(
    lambda good, bad, seconds, cost: seen(good, bad, seconds=seconds, cost=str(cost)),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(1, 9),
    st.integers(0, 9),
)
AGENTS = st.lists(
    st.builds(agent, st.sampled_from("abcdef"), FIGURES, busy=st.integers(0, 4)),
    max_size=6,
    unique_by=lambda a: a.name,
)


@given(st.sampled_from(SelectionPolicy), st.integers(0, 40), AGENTS)
def test_all_room_is_used_and_no_more(
    policy: SelectionPolicy, count: int, agents: list[Contender]
) -> None:
    shares = select(policy, count, agents)
    rooms = {a.name: a.room for a in agents}
    assert sum(share.count for share in shares) == min(count, sum(rooms.values()))
    assert all(0 < share.count <= rooms[share.agent] for share in shares)
    assert len({share.agent for share in shares}) == len(shares)


@given(
    st.sampled_from(SelectionPolicy),
    st.integers(0, 60),
    st.integers(1, 8),
    st.integers(0, 3),
    FIGURES,
)
def test_load_spreads_over_equals_by_every_policy(
    policy: SelectionPolicy, count: int, agents: int, busy: int, figures: Figures
) -> None:
    equals = [agent(f"a{n}", figures, busy=busy, width=8) for n in range(agents)]
    handed = chosen(policy, *equals, count=count)
    numbers = [handed.get(a.name, 0) for a in equals]
    assert max(numbers) - min(numbers) <= 1


@given(st.sampled_from(SelectionPolicy), AGENTS)
def test_a_reason_names_its_agent_and_the_policy_and_fits_into_status(
    policy: SelectionPolicy, agents: list[Contender]
) -> None:
    for share in select(policy, 9, agents):
        assert share.why.startswith(f"{share.agent}: {policy}, ")
        assert len(share.why) <= 256


def test_the_longest_names_still_fit_into_status() -> None:
    first = agent("a" * 63, seen(64, seconds=12345.6), busy=4)
    second = agent("b" * 63, seen(63, 1, seconds=123456.7, cost="123456789.123"))
    for policy in (PERFORMANCE, COST):
        [text] = why(policy, first, second)
        assert len(text) <= 256
