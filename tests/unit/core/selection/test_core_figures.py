"""What is known of an agent when it may be chosen."""

from __future__ import annotations

from decimal import Decimal

from spectra_operator.core.selection.figures import (
    NOTHING_SEEN,
    Profile,
    Seen,
    figures_of,
    recalled,
)


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


def test_a_few_attempts_are_recalled_as_they_were_counted() -> None:
    seen = recalled((3, 2), Decimal("1.0"), [1.0, 5.0, 2.0], 64)

    assert figures_of(seen) == figures_of(
        [
            Seen(False, None, Decimal("0.4")),
            Seen(False, None, Decimal("0.6")),
            *(Seen(True, seconds) for seconds in (1.0, 2.0, 5.0)),
        ]
    )


def test_of_many_attempts_the_share_that_failed_and_the_newest_durations_are_recalled() -> None:
    seen = recalled((75, 25), Decimal(100), [9.0] * 52 + [1.0] * 48, 64)

    found = figures_of(seen)
    assert (found.ended, found.succeeded, found.seconds) == (64, 48, 1.0)
    assert round(found.cost or Decimal(0), 6) == round(Decimal(100) / 75, 6)


def test_recalled_failures_lie_evenly_among_the_others() -> None:
    seen = recalled((6, 3), Decimal(0), [], 64)

    assert [one.good for one in seen] == [True, True, False] * 3


def test_durations_that_nobody_knows_are_those_of_the_older_successes() -> None:
    seen = recalled((3, 0), Decimal(0), [4.0], 64)

    assert [one.seconds for one in seen] == [None, None, 4.0]


def test_nothing_is_recalled_of_nothing_and_no_success_of_failures() -> None:
    assert recalled((0, 0), Decimal(0), [], 64) == ()
    assert [one.good for one in recalled((0, 2), Decimal(1), [], 64)] == [False, False]
