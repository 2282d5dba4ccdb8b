"""Samples of how long attempts took: the newest count, and what follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.specs import a_task
from spectra_operator.api.task import Task
from spectra_operator.core.insight.durations import (
    KEPT,
    MAX_PATHS,
    Durations,
    Observed,
    add,
    joined,
    merge,
    parse,
)
from unit.core.core_settings import steady

SAMPLES = st.lists(st.integers(0, 10**7), min_size=1, max_size=KEPT).map(tuple)


def work(seconds: int | None = None) -> Task:
    plan = {"durationSeconds": seconds} if seconds else None
    return Task.model_validate(a_task(plan=plan))


def test_the_newest_samples_are_kept() -> None:
    known = None
    for number in range(KEPT + 5):
        known = add(known, number)
    assert known is not None
    assert known.samples == tuple(range(5, KEPT + 5))
    assert known.count == KEPT


def test_a_clock_that_went_back_does_not_make_a_time_negative() -> None:
    assert add(None, -5).samples == (0,)


def test_median_p90_mean_and_variance_are_in_seconds() -> None:
    known = Durations((1000, 2000, 3000, 4000, 10_000))
    assert (known.median, known.p90, known.mean, known.variance) == (3.0, 10.0, 4.0, 12.5)


def test_one_sample_has_no_spread() -> None:
    known = Durations((1500,))
    assert (known.median, known.p90, known.mean, known.variance) == (1.5, 1.5, 1.5, 0.0)


@steady()
@given(SAMPLES)
def test_nine_of_ten_samples_are_at_most_the_p90(samples: tuple[int, ...]) -> None:
    known = Durations(samples)
    below = sum(1 for sample in samples if sample / 1000 <= known.p90)
    assert below >= 0.9 * len(samples)
    assert min(samples) / 1000 <= known.median <= known.p90 <= max(samples) / 1000


def test_of_an_attempt_that_runs_only_longer_ones_tell_what_is_left() -> None:
    known = Durations((1000, 5000, 9000))
    assert known.after(4) == Durations((1000, 5000))
    assert known.after(9) is None


def test_of_a_task_the_best_that_is_known_is_taken() -> None:
    seen, agents = Durations((1000,)), {"worker": Durations((3000,))}
    assert Observed({"build/work": seen}, agents).of("build", work(7)) == seen
    assert Observed({"other/work": seen}, agents).of("build", work(7)) == Durations((7000,), True)
    assert Observed({}, agents).of("build", work()) == Durations((3000,))
    assert Observed().of("build", work()) is None


def test_what_was_planned_was_not_seen() -> None:
    planned = Observed().of("build", work(7))
    assert planned is not None
    assert (planned.count, planned.mean) == (0, 7.0)


@pytest.mark.parametrize(
    ("observed", "usual"),
    [
        (Observed(), None),
        (Observed(agents={"a": Durations((1000,)), "b": Durations((3000,))}), 2.0),
        (Observed({"p/t": Durations((4000,))}), 4.0),
    ],
)
def test_an_attempt_of_which_nothing_is_known_is_like_the_others(
    observed: Observed, usual: float | None
) -> None:
    assert observed.usual == usual


def test_noted_samples_come_after_those_in_status() -> None:
    stored = {"p/old": [1], "p/both": [2, 3]}
    noted = {"p/both": Durations((4,)), "p/new": Durations((5,))}
    assert merge(stored, noted) == {"p/old": [1], "p/both": [2, 3, 4], "p/new": [5]}
    assert merge(None, noted) == {"p/both": [4], "p/new": [5]}


def test_a_status_keeps_the_tasks_that_ran_last() -> None:
    stored = {f"p/t{number}": [number] for number in range(MAX_PATHS)}
    merged = merge(stored, {"p/t0": Durations((7,)), "p/new": Durations((8,))})
    assert len(merged) == MAX_PATHS
    assert "p/t1" not in merged
    assert (merged["p/t0"], merged["p/new"]) == ([0, 7], [8])


@steady()
@given(SAMPLES, SAMPLES)
def test_what_is_written_reads_back(older: tuple[int, ...], newer: tuple[int, ...]) -> None:
    known = joined({"p/t": Durations(older)}, {"p/t": Durations(newer)})
    assert parse(merge(merge(None, {"p/t": Durations(older)}), {"p/t": Durations(newer)})) == known
    assert known["p/t"].samples == (older + newer)[-KEPT:]


def test_an_empty_status_holds_no_samples() -> None:
    assert parse(None) == {}
    assert parse({"p/t": []}) == {}
