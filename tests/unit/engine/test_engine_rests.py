"""Which passes are followed by a rest: those that cost much, not those that took long."""

from __future__ import annotations

from builders.clock import FakeClock
from spectra_operator.engine.keys import Key
from spectra_operator.engine.passes import Passes
from spectra_operator.engine.queue import WorkQueue
from spectra_operator.observability.metrics import Metrics

PHASE = Key("Phase", "default", "stage")


class SharedCore(FakeClock):
    """A clock of a machine on which others have the core for most of the time."""

    used = 0.0
    asked = 0

    def busy(self) -> float:
        """Return the processor time of this thread alone."""
        self.asked += 1
        return self.used

    def work(self, seconds: float, waited: float) -> None:
        """Spend processor time, and wait for a core beside it."""
        self.used += seconds
        self.advance(seconds + waited)


class SomePasses:
    """Passes over one phase, each with its cost."""

    def __init__(self) -> None:
        self.clock = SharedCore()
        self._cost = (0.0, 0.0)
        self._queue = WorkQueue(self.clock)
        reconcile = {"Phase": lambda _: self.clock.work(*self._cost)}
        self._passes = Passes(self.clock, self._queue, Metrics(), reconcile, lambda _: True)

    def rests_after(self, used: float, waited: float = 0.0) -> bool:
        """Make a pass that uses the core and waits for it so long; return whether a rest follows.

        When it returns the rest is over.
        """
        self._cost = (used, waited)
        self._passes.make(PHASE)
        self._queue.add(PHASE)
        rests = not len(self._queue)
        self._queue.discard(PHASE)
        return rests


def test_what_uses_much_of_the_core_time_and_again_rests() -> None:
    passes = SomePasses()

    assert not passes.rests_after(0.01)
    assert passes.rests_after(0.01)
    assert passes.rests_after(0.01)


def test_a_pass_that_waited_for_the_core_is_not_taken_for_a_dear_one() -> None:
    passes = SomePasses()

    assert not passes.rests_after(0.001, 0.5)
    assert not passes.rests_after(0.001, 0.5)


def test_who_uses_little_by_now_does_not_rest() -> None:
    passes = SomePasses()
    passes.rests_after(0.01)

    assert passes.rests_after(0.01)
    assert not passes.rests_after(0.001)


def test_the_time_of_the_core_is_asked_for_only_where_the_last_pass_was_long() -> None:
    passes = SomePasses()
    for used, asked in ((0.001, 0), (0.001, 0), (0.01, 0), (0.001, 2), (0.001, 2)):
        passes.rests_after(used)
        assert passes.clock.asked == asked


def test_long_passes_are_remembered_and_short_ones_are_not() -> None:
    clock = SharedCore()
    durations = iter([0.001, 0.5, 0.0, 0.004])
    reconcile = {"Phase": lambda _: clock.work(next(durations), 0.0)}
    passes = Passes(clock, WorkQueue(clock), Metrics(), reconcile, lambda _: True)

    for name in ("quick", "slow", "idle", "slower-than-most"):
        passes.make(Key("Phase", "default", name))

    assert [(each.key.name, round(each.seconds, 3)) for each in passes.long] == [
        ("slow", 0.5),
        ("slower-than-most", 0.004),
    ]


def test_only_the_last_long_passes_are_remembered() -> None:
    clock = SharedCore()
    reconcile = {"Phase": lambda _: clock.work(0.003, 0.0)}
    passes = Passes(clock, WorkQueue(clock), Metrics(), reconcile, lambda _: True)

    for number in range(1000):
        passes.make(Key("Phase", "default", f"p{number}"))

    assert len(passes.long) == 200
    assert passes.long[-1].key.name == "p999"
