"""A clock of tests that nobody has to move: it goes as the machine's own does."""

from __future__ import annotations

from datetime import datetime, timedelta

from builders.clock import START, FakeClock
from spectra_operator.kube.clock import SystemClock


class RealTime(FakeClock):
    """Real time since its making, counted from the start that the pods of tests have."""

    def __init__(self) -> None:
        super().__init__()
        self._system = SystemClock()
        self._began = self._system.monotonic()

    def now(self) -> datetime:
        """Return the wall-clock time, as far after `START` as the making is past."""
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the seconds since the making."""
        return self._system.monotonic() - self._began

    def busy(self) -> float:
        """Return the seconds of processor time that this thread has used."""
        return self._system.busy()

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds."""
        await self._system.sleep(seconds)
