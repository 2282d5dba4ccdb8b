"""Handing out attempts so that loads become equal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.selection.figures import Contender
from spectra_operator.core.selection.spread import spread

MANY = 1 << 30


def agent(name: str, busy: int = 0, width: int | None = None, *, begun: int = 0) -> Contender:
    """An agent with room up to its width."""
    room = MANY if width is None else max(width - busy, 0)
    return Contender(name, busy, room, width, begun)


def one_by_one(count: int, agents: list[Contender]) -> dict[str, int]:
    """The same by definition: each attempt to the lowest load."""
    widest = max((a.width for a in agents if a.width), default=1)
    given_: dict[str, int] = {}
    for _ in range(count):
        free = [a for a in agents if given_.get(a.name, 0) < a.room]
        if not free:
            break
        best = min(
            free,
            key=lambda a: (
                (a.busy + given_.get(a.name, 0)) / (a.width or widest),
                a.begun + given_.get(a.name, 0),
                a.name,
            ),
        )
        given_[best.name] = given_.get(best.name, 0) + 1
    return given_


def test_nobody_is_given_anything_where_there_is_nobody() -> None:
    assert spread(5, []) == {}


def test_one_attempt_goes_to_the_one_that_has_least_to_do() -> None:
    assert spread(1, [agent("a", busy=2, width=4), agent("b", busy=1, width=4)]) == {"b": 1}


def test_load_is_what_is_busy_of_what_may_be() -> None:
    assert spread(1, [agent("wide", busy=4, width=16), agent("small", busy=1, width=2)]) == {
        "wide": 1
    }


def test_equals_take_turns() -> None:
    first, second = agent("a", width=4, begun=3), agent("b", width=4, begun=2)
    assert spread(1, [first, second]) == {"b": 1}
    assert spread(1, [first, replace(second, begun=3)]) == {"a": 1}


def test_no_more_is_handed_out_than_there_is_room() -> None:
    assert spread(9, [agent("a", width=2), agent("b", busy=3, width=3)]) == {"a": 2}


def test_an_agent_without_a_limit_weighs_as_much_as_the_widest() -> None:
    assert spread(12, [agent("free"), agent("a", width=4), agent("b", width=2)]) == {
        "free": 6,
        "a": 4,
        "b": 2,
    }


def test_ten_thousand_are_handed_out_as_one_is() -> None:
    assert spread(10_000, [agent(name) for name in "abc"]) == {"a": 3334, "b": 3333, "c": 3333}


@given(
    st.integers(0, 200),
    st.integers(1, 9),
    st.integers(0, 5),
    st.one_of(st.none(), st.integers(1, 60)),
)
def test_load_spreads_over_equals(count: int, agents: int, busy: int, width: int | None) -> None:
    equals = [agent(f"a{n}", busy, width) for n in range(agents)]
    handed = spread(count, equals)
    numbers = [handed.get(a.name, 0) for a in equals]
    assert max(numbers) - min(numbers) <= 1
    assert sum(numbers) == min(count, sum(a.room for a in equals))


CONTENDERS = st.builds(
    Contender,
    name=st.sampled_from("abcdefgh"),
    busy=st.integers(0, 20),
    room=st.integers(0, 30),
    width=st.one_of(st.none(), st.integers(1, 8).map(lambda n: 2**n)),
    begun=st.integers(0, 9),
)


@given(st.integers(0, 120), st.lists(CONTENDERS, max_size=8, unique_by=lambda a: a.name))
def test_many_at_once_go_where_they_would_go_one_by_one(
    count: int, agents: list[Contender]
) -> None:
    assert spread(count, agents) == one_by_one(count, agents)


@pytest.mark.parametrize("width", [3, 7, 10, 49])
def test_widths_that_no_binary_number_divides_evenly_change_nothing(width: int) -> None:
    agents = [agent("a", busy=1, width=width), agent("b", width=width)]
    assert spread(2 * width - 1, agents) == {"a": width - 1, "b": width}
