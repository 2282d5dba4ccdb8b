"""When a number that others set counts as pulled to and fro, and when no more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest

from builders.pods import at
from spectra_operator.core.pool.tugs import CALM, NO_TUGS, TURNS, WITHIN, Tugs

LAST = 15.0 * TURNS


def seen(numbers: Iterable[int | None], step: float = 15.0) -> Tugs:
    """Return what is known after these numbers, one every few seconds."""
    tugs = NO_TUGS
    for count, number in enumerate(numbers):
        tugs = tugs.after(number, at(count * step))
    return tugs


def test_a_number_that_goes_to_and_fro_is_pulled_by_two() -> None:
    assert seen([5, 2, 5, 2, 5]).between(at(LAST)) == (2, 5)


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [3],
        [2, 5, 2, 5],
        [1, 2, 3, 4, 5, 6],
        [5, 4, 3, 4, 5],
        [None, 2, None, 2, None],
        [2, 2, 2, 2, 2, 2],
    ],
)
def test_other_changes_are_those_of_one(numbers: list[int | None]) -> None:
    assert seen(numbers).between(at(LAST)) is None


def test_the_same_number_once_more_is_no_change() -> None:
    once = seen([5, 2])
    assert once.after(2, at(99)) is once


def test_changes_that_take_longer_are_somebodys_wish() -> None:
    slow = WITHIN.total_seconds() / (TURNS - 1) + 1
    assert seen([2, 5, 2, 5, 2], slow).between(at(slow * TURNS)) is None
    assert seen([2, 5, 2, 5, 2], slow - 1).between(at(slow * TURNS)) == (2, 5)


def test_a_number_that_stands_still_is_not_pulled_any_more() -> None:
    tugs = seen([2, 5, 2, 5, 2])
    over = at(LAST) + CALM

    assert tugs.over_at() == over
    assert tugs.between(over - timedelta(seconds=1)) == (2, 5)
    assert tugs.between(over) is None
    assert NO_TUGS.over_at() is None


def test_no_more_is_kept_than_is_asked_for() -> None:
    tugs = seen([1, 2] * 50)
    assert len(tugs.seen) == TURNS + 1
    assert tugs.between(at(15.0 * 99)) == (1, 2)
