"""Which passes are followed by a rest: those that cost much, not those that took long."""

from __future__ import annotations

from typing import Any

import pytest

from builders.clock import FakeClock
from builders.fake_api.server import FakeApi
from spectra_operator.engine.engine import Engine, EngineSettings
from spectra_operator.engine.keys import Key
from spectra_operator.kube.client import AiohttpClient
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


async def is_at_rest_after(
    work: tuple[float, float], monkeypatch: pytest.MonkeyPatch, clock: SharedCore
) -> bool:
    """Make one pass that uses the core and waits for it so long; return whether a rest follows."""
    client: Any = AiohttpClient(FakeApi().access())
    engine = Engine(client, clock, Metrics(), EngineSettings())
    monkeypatch.setitem(engine._reconcile, "Phase", lambda _: clock.work(*work))
    engine._pass(PHASE)
    engine.parts.queue.add(PHASE)
    return not len(engine.parts.queue)


async def test_a_pass_that_uses_much_of_the_core_is_followed_by_a_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await is_at_rest_after((0.01, 0.0), monkeypatch, SharedCore())


async def test_a_cheap_pass_that_waited_for_the_core_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not await is_at_rest_after((0.001, 0.5), monkeypatch, SharedCore())
