"""Workflow: what is to be done. Tasks are declared here and carried out by Phases."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from .common import (
    AnyValue,
    ApiModel,
    Condition,
    FailurePolicy,
    LongText,
    NodeLostPolicy,
    ObjectName,
    RetryPolicy,
    Seconds,
    ShortText,
    StepName,
    Timestamp,
    Usage,
)
from .constants import MAX_COUNT, MAX_DEPENDENCIES, MAX_PHASES, MAX_TASKS

BY_NAME = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
BY_TYPE = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
AS_SET = {"x-kubernetes-list-type": "set"}

InputName = Annotated[str, StringConstraints(max_length=128)]
ParameterName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", min_length=1, max_length=63)
]
Dependencies = Annotated[
    list[StepName], Field(max_length=MAX_DEPENDENCIES, json_schema_extra=AS_SET)
]


class ParameterType(StrEnum):
    """Type of a parameter's value."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"


class Parameter(ApiModel):
    """A named value that inputs use as ${parameters.NAME}."""

    name: ParameterName
    """Name of the parameter."""
    type: ParameterType = ParameterType.STRING
    """Type that the value must have."""
    value: AnyValue
    """The value."""


class Task(ApiModel):
    """A unit of work for one agent."""

    name: StepName
    """Name, unique in the phase."""
    description: LongText = ""
    """What the task is for."""
    agent: ObjectName
    """Agent of this namespace that does the task."""
    depends_on: Dependencies = []
    """Tasks of this phase that must have succeeded before this one starts."""
    input: Annotated[dict[InputName, AnyValue], Field(max_length=64)] = {}
    """Values handed to the task. A string that is one ${...} path keeps the type of what it
    names; otherwise paths are put into the text. Paths: parameters.NAME, tasks.NAME.outputs.KEY
    (tasks it depends on), phases.NAME.outputs.TASK.KEY (phases this phase depends on). The
    outputs of a task with count are a list by index: tasks.NAME.outputs[0].KEY."""
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    """Run the task this many times, as items with index 0 to count-1."""
    timeout_seconds: Seconds | None = None
    """Seconds an attempt may run before it is stopped and counts as failed."""
    pending_timeout_seconds: Seconds | None = None
    """Seconds an attempt may wait for its container to start (image pull, scheduling). Without
    it the task waits and shows why."""
    retry: RetryPolicy | None = None
    """Retry policy; the agent's default if left out."""
    allow_failure: bool = False
    """The task may fail without failing the workflow; what depends on it still runs and sees
    null for its outputs."""
    on_node_lost: NodeLostPolicy | None = None
    """Wait (default): an attempt on an unreachable node ends when the node is gone for certain.
    Retry: start the next attempt although the lost one may still run."""


Tasks = Annotated[list[Task], Field(min_length=1, max_length=MAX_TASKS, json_schema_extra=BY_NAME)]


class Plan(ApiModel):
    """What was planned for a phase; shown beside what happened."""

    duration_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Planned duration in days."""
    milestone: ShortText | None = None
    """What stands when the phase is done."""


class PhaseTemplate(ApiModel):
    """A phase of the workflow: a graph of tasks, started when the phases it depends on are done."""

    name: StepName
    """Name, unique in the workflow."""
    description: LongText = ""
    """What the phase is for."""
    depends_on: Dependencies = []
    """Phases that must have succeeded before this one starts."""
    parallelism: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    """Attempts at once in this phase."""
    plan: Plan | None = None
    """Planned duration and milestone."""
    tasks: Tasks
    """The tasks of the phase."""


class WorkflowSpec(ApiModel):
    """What is to be done: a graph of phases, each a graph of tasks. A workflow runs once."""

    description: LongText = ""
    """What the workflow is for."""
    parameters: Annotated[list[Parameter], Field(max_length=64, json_schema_extra=BY_NAME)] = []
    """Values for the inputs of all tasks."""
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    """Higher goes first when workflows of the namespace wait for the same agent."""
    parallelism: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    """Attempts at once over all phases."""
    suspend: bool = False
    """Start nothing new while true; what runs goes on. May be changed at any time."""
    active_deadline_seconds: Seconds | None = None
    """Seconds from the start after which all that runs is stopped and the workflow fails."""
    failure_policy: FailurePolicy = FailurePolicy.FAIL
    """Fail: start nothing new, let what runs finish. Continue: skip only what depends on it."""
    phases: Annotated[
        list[PhaseTemplate], Field(min_length=1, max_length=MAX_PHASES, json_schema_extra=BY_NAME)
    ]
    """The phases of the workflow."""


class WorkflowState(StrEnum):
    """State of a workflow; the last four are ends."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"


class StepState(StrEnum):
    """State of a phase as its workflow sees it; those to come are Waiting."""

    WAITING = "Waiting"
    READY = "Ready"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"


class Counts(ApiModel):
    """Task items by state."""

    total: Annotated[int, Field(ge=0)] = 0
    """All items."""
    running: Annotated[int, Field(ge=0)] = 0
    """Items with a live attempt."""
    succeeded: Annotated[int, Field(ge=0)] = 0
    """Items that succeeded."""
    failed: Annotated[int, Field(ge=0)] = 0
    """Items that failed."""
    skipped: Annotated[int, Field(ge=0)] = 0
    """Items that never ran and never will."""
    cancelled: Annotated[int, Field(ge=0)] = 0
    """Items that were stopped."""


class PhaseSummary(ApiModel):
    """A phase in the status of its workflow."""

    name: StepName
    """Name of the phase in the workflow."""
    state: StepState
    """State of the phase."""
    object_name: Annotated[str, StringConstraints(max_length=253)] | None = None
    """Name of the Phase object, once it exists."""
    progress: ShortText = ""
    """Task items succeeded of all."""
    counts: Counts | None = None
    """Task items by state."""
    started_at: Timestamp | None = None
    """When the phase started."""
    finished_at: Timestamp | None = None
    """When the phase ended."""
    message: LongText | None = None
    """Why it is in this state, or what it waits for."""


class WorkflowStatus(ApiModel):
    """What happened so far, and what is still to come."""

    observed_generation: int | None = None
    """The generation of the spec that this status speaks of."""
    state: WorkflowState | None = None
    """State of the run."""
    reason: ShortText | None = None
    """Why it is in this state, one word."""
    message: LongText | None = None
    """Why it is in this state, a sentence."""
    progress: ShortText | None = None
    """Task items succeeded of all."""
    counts: Counts | None = None
    """Task items by state."""
    eta: ShortText | None = None
    """About how long the rest takes, from the durations seen so far."""
    started_at: Timestamp | None = None
    """When the first phase was created."""
    finished_at: Timestamp | None = None
    """When the workflow ended."""
    duration: ShortText | None = None
    """How long it took."""
    usage: Usage | None = None
    """What all attempts used."""
    phases: Annotated[
        list[PhaseSummary], Field(max_length=MAX_PHASES, json_schema_extra=BY_NAME)
    ] = []
    """Every phase, those to come too."""
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=BY_TYPE)] = []
    """Accepted, Progressing, Complete, Failed, Suspended."""
