"""Statistics of a revision: counts, quantiles, bounds, their text in status."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.attempts.evidence import Kind
from spectra_operator.core.rollout.stats import (
    KEPT,
    NO_STATS,
    AttemptEnd,
    RevisionStats,
    parse_stats,
    render_stats,
)
from unit.core.core_settings import steady

ends = st.builds(
    AttemptEnd,
    kind=st.sampled_from(Kind),
    seconds=st.floats(0, 1e7),
    cost=st.decimals(0, 1000, places=6),
    reason=st.sampled_from(["", "NodeLost", "WorkerRestarted"]),
)


def of(*given_ends: AttemptEnd) -> RevisionStats:
    """Return the statistics of some attempts."""
    stats = NO_STATS
    for end in given_ends:
        stats = stats.add(end)
    return stats


def succeeded(*seconds: float) -> RevisionStats:
    """Return the statistics of attempts that succeeded."""
    return of(*(AttemptEnd(Kind.SUCCEEDED, each) for each in seconds))


def test_nothing_is_known_of_a_revision_without_attempts() -> None:
    assert NO_STATS.figures() == {
        "failureRatio": None,
        "p50Seconds": None,
        "p95Seconds": None,
        "costPerTask": None,
        "attempts": 0,
        "losses": 0,
    }


def test_figures_are_ratios_of_what_succeeded_or_failed() -> None:
    stats = of(
        AttemptEnd(Kind.SUCCEEDED, 2, Decimal("0.3")),
        AttemptEnd(Kind.FAILED, 9, Decimal("0.1")),
        AttemptEnd(Kind.LOST, 1, reason="NodeLost"),
        AttemptEnd(Kind.LOST, 1, reason="WorkerRestarted"),
    )

    assert stats.figures() == {
        "failureRatio": 0.5,
        "p50Seconds": 2,
        "p95Seconds": 2,
        "costPerTask": 0.2,
        "attempts": 3,
        "losses": 2,
    }
    assert (stats.ended, stats.lost, stats.crashed) == (3, 2, 1)


# Nearest rank: the smallest value that this share of all does not exceed.
@pytest.mark.parametrize(
    ("seconds", "share", "value"),
    [
        ([1], 0.5, 1),
        ([1, 2], 0.5, 1),
        ([3, 1, 2], 0.5, 2),
        (range(1, 21), 0.95, 19),
        (range(1, 101), 0.95, 95),
    ],
)
def test_a_quantile_is_a_value_that_was_seen(
    seconds: list[float], share: float, value: float
) -> None:
    assert succeeded(*seconds).quantile(share) == value


def test_only_the_newest_durations_are_kept() -> None:
    stats = succeeded(*([100] * KEPT), *([1] * KEPT))

    assert len(stats.sample) == KEPT
    assert stats.quantile(0.95) == 1
    assert stats.succeeded == 2 * KEPT


@given(found=st.lists(ends, max_size=200))
@steady(40)
def test_statistics_come_back_from_status_and_stay_small(found: list[AttemptEnd]) -> None:
    stats = of(*found)

    text = json.dumps(render_stats("v1", stats))

    assert parse_stats([json.loads(text)]) == {"v1": stats}
    assert len(text) <= 2_000


@given(now=st.lists(ends, max_size=30), rest=st.lists(ends, max_size=20))
@steady(80)
def test_whatever_comes_lies_between_the_best_and_the_worst(
    now: list[AttemptEnd], rest: list[AttemptEnd]
) -> None:
    telling = [end for end in rest if end.kind is not Kind.LOST]
    stats = of(*now)
    best, worst = stats.best(len(telling)), stats.worst(len(telling))

    for name, value in of(*now, *telling).figures().items():
        low, high = best[name], worst[name]
        if value is not None and low is not None and high is not None:
            assert low - 1e-6 <= value <= high + 1e-6


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        {},
        {"revision": 1},
        {"revision": "v1", "succeeded": -1},
        {"revision": "v1", "cost": "x"},
    ],
)
def test_figures_that_somebody_broke_count_as_none(broken: object) -> None:
    fine = render_stats("v2", succeeded(1))

    assert parse_stats([broken, fine]) == {"v2": succeeded(1)}


def test_durations_and_cost_stop_at_what_a_status_can_hold() -> None:
    huge = AttemptEnd(Kind.SUCCEEDED, 1e300, Decimal(10) ** 30)
    stats = of(*([huge] * KEPT), AttemptEnd(Kind.SUCCEEDED, -5))

    assert parse_stats([render_stats("v1", stats)]) == {"v1": stats}
