"""What the engine keeps in memory of a phase or workflow: derived, and rebuilt after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from ..api.agent import TaskDefaults
from ..api.schedule import ScheduleSpec
from ..core.attempts.evidence import instant
from ..core.insight.expectations import Outlook
from ..core.phase.glance import Attention
from ..core.phase.records import PhaseRecord
from ..core.policy import TaskPolicy
from ..core.schedule.cron import Cron
from ..core.schedule.records import RunView, ScheduleRecord
from ..core.snapshot import Levels, PhaseShape, WorkflowShape
from ..core.workflow.records import PhaseView, WorkflowRecord


@dataclass(slots=True)
class StatusState:
    """Where the status of one object stands between memory and the API server.

    `stored` is the status as the API server has it, seen at `version`; `writing` tells that a
    write is under way since `began`; `dirty_since` when memory first differed from it (both
    monotonic seconds); `took` is how long the last write took.
    """

    stored: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    writing: bool = False
    dirty_since: float | None = None
    began: float = 0.0
    took: float = 0.0

    def take(self, body: dict[str, Any]) -> bool:
        """Take in an object's status as the API server has it; return whether it differs."""
        version, status = body["metadata"]["resourceVersion"], body.get("status") or {}
        if self.writing or version == self.version:
            return False
        self.version = version
        differs: bool = status != self.stored
        self.stored = status
        return differs


def shown_time(text: Any) -> datetime | None:
    """Return a time of a status; None where there is none, or somebody made no time of it."""
    try:
        return instant(text)
    except (TypeError, ValueError):
        return None


@dataclass(slots=True)
class PhaseRun:
    """A phase that is being carried out.

    `record` is what the workflow was shown last; `known` what the next decision goes on from,
    None to begin from what is persisted; `attention` what that decision must look at; `agents`
    those that its tasks name; `policies_of` what the policies were made from; `levels` what holds
    for the phases that carry out its plans; `creating` and `refused` have the names of those that
    are being created, and of those that cannot be, with the reason. `plans` names the phases that
    carry out plans of this one, `late` its tasks past their deadline, `imposed` is what those
    phases were woken for last, `crowds_pages` that its ends take much room on workers' pages, and
    `ready_since` says of ready tasks, by their way, since when they are (monotonic seconds).
    """

    shape: PhaseShape
    persisted: PhaseRecord
    status: StatusState
    record: PhaseRecord | None = None
    known: PhaseRecord | None = None
    attention: Attention | None = None
    agents: frozenset[str] = frozenset()
    policies: dict[str, TaskPolicy] = field(default_factory=dict)
    policies_of: object = None
    defaults: dict[str, TaskDefaults] = field(default_factory=dict)
    view: PhaseView | None = None
    trigger: float | None = None
    outlook: Outlook | None = None
    estimate_again_at: float = 0.0
    stopping: dict[str, datetime] = field(default_factory=dict)
    looking_up: set[str] = field(default_factory=set)
    creating: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    levels: Levels | None = None
    marked: bool = False
    plans: set[str] = field(default_factory=set)
    late: frozenset[str] = frozenset()
    imposed: object = None
    crowds_pages: bool = False
    ready_since: dict[tuple[str, int], float] = field(default_factory=dict)


class ClaimState(Enum):
    """How far the volume claim of a workflow's workspace has come."""

    UNKNOWN = auto()
    ASKED = auto()
    READY = auto()
    DELETING = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class Delay:
    """A phase that could not be created yet: why, how often, and when to try again (monotonic)."""

    why: str
    tries: int
    until: float


@dataclass(slots=True)
class WorkflowRun:
    """A workflow that is being carried out.

    `creating`, `delayed` and `refused` go by the name of the phase, with `/fallback` for its
    fallback. `after` is what holds for phases that follow the end, `idle` names those of them
    that have nothing to do. `settled` are the orders that are done, by UID, with the reason if
    refused.
    """

    shape: WorkflowShape
    persisted: WorkflowRecord
    status: StatusState
    record: WorkflowRecord | None = None
    levels: Levels = Levels()
    creating: set[str] = field(default_factory=set)
    delayed: dict[str, Delay] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    outlooks: dict[str, Outlook] = field(default_factory=dict)
    estimate_again_at: float = 0.0
    trigger: float | None = None
    marked: bool = False
    after: Levels = Levels()
    idle: set[str] = field(default_factory=set)
    discarding: set[str] = field(default_factory=set)
    settled: Mapping[str, str] = field(default_factory=dict)
    claim: ClaimState = ClaimState.UNKNOWN


@dataclass(slots=True)
class TemplateRun:
    """A template as it was looked at last; `verdict` is its status without what was observed."""

    uid: str
    status: StatusState
    generation: int = -1
    verdict: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ScheduleRun:
    """A schedule that is being followed. `delay` is set while a run could not be created."""

    uid: str
    persisted: ScheduleRecord
    status: StatusState
    generation: int = -1
    spec: ScheduleSpec | None = None
    cron: Cron | None = None
    problem: tuple[str, str] = ("", "")
    creating: dict[str, RunView] = field(default_factory=dict)
    replacing: set[str] = field(default_factory=set)
    delay: Delay | None = None
