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

    def busy(self) -> float:
        """Return the processor time of this thread alone."""
        return self.used

    def work(self, seconds: float, waited: float) -> None:
        """Spend processor time, and wait for a core beside it."""
        self.used += seconds
        self.advance(seconds + waited)


def is_at_rest_after(used: float, waited: float) -> bool:
    """Make one pass that uses the core and waits for it so long; return whether a rest follows."""
    clock = SharedCore()
    queue = WorkQueue(clock)
    reconcile = {"Phase": lambda _: clock.work(used, waited)}
    Passes(clock, queue, Metrics(), reconcile, lambda _: True).make(PHASE)
    queue.add(PHASE)
    return not len(queue)


def test_a_pass_that_uses_much_of_the_core_is_followed_by_a_rest() -> None:
    assert is_at_rest_after(0.01, 0.0)


def test_a_cheap_pass_that_waited_for_the_core_is_not() -> None:
    assert not is_at_rest_after(0.001, 0.5)


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
