"""Schedule: when workflows are made from a template, again and again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from .common import ApiModel, Condition, ShortText, Timestamp
from .workflow import BY_TYPE, WorkflowSpec

CronExpression = Annotated[
    str,
    StringConstraints(
        pattern=r"^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[^ ]+( +[^ ]+){4})$",
        max_length=256,
    ),
]
TimeZone = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$", min_length=1, max_length=64)
]
ObjectText = Annotated[str, StringConstraints(max_length=253)]
LabelMap = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=317)],
        Annotated[str, StringConstraints(max_length=63)],
    ],
    Field(max_length=32),
]
AnnotationMap = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=317)],
        Annotated[str, StringConstraints(max_length=16_384)],
    ],
    Field(max_length=32),
]


class ConcurrencyPolicy(StrEnum):
    """What happens when a run is due and another one has not ended yet."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


class CatchUp(ApiModel):
    """How many runs are made up for after a pause of the schedule or of the operator."""

    limit: Annotated[int, Field(ge=1, le=100)] = 1
    """Runs whose time has passed that are still started, the newest ones, oldest first; all
    others are counted as missed. With Replace always 1. Defaults to 1."""


class Backfill(ApiModel):
    """A range of past times to run once. Give another range to run that one too."""

    from_: Annotated[Timestamp, Field(alias="from")]
    """First time that may be run."""
    to: Timestamp
    """Last time that may be run; what lies in the future is left to the schedule."""
    max_concurrent: Annotated[int, Field(ge=1, le=100)] = 1
    """Runs of the range at once, beside those of the schedule. Defaults to 1."""


class TemplateMetadata(ApiModel):
    """Labels and annotations of the workflows."""

    labels: LabelMap = {}
    """Labels of each workflow."""
    annotations: AnnotationMap = {}
    """Annotations of each workflow."""


class WorkflowOfSchedule(ApiModel):
    """The workflows that the schedule makes."""

    metadata: TemplateMetadata = TemplateMetadata()
    """Labels and annotations of the workflows."""
    spec: WorkflowSpec
    """What the workflows do. A parameter named scheduledTime gets the time that the run is for."""


class ScheduleSpec(ApiModel):
    """When a workflow is made, and from what."""

    schedule: CronExpression
    """Five cron fields (minute, hour, day of month, month, day of week), or @hourly, @daily,
    @weekly, @monthly, @yearly."""
    time_zone: TimeZone = "UTC"
    """IANA name of the time zone that the schedule is meant in, such as Europe/Berlin. Defaults
    to UTC."""
    suspend: bool = False
    """Start no run while true; those that run go on. When it ends, catchUp holds."""
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.ALLOW
    """Allow (default): runs may overlap. Forbid: the next one waits until the last one has ended.
    Replace: the last one is cancelled."""
    starting_deadline_seconds: Annotated[int, Field(ge=1, le=31_536_000)] | None = None
    """Seconds after its time in which a run may still start; later it is missed."""
    successful_runs_history_limit: Annotated[int, Field(ge=0, le=10_000)] = 3
    """Succeeded runs that are kept; the oldest are deleted. Defaults to 3."""
    failed_runs_history_limit: Annotated[int, Field(ge=0, le=10_000)] = 1
    """Runs that failed, were cancelled or rejected and are kept. Defaults to 1."""
    catch_up: CatchUp = CatchUp()
    """What happens to runs whose time has passed."""
    backfill: Backfill | None = None
    """Past times to run once."""
    workflow_template: WorkflowOfSchedule
    """The workflows that the schedule makes."""


class ActiveRun(ApiModel):
    """A run that has not ended."""

    name: ObjectText
    """Name of the Workflow."""
    uid: Annotated[str, StringConstraints(max_length=64)]
    """UID of the Workflow."""
    scheduled_time: Timestamp
    """The time that the run is for."""


class BackfillStatus(ApiModel):
    """How far the backfill has come."""

    from_: Annotated[Timestamp, Field(alias="from")]
    """The range that this is about."""
    to: Timestamp
    """The range that this is about."""
    state: Literal["Running", "Complete"]
    """Running, or Complete once every time of the range has its run."""
    until: Timestamp | None = None
    """Every time of the range up to this one has its run."""
    started: Annotated[int, Field(ge=0)] = 0
    """Runs that were started or found."""


class ScheduleStatus(ApiModel):
    """What the schedule did, and what it does next."""

    observed_generation: int | None = None
    """The generation of the spec that this status speaks of."""
    schedule: ShortText | None = None
    """The schedule and time zone that the times below were computed from."""
    active: Annotated[list[ActiveRun], Field(max_length=100)] = []
    """Runs that have not ended, oldest first, at most 100."""
    active_runs: Annotated[int, Field(ge=0)] | None = None
    """How many runs have not ended."""
    last_schedule_time: Timestamp | None = None
    """The time of the newest run that was started."""
    last_successful_time: Timestamp | None = None
    """When a run last succeeded."""
    next_schedule_time: Timestamp | None = None
    """When the next run is due; left out while the schedule is suspended."""
    decided_until: Timestamp | None = None
    """Every time up to this one was started, skipped or missed."""
    missed: Annotated[int, Field(ge=0)] | None = None
    """Runs that were never started because their time had passed."""
    backfill: BackfillStatus | None = None
    """How far the backfill has come."""
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=BY_TYPE)] = []
    """Ready: the schedule can be read. Suspended."""
