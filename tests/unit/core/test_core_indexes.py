"""Sets of indexes and how they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core import indexes
from unit.core.core_settings import steady

CASES = [
    ("", set()),
    ("0", {0}),
    ("0-1", {0, 1}),
    ("0-2,5,7-8", {0, 1, 2, 5, 7, 8}),
    ("100", {100}),
]


def mask(numbers: set[int]) -> int:
    """Return a set as an integer."""
    return sum(1 << number for number in numbers)


@pytest.mark.parametrize(("text", "numbers"), CASES)
def test_a_set_is_written_as_ranges_and_read_back(text: str, numbers: set[int]) -> None:
    assert indexes.render(mask(numbers)) == text
    assert indexes.parse(text) == mask(numbers)
    assert set(indexes.iterate(mask(numbers))) == numbers


def test_ranges_may_overlap_and_stand_in_any_order() -> None:
    assert indexes.parse("5-7,0,6-8,") == mask({0, 5, 6, 7, 8})


@pytest.mark.parametrize("text", ["x", "3-1", "1-2-3", "-1", "1-x"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a range|invalid literal"):
        indexes.parse(text)


def test_the_full_set_has_every_index_below_the_total() -> None:
    assert indexes.full(0) == 0
    assert indexes.render(indexes.full(10_000)) == "0-9999"


def test_indexes_come_in_ascending_order() -> None:
    assert list(indexes.iterate(mask({9, 0, 4}))) == [0, 4, 9]


def test_every_second_of_the_most_items_fits_into_status() -> None:
    assert len(indexes.render(mask(set(range(0, 10_000, 2))))) <= 65_536


@steady(200)
@given(st.sets(st.integers(0, 300)))
def test_any_set_survives_being_written(numbers: set[int]) -> None:
    assert indexes.parse(indexes.render(mask(numbers))) == mask(numbers)


@steady(200)
@given(st.sets(st.integers(0, 9_999), max_size=50))
def test_a_set_is_made_from_its_indexes(numbers: set[int]) -> None:
    assert indexes.of(numbers) == mask(numbers)


@steady(200)
@given(st.sets(st.integers(0, 9_999), max_size=50), st.integers(-1, 60))
def test_the_lowest_indexes_are_those_that_come_first(numbers: set[int], count: int) -> None:
    found = indexes.iterate(indexes.lowest(mask(numbers), count))
    assert list(found) == sorted(numbers)[: max(count, 0)]
