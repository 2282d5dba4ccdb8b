"""What an attempt is told of its task, where that is not what its phase calls it.

A replay does tasks of several phases in one, so there they have names of their own; who does them
goes by the names that they had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...api.phase import PhaseSpec


@dataclass(frozen=True, slots=True)
class Told:
    """Name and index of a task for who does it, and whether it was done before."""

    task: str
    index: int
    replay: bool = False


def told_of(spec: PhaseSpec, task: str, index: int) -> Told:
    """Return what an attempt is told; only a gate's phase may call it otherwise than it is."""
    recorded = spec.context.tasks.get(task) if spec.gate else None
    if not isinstance(recorded, Mapping) or "task" not in recorded:
        return Told(task, index)
    return Told(str(recorded["task"]), int(recorded.get("index", 0)), replay=True)
