"""The attempts of one phase: what changed since all was seen, what is unsettled, whose they are."""

from __future__ import annotations

from builders.records import an_attempt, done
from builders.specs import PHASE_UID
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.engine.attempt_cell import AttemptCell

MANY = 300


def a_cell(*attempts: Attempt) -> AttemptCell:
    """Return a cell with some attempts, all of them seen."""
    cell = AttemptCell()
    for attempt in attempts:
        cell.put(attempt)
    cell.all_seen()
    return cell


def changed(cell: AttemptCell, *restless: str) -> tuple[list[int], list[int]] | None:
    """Return the items that changed or are named, and those gone; None if that is not known."""
    found = cell.changes(PHASE_UID, restless)
    return found and (sorted(a.index for a in found[0]), sorted(a.index for a in found[1]))


def test_nothing_is_known_to_have_changed_before_all_was_seen_once() -> None:
    cell = AttemptCell()
    cell.put(an_attempt())
    assert changed(cell) is None


def test_what_comes_changes_and_goes_is_told_until_all_was_seen_again() -> None:
    cell = a_cell(*(an_attempt(index=i) for i in range(4)))
    assert changed(cell) == ([], [])
    cell.put(an_attempt(index=1, outcome=done()))
    cell.put(an_attempt(index=7))
    cell.take(an_attempt(index=3).pod)
    assert changed(cell) == ([1, 7], [3])
    cell.all_seen()
    assert changed(cell) == ([], [])


def test_what_came_back_is_not_gone() -> None:
    cell = a_cell(an_attempt(index=0), an_attempt(index=1))
    cell.take(an_attempt(index=1).pod)
    cell.put(an_attempt(index=1))
    assert changed(cell) == ([1], [])


def test_what_is_restless_is_told_though_it_has_not_changed() -> None:
    cell = a_cell(an_attempt(index=0), an_attempt(index=1))
    assert changed(cell, an_attempt(index=1).pod, "gone-long-ago") == ([1], [])


def test_more_changes_than_attempts_are_not_kept() -> None:
    cell = a_cell(an_attempt(index=0))
    for index in range(1, MANY):
        cell.put(an_attempt(index=index))
        cell.take(an_attempt(index=index).pod)
    assert changed(cell) is None
    cell.all_seen()
    assert changed(cell) == ([], [])


def test_the_first_of_so_many_attempts_are_all_told() -> None:
    cell = a_cell()
    for index in range(MANY):
        cell.put(an_attempt(index=index))
    assert changed(cell) == (list(range(MANY)), [])


def test_what_ended_or_has_no_pod_yet_is_unsettled() -> None:
    ended, creating = an_attempt(index=1, outcome=done()), an_attempt(index=2, uid="")
    cell = a_cell(an_attempt(index=0), ended, creating)
    assert set(cell.unsettled) == {ended.pod, creating.pod}
    cell.put(an_attempt(index=2))
    cell.take(ended.pod)
    assert not cell.unsettled


def test_attempts_of_a_former_phase_of_the_same_name_are_told_apart() -> None:
    cell = a_cell(an_attempt(index=0))
    assert cell.are_of(PHASE_UID)
    stranger = an_attempt(index=1, phase_uid="another")
    cell.put(stranger)
    assert not cell.are_of(PHASE_UID)
    assert [a.index for a in cell.of_uid(PHASE_UID)] == [0]
    assert [a.index for a in cell.of_uid("another")] == [1]
    cell.put(an_attempt(index=1))
    assert cell.are_of(PHASE_UID)


def test_what_changed_or_went_of_a_former_phase_is_not_told() -> None:
    stranger, other = (an_attempt(index=i, phase_uid="another") for i in (1, 2))
    cell = a_cell(an_attempt(index=0), stranger)
    cell.put(other)
    assert changed(cell, stranger.pod, other.pod) == ([], [])
    cell.take(stranger.pod)
    assert changed(cell) == ([], [])


def test_what_changed_is_told_in_the_same_order_each_time() -> None:
    cell = a_cell()
    for index in (3, 1, 2):
        cell.put(an_attempt(index=index))
    found = cell.changes(PHASE_UID, ())
    assert found
    assert [a.index for a in found[0]] == [1, 2, 3]


def test_who_goes_by_the_attempts_twice_finds_them_twice() -> None:
    cell = a_cell(an_attempt(index=0), an_attempt(index=1, phase_uid="another"))
    mine = cell.of_uid(PHASE_UID)
    assert list(mine) == list(mine) == [an_attempt(index=0)]


def test_an_empty_cell_is_of_any_phase() -> None:
    cell = a_cell(an_attempt(index=0))
    cell.take(an_attempt(index=0).pod)
    assert cell.are_of("whoever")
    assert list(cell.of_uid("whoever")) == []


def test_what_is_not_there_is_not_taken() -> None:
    cell = a_cell(an_attempt(index=0))
    assert cell.take("nobody") is None
    assert changed(cell) == ([], [])
