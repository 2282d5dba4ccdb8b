"""How long to wait before trying again."""

from __future__ import annotations

from spectra_operator.kube.backoff import Backoff


def _never() -> float:
    return 0.0


def _almost_always() -> float:
    return 0.999999


def test_the_first_retry_is_immediate() -> None:
    assert Backoff(jitter=_almost_always).next() == 0.0


def test_delays_double_up_to_the_ceiling() -> None:
    backoff = Backoff(initial=1.0, maximum=5.0, jitter=_never)
    assert [backoff.next() for _ in range(6)] == [0.0, 0.5, 1.0, 2.0, 2.5, 2.5]


def test_jitter_spreads_over_the_upper_half_of_a_step() -> None:
    backoff = Backoff(initial=8.0, maximum=8.0, jitter=_almost_always)
    backoff.next()
    assert 7.9 < backoff.next() < 8.0


def test_a_success_forgets_the_failures() -> None:
    backoff = Backoff(jitter=_never)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.next() == 0.0


def test_failing_for_years_does_not_overflow() -> None:
    backoff = Backoff(initial=1.0, maximum=30.0, jitter=_never)
    assert [backoff.next() for _ in range(5000)][-1] == 15.0


def test_the_default_jitter_stays_within_the_step() -> None:
    backoff = Backoff(initial=4.0, maximum=4.0)
    backoff.next()
    assert all(2.0 <= backoff.next() <= 4.0 for _ in range(100))
