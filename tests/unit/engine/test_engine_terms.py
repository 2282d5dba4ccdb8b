"""What a replica may do in a shard, from the beginning of its term to the end."""

from __future__ import annotations

import pytest

from builders.clock import FakeClock
from spectra_operator.engine.keys import shard_of
from spectra_operator.engine.terms import Terms
from spectra_operator.engine.worker_book import SILENT_SECONDS

SHARDS = 4
HERE = next(name for name in map("team-{}".format, range(99)) if shard_of(name, SHARDS) == 1)
ELSEWHERE = next(name for name in map("team-{}".format, range(99)) if shard_of(name, SHARDS) == 2)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def terms(clock: FakeClock) -> Terms:
    return Terms(clock, SHARDS)


def may(terms: Terms, namespace: str) -> tuple[bool, bool, bool]:
    """Return what it may in a namespace: look after it, write, start new work."""
    return terms.holds(namespace), terms.may_write(namespace), terms.admitting(namespace)


def test_without_a_term_nothing_may_be_done(terms: Terms) -> None:
    assert may(terms, HERE) == (False, False, False)
    assert terms.led_since(HERE) is None
    assert not terms.any_held


def test_a_term_begins_with_looking_and_new_work_comes_later(terms: Terms) -> None:
    terms.begin(1, lambda: True)
    assert may(terms, HERE) == (True, True, False)
    assert terms.admitted == 0
    assert terms.is_beginning(HERE)
    assert not terms.is_beginning(ELSEWHERE)

    terms.admit(1)
    assert not terms.is_beginning(HERE)
    assert may(terms, HERE) == (True, True, True)
    assert terms.admitted == 1
    assert may(terms, ELSEWHERE) == (False, False, False)


def test_whoever_has_lost_the_lease_may_not_write_though_the_term_is_not_ended_yet(
    terms: Terms,
) -> None:
    terms.begin(1, lambda: False)
    assert may(terms, HERE) == (True, False, False)


@pytest.mark.parametrize("admitted", [True, False])
def test_the_end_of_a_term_tells_whether_it_had_come_to_new_work(
    terms: Terms, admitted: bool
) -> None:
    terms.begin(1, lambda: True)
    if admitted:
        terms.admit(1)

    assert terms.end(1) is admitted
    assert may(terms, HERE) == (False, False, False)
    assert terms.led_since(HERE) is None
    assert terms.end(1) is False


def test_workers_have_their_time_from_when_they_may_call(terms: Terms, clock: FakeClock) -> None:
    assert terms.settles_in(HERE) == SILENT_SECONDS
    terms.begin(1, lambda: True)
    clock.advance(3600)
    assert terms.settles_in(HERE) == SILENT_SECONDS
    terms.admit(1)
    clock.advance(5)
    assert terms.settles_in(HERE) == SILENT_SECONDS - 5
    clock.advance(3600)
    assert terms.settles_in(HERE) == 0


def test_how_it_stands_is_told_of_every_shard(terms: Terms, clock: FakeClock) -> None:
    terms.holder_address = "http://10.0.0.{}:8082".format
    terms.begin(1, lambda: True)
    clock.advance(7)

    zero, one, *_ = terms.standings()

    assert len(terms.standings()) == SHARDS
    assert (zero.held, zero.admitting, zero.led_seconds) == (False, False, None)
    assert (one.held, one.admitting, one.led_seconds) == (True, False, 7.0)
    assert one.holder == terms.address(HERE) == "http://10.0.0.1:8082"
