"""What is known of an agent when it may be chosen."""

from __future__ import annotations

from decimal import Decimal

from spectra_operator.core.selection.figures import NOTHING_SEEN, Profile, Seen, figures_of


def test_nothing_is_known_of_an_agent_that_has_done_nothing() -> None:
    assert figures_of([]) == NOTHING_SEEN
    assert NOTHING_SEEN.reliability == 1.0


def test_the_duration_is_the_median_of_what_succeeded() -> None:
    found = figures_of([Seen(True, 1.0), Seen(True, 9.0), Seen(True, 2.0), Seen(False, 50.0)])
    assert (found.seconds, found.ended, found.succeeded) == (2.0, 4, 3)


def test_a_duration_that_is_not_known_counts_for_none() -> None:
    assert figures_of([Seen(True), Seen(True, 4.0)]).seconds == 4.0
    assert figures_of([Seen(True)]).seconds is None


def test_failures_cost_too() -> None:
    found = figures_of([Seen(True, 1.0, Decimal("0.1")), Seen(False, 1.0, Decimal("0.2"))])
    assert found.cost == Decimal("0.3")


def test_without_a_success_there_is_neither_a_duration_nor_a_cost() -> None:
    found = figures_of([Seen(False, 1.0, Decimal(1))])
    assert (found.seconds, found.cost) == (None, None)


def test_one_failure_lowers_the_reliability_by_less_than_what_counts_as_the_same() -> None:
    assert 1 - figures_of([Seen(False)]).reliability < 0.05
    assert 1 - figures_of([Seen(False)] * 2).reliability > 0.05


def test_an_agent_fits_that_has_all_that_is_required_and_maybe_more() -> None:
    both = Profile(frozenset({"gpu", "ocr"}))
    assert both.fits(["gpu"], mounting=False)
    assert both.fits(["ocr", "gpu"], mounting=True)
    assert not both.fits(["gpu", "tax"], mounting=False)


def test_a_worker_mounts_no_workspace() -> None:
    worker = Profile(frozenset({"gpu"}), mounts=False)
    assert worker.fits(["gpu"], mounting=False)
    assert not worker.fits(["gpu"], mounting=True)
