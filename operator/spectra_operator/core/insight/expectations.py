"""What is expected of phases and workflows, as records carry it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .estimate import NOTHING, Estimate


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of a phase.

    `task` is the running or next task on its critical path, `steps` how many tasks of that path
    have not ended. `done` and `total` are its work in seconds, `samples` how many durations all
    this rests on. Without a `clue` nothing is known of how long some task takes that has not ended:
    then `rest` tells which path is longest, and not how long it takes.
    """

    rest: Estimate = NOTHING
    task: str = ""
    steps: int = 0
    done: float = 0.0
    total: float = 0.0
    samples: int = 0
    clue: bool = False


@dataclass(frozen=True, slots=True)
class PhaseInsight:
    """What is expected of a phase within its workflow. `slack` is in seconds, None if unknown."""

    critical: bool = False
    slack: float | None = None
    late: str = ""
    milestone: str = ""


@dataclass(frozen=True, slots=True)
class Insight:
    """What is expected of a workflow.

    `rest` is None as long as nothing is known of how long some task takes; `critical_path` reads
    `phase/task +9`; `wake_at` is when time alone makes a phase late.
    """

    rest: Estimate | None = None
    samples: int = 0
    critical_path: str = ""
    percent: int = 0
    phases: Mapping[str, PhaseInsight] = field(default_factory=dict)
    wake_at: datetime | None = None


NO_INSIGHT = Insight()
