"""What is known of a schedule: immutable records, the meaning of a Schedule's status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ...api.schedule import ScheduleSpec
from .cron import Cron


@dataclass(frozen=True, slots=True)
class RunView:
    """A run of a schedule, as its Workflow stands. `refused` is why it can never be created."""

    name: str
    at: datetime
    uid: str = ""
    ended: bool = False
    backfill: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class BackfillRecord:
    """How far a backfill has come; `until` is the last moment whose run exists."""

    begin: datetime
    end: datetime
    until: datetime
    started: int = 0
    complete: bool = False


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """What a schedule's status holds, or will."""

    generation: int = 0
    schedule: str = ""
    decided_until: datetime | None = None
    last_schedule: datetime | None = None
    last_successful: datetime | None = None
    next: datetime | None = None
    missed: int = 0
    active: tuple[RunView, ...] = ()
    active_runs: int = 0
    backfill: BackfillRecord | None = None
    suspended: bool = False
    reason: str = ""
    message: str = ""

    @property
    def ready(self) -> bool:
        """Whether the schedule can be read."""
        return self.reason == "Scheduled"


@dataclass(frozen=True, slots=True)
class ScheduleSnapshot:
    """All that a decision about a schedule may use.

    `spec` and `cron` are None if `problem` (reason, message) says why they cannot be read. `runs`
    holds by name the runs that are known: live ones, and those that ended but are not yet told of
    in `persisted`. `creating` are names whose creation was asked for and not answered.
    """

    name: str
    generation: int
    created_at: datetime
    spec: ScheduleSpec | None
    cron: Cron | None
    problem: tuple[str, str]
    persisted: ScheduleRecord
    runs: Mapping[str, RunView]
    creating: Mapping[str, RunView]
    last_successful: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """Something to tell as an Event."""

    reason: Literal["RunStarted", "RunSkipped", "RunsMissed", "RunRefused", "BackfillComplete"]
    message: str


@dataclass(frozen=True, slots=True)
class ScheduleDecision:
    """What to do for a schedule now."""

    record: ScheduleRecord
    create: tuple[RunView, ...] = ()
    cancel: tuple[RunView, ...] = ()
    told: tuple[Told, ...] = ()
    wake_at: datetime | None = None
