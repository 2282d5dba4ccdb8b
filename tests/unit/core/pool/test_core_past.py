"""What scaling remembers: what still counts is kept, bounded, and survives as text."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.clock import START
from spectra_operator.core.pool.past import (
    MAX_ENTRIES,
    MAX_TEXT,
    NO_PAST,
    Failures,
    Past,
    Recommendation,
    ScaleChange,
    Windows,
    parse_history,
    recorded,
    remembered,
    render_history,
)
from unit.core.core_settings import steady
from unit.core.pool.fleet_cases import at


def windows(up: int = 0, down: int = 300, cooldown: int = 300) -> Windows:
    """Return windows in seconds."""
    return Windows(*(timedelta(seconds=each) for each in (up, down, cooldown)))


def history(*entries: tuple[float, int]) -> tuple[Recommendation, ...]:
    """Return recommendations from second and number."""
    return tuple(Recommendation(at(second), replicas) for second, replicas in entries)


@pytest.mark.parametrize(
    ("before", "wanted", "kept"),
    [
        ([], 3, []),
        ([(-10, 5)], 3, [(-10, 5)]),
        ([(-10, 3)], 3, []),
        ([(-10, 2)], 3, []),
        ([(-300, 5)], 3, []),
        ([(-299, 5)], 3, [(-299, 5)]),
        ([(-20, 5), (-10, 4)], 3, [(-20, 5), (-10, 4)]),
        ([(-20, 4), (-10, 5)], 3, [(-10, 5)]),
        ([(-20, 5), (-10, 5)], 3, [(-10, 5)]),
        ([(50, 5)], 3, [(0, 5)]),
    ],
    ids=str,
)
def test_what_can_still_be_the_largest_is_kept(
    before: list[tuple[float, int]], wanted: int, kept: list[tuple[float, int]]
) -> None:
    assert recorded(history(*before), wanted, windows(), START) == history(*kept)


@pytest.mark.parametrize(
    ("before", "wanted", "kept"),
    [
        ([(-10, 2)], 3, [(-10, 2)]),
        ([(-60, 2)], 3, []),
        ([(-20, 1), (-10, 2)], 3, [(-20, 1), (-10, 2)]),
        ([(-20, 2), (-10, 1)], 3, [(-10, 1)]),
        ([(-30, 9), (-20, 1)], 3, [(-30, 9), (-20, 1)]),
    ],
    ids=str,
)
def test_with_a_window_for_growth_what_can_be_the_smallest_is_kept_too(
    before: list[tuple[float, int]], wanted: int, kept: list[tuple[float, int]]
) -> None:
    assert recorded(history(*before), wanted, windows(up=60), START) == history(*kept)


def test_a_long_cooldown_keeps_only_when_a_worker_was_last_wanted() -> None:
    before = history((-900, 9), (-800, 2))

    assert recorded(before, 0, windows(cooldown=3600), START) == history((-800, 2))
    assert recorded(before, 0, windows(cooldown=800), START) == ()


numbers = st.lists(st.tuples(st.integers(-400, 0), st.integers(0, 1000)), max_size=400)


@given(entries=numbers, wanted=st.integers(0, 1000), ahead=st.integers(0, 400))
@steady(100)
def test_the_largest_of_the_window_is_never_lost_whatever_is_left_out(
    entries: list[tuple[int, int]], wanted: int, ahead: int
) -> None:
    """It may be held longer when too many are left, and never shorter."""
    before = history(*sorted(entries))
    kept = recorded(before, wanted, windows(up=300), START)
    since = at(ahead - 300)

    exact = max((e.replicas for e in before if e.at > since and e.at > at(-300)), default=0)
    assert max([wanted, *(e.replicas for e in kept if e.at > since)]) >= exact
    assert len(kept) <= 2 * MAX_ENTRIES


def test_many_steps_become_few_that_hold_longer() -> None:
    before = history(*((second - 300, 1000 - second) for second in range(1, 300)))

    kept = recorded(before, 0, windows(), START)

    assert len(kept) == MAX_ENTRIES
    assert kept[0].replicas == 999
    assert kept[-1].at == at(-1)


def test_changes_are_kept_as_long_as_a_period_reaches_and_added_up_when_many() -> None:
    changes = [ScaleChange(at(second - 200), 1) for second in range(200)]

    kept = remembered(changes, timedelta(seconds=150), START)

    assert len(kept) == MAX_ENTRIES
    assert sum(each.by for each in kept) == 149
    assert remembered(changes, timedelta(seconds=1), START) == ()


def test_changes_up_and_down_are_not_added_up() -> None:
    changes = [ScaleChange(at(second - 200), (-1) ** second) for second in range(200)]

    kept = remembered(changes, timedelta(seconds=3600), START)

    assert sum(each.by for each in kept if each.by > 0) == 100
    assert sum(each.by for each in kept if each.by < 0) == -100


def test_a_past_survives_as_text() -> None:
    past = Past(
        target=7,
        wanted=3,
        history=history((-20, 7), (-10, 5)),
        changes=(ScaleChange(at(-30), 4), ScaleChange(at(-5), -2)),
        failures=(Failures("5f6d8", 3, at(-1)), Failures("77aa", 1, at(-2))),
    )

    assert parse_history(render_history(past)) == past
    assert parse_history(render_history(NO_PAST)) == NO_PAST


def test_the_largest_past_fits_where_it_is_kept() -> None:
    past = Past(
        target=1000,
        wanted=1000,
        history=history(*((second, 1000) for second in range(2 * MAX_ENTRIES))),
        changes=tuple(ScaleChange(at(second), -1000) for second in range(2 * MAX_ENTRIES)),
        failures=tuple(Failures("x" * 63, 16, START) for _ in range(4)),
    )

    assert len(render_history(past)) <= MAX_TEXT
    assert parse_history(render_history(past)) == past


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "{}",
        "7",
        "[" * 5000,
        " " * (MAX_TEXT + 1),
        json.dumps({"target": -1, "history": [], "changes": []}),
        json.dumps({"target": True, "history": [], "changes": []}),
        json.dumps({"target": 10**9, "history": [], "changes": []}),
        json.dumps({"history": [[1, "2"]], "changes": []}),
        json.dumps({"history": [[1.5, 2]], "changes": []}),
        json.dumps({"history": [[10**18, 2]], "changes": []}),
        json.dumps({"history": [[1, 2, 3]], "changes": []}),
        json.dumps({"history": [[1, -2]], "changes": []}),
        json.dumps({"history": [], "changes": [], "failures": [["r", 1]]}),
        json.dumps({"history": [], "changes": [], "failures": [["r", -1, 1]]}),
    ],
    ids=lambda text: text[:40],
)
def test_a_text_that_tells_of_no_past_is_a_start_without_memory(text: str) -> None:
    assert parse_history(text) == NO_PAST


@given(text=st.text(max_size=200) | st.from_type(type(None)).map(str))
@steady(50)
def test_no_text_stops_scaling(text: str) -> None:
    assert isinstance(parse_history(text), Past)
