"""Reads what an engine and the control plane use, from one moment to another."""

from __future__ import annotations

from collections.abc import Mapping

from bench import proc
from bench.engines import Running
from bench.results import EngineCost


class Meter:
    """Begins when it is made."""

    def __init__(self, plane: Mapping[str, int], engine: Running) -> None:
        """Read all counters.

        Args:
            plane: Processes of the control plane by component.
            engine: The engine.
        """
        self._plane = plane
        self._engine = engine
        self._usage = engine.usage()
        self._cpu = engine.cpu()
        self._starved = proc.starved_seconds(engine.pid)
        self._rss = proc.memory(engine.pid).now
        self._plane_cpu = self._read_plane()
        self._rss_quarter = 0

    def see_quarter(self) -> None:
        """Read the memory that the engine has now, when a quarter of the pods are there."""
        self._rss_quarter = proc.memory(self._engine.pid).now

    def cost(self) -> EngineCost:
        """Return what was used since then."""
        now, then = self._engine.usage(), self._usage
        used = now - then if now and then else None
        memory = proc.memory(self._engine.pid)
        plane = self._read_plane()
        return EngineCost(
            cpu=self._engine.cpu() - self._cpu,
            starved=proc.starved_seconds(self._engine.pid) - self._starved,
            rss_before=self._rss,
            rss_peak=memory.peak,
            rss_settled=memory.now,
            rss_quarter=self._rss_quarter,
            requests=dict(used.requests.most_common()) if used else {},
            sent=used.sent if used else 0.0,
            plane={name: plane[name] - at for name, at in self._plane_cpu.items()},
        )

    def _read_plane(self) -> dict[str, float]:
        return {name: proc.cpu_seconds(pid) for name, pid in self._plane.items()}
