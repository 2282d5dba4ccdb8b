"""What the collector of garbage is to do while the operator's caches fill, and afterwards."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from spectra_operator.lifetime import growing


class Ring:
    """Refers to itself, so that only the collector can find that nobody needs it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """Give the collector back what a test leaves out."""
    yield
    gc.unfreeze()


def test_nothing_is_looked_through_while_caches_grow() -> None:
    with growing():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_stands_afterwards_is_left_out_of_every_later_look() -> None:
    before = gc.get_freeze_count()
    with growing():
        grown = [[number] for number in range(10_000)]
    assert gc.get_freeze_count() - before >= len(grown)


def test_garbage_of_the_time_is_found_at_its_end() -> None:
    with growing():
        ring = Ring()
        gone = weakref.ref(ring)
        del ring
        assert gone() is not None
    assert gone() is None


def test_the_collector_works_again_however_the_time_ends() -> None:
    def broken() -> None:
        with growing():
            raise RuntimeError("the Lease is lost")

    with pytest.raises(RuntimeError):
        broken()
    assert gc.isenabled()


def test_what_was_left_out_and_is_garbage_by_now_is_found_the_next_time() -> None:
    ring = Ring()
    gone = weakref.ref(ring)
    with growing():
        pass
    del ring
    gc.collect()
    assert gone() is not None

    with growing():
        pass
    assert gone() is None
