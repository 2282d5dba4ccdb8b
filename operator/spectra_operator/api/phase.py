"""Phase: a graph of tasks that is being carried out. Its status holds its tasks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from .change import ChangeRecord, LevelsSeen
from .common import (
    AnyValue,
    ApiModel,
    Condition,
    FailurePolicy,
    LongText,
    ObjectName,
    Seconds,
    ShortText,
    StepName,
    Timestamp,
    Usage,
    WorkflowName,
)
from .constants import (
    MAX_ACTIONS,
    MAX_CHANGES,
    MAX_CHECKPOINT_BYTES,
    MAX_COUNT,
    MAX_OUTPUT_BYTES,
    MAX_TASKS,
)
from .task import FailureMode, Pattern, Plan, SelectionPolicy, Tasks
from .values import InputName
from .workflow import BY_TYPE, Counts, PhaseRole, PodCleanup

Ranges = Annotated[str, StringConstraints(max_length=65_536)]
ItemKey = Annotated[str, StringConstraints(max_length=8)]
TaskKey = Annotated[str, StringConstraints(max_length=40)]


class WorkflowRef(ApiModel):
    """The workflow that a phase belongs to."""

    name: WorkflowName
    """Name of the workflow."""
    uid: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """UID of the workflow."""


class Context(ApiModel):
    """Values from outside that the tasks' expressions use."""

    phases: Annotated[dict[StepName, AnyValue], Field(max_length=64)] = {}
    """Earlier phases by name: their state and the outputs of tasks that are referred to."""
    workflow: AnyValue = None
    """How the workflow stood when the phase was created: state, reason, message."""
    tasks: Annotated[dict[TaskKey, AnyValue], Field(max_length=MAX_TASKS)] = {}
    """What a task of this phase sees as task: for a compensation the outputs and input of the
    task that it undoes."""


class ParentRef(ApiModel):
    """The planner task that returned the tasks of this phase."""

    name: Annotated[str, StringConstraints(max_length=253)]
    """Name of the planner's Phase object."""
    uid: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """UID of the planner's Phase object."""
    task: StepName
    """The planner task."""
    attempt: Annotated[int, Field(ge=1)]
    """The attempt that returned the tasks."""
    depth: Annotated[int, Field(ge=1, le=5)]
    """How deep this plan lies: 1 for tasks returned by a task that a person wrote."""


class GateRef(ApiModel):
    """The revision of an agent that the tasks of this phase try."""

    agent: ObjectName
    """Name of the agent."""
    revision: Annotated[str, StringConstraints(pattern="^[a-z0-9]+$", max_length=63)]
    """The revision that carries the tasks out."""


class ClaimRef(ApiModel):
    """The volume claim of a workspace."""

    claim_name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the PersistentVolumeClaim."""


class PhaseSpec(ApiModel):
    """A graph of tasks. Made by the operator for a workflow, or applied alone."""

    workflow_ref: WorkflowRef | None = None
    """The workflow it belongs to; absent for a phase that stands alone."""
    phase: StepName | None = None
    """Name of the phase in its workflow."""
    role: PhaseRole = PhaseRole.MAIN
    """What it is to its workflow."""
    parent: ParentRef | None = None
    """The planner task that it was made for."""
    gate: GateRef | None = None
    """Set by the operator alone: the new revision of an agent that the tasks try."""
    description: LongText = ""
    """What the phase is for."""
    parameters: Annotated[dict[InputName, AnyValue], Field(max_length=64)] = {}
    """Values that expressions use as ${parameters.NAME}."""
    context: Context = Context()
    """Values from outside that the tasks refer to, put here when the phase was created."""
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    """For a phase that stands alone; otherwise the workflow's priority holds."""
    parallelism: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    """Attempts at once in this phase."""
    suspend: bool = False
    """Start nothing new while true; what runs goes on."""
    active_deadline_seconds: Seconds | None = None
    """Seconds from the start after which all that runs is stopped and the phase fails."""
    failure_policy: FailurePolicy = FailurePolicy.FAIL
    """Fail: start nothing new. Continue: skip only what depends on it. Rollback: as Fail."""
    on_failure_running: FailureMode = "Finish"
    """What happens to running attempts when the policy stops the phase: Finish or Cancel."""
    selection_policy: SelectionPolicy = SelectionPolicy.BALANCE
    """Which agent does a task with requires: Balance (default), Performance or Cost."""
    plan: Plan | None = None
    """Planned duration and milestone."""
    workspace: ClaimRef | None = None
    """The claim that tasks with workspace mount."""
    pod_cleanup: PodCleanup | None = None
    """When the pods of ended attempts are deleted."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=315_360_000)] | None = None
    """For a phase that stands alone: seconds after its end after which it is deleted."""
    pattern: Pattern | None = None
    """How the tasks of a phase that stands alone work together; see Workflow."""
    tasks: Tasks
    """The tasks of the phase."""


class PhaseState(StrEnum):
    """State of a phase; the last four are ends."""

    READY = "Ready"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"


class TaskState(StrEnum):
    """State of a task or item; the last four are ends."""

    WAITING = "Waiting"
    READY = "Ready"
    RUNNING = "Running"
    BACKOFF = "Backoff"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"


class CheckpointStatus(ApiModel):
    """What an attempt that ended badly left for the next one."""

    value: Annotated[str, StringConstraints(max_length=MAX_CHECKPOINT_BYTES)]
    """The checkpoint as JSON, at most 4,096 bytes. All of a phase have 65,536 bytes together;
    beyond that the oldest are dropped."""
    at: Timestamp
    """When that attempt ended."""


class ProgressStatus(ApiModel):
    """How far a task is, as the workers of its running attempts say."""

    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Share that is done, in per cent; of a fan-out the mean of the items that run and say one."""
    message: ShortText | None = None
    """What is being done, in a few words; not of a fan-out."""


class ItemStatus(ApiModel):
    """An item of a fan-out that has not ended and has a history."""

    state: TaskState
    """State of the item."""
    attempt: Annotated[int, Field(ge=0)] = 0
    """Number of the last attempt."""
    failures: Annotated[int, Field(ge=0)] = 0
    """Attempts that failed."""
    losses: Annotated[int, Field(ge=0)] = 0
    """Attempts lost to the infrastructure."""
    prior: Annotated[int, Field(ge=0)] | None = None
    """Number of the last attempt before the item was reset; failures and losses count since."""
    fallback: Annotated[int, Field(ge=1)] | None = None
    """Which fallback is in use, counted from 1."""
    not_before: Timestamp | None = None
    """When the next attempt may start."""
    reason: ShortText | None = None
    """Why the last attempt ended, one word."""
    checkpoint: CheckpointStatus | None = None
    """What the next attempt may go on from; of agents in mode Pool."""


class ItemsStatus(ApiModel):
    """The items of a fan-out, as index ranges such as 0-98,100."""

    total: Annotated[int, Field(ge=0)]
    """Number of items."""
    running: Ranges | None = None
    """Items with a live attempt."""
    succeeded: Ranges | None = None
    """Items that succeeded."""
    failed: Ranges | None = None
    """Items that failed."""
    cancelled: Ranges | None = None
    """Items that were stopped."""
    open: Annotated[dict[ItemKey, ItemStatus], Field(max_length=MAX_COUNT)] | None = None
    """Items that were tried and have not ended, by index."""


class Spawned(ApiModel):
    """The plan that a planner task returned, and the Phase that carries it out."""

    attempt: Annotated[int, Field(ge=1)]
    """The attempt that returned it."""
    object_name: Annotated[str, StringConstraints(max_length=253)]
    """Name of the Phase object."""
    tasks: Annotated[str, StringConstraints(max_length=8192)] | None = None
    """The returned tasks as JSON, until the Phase has ended."""
    outputs: Annotated[str, StringConstraints(max_length=8192)] | None = None
    """Outputs that the planner returned itself, until the Phase has ended."""


class TaskStatus(ApiModel):
    """A task's state, the reason for it, and what came back."""

    state: TaskState
    """State of the task."""
    reason: ShortText | None = None
    """Why, one word: what blocks it, or how its last attempt ended."""
    message: LongText | None = None
    """Why, a sentence."""
    agent: ObjectName | None = None
    """Agent of the last attempt."""
    selection: ShortText | None = None
    """Why this agent was chosen for the last attempt of a task with requires, as
    `agent: policy, what was known of it`."""
    revision: ShortText | None = None
    """Revision of the agent that the last attempt ran."""
    pod: Annotated[str, StringConstraints(max_length=253)] | None = None
    """Pod of the last attempt."""
    attempt: Annotated[int, Field(ge=0)] = 0
    """Number of the last attempt; the first is 1."""
    prior: Annotated[int, Field(ge=0)] | None = None
    """Number of the last attempt before the task was reset by a fallback or an action; failures
    and losses are counted since."""
    fallback: Annotated[int, Field(ge=1)] | None = None
    """Which fallback is in use, counted from 1; left out for the task's own way."""
    spawned: Spawned | None = None
    """The tasks that a planner returned."""
    failures: Annotated[int, Field(ge=0)] = 0
    """Attempts that failed."""
    losses: Annotated[int, Field(ge=0)] = 0
    """Attempts lost to the infrastructure."""
    not_before: Timestamp | None = None
    """When the next attempt may start."""
    checkpoint: CheckpointStatus | None = None
    """What the next attempt may go on from; of agents in mode Pool."""
    progress: ProgressStatus | None = None
    """How far it is while it runs, a few seconds ago; of agents in mode Pool."""
    started_at: Timestamp | None = None
    """When the first attempt started."""
    finished_at: Timestamp | None = None
    """When the task ended."""
    items: ItemsStatus | None = None
    """Items of a fan-out."""
    outputs: Annotated[str, StringConstraints(max_length=MAX_OUTPUT_BYTES)] | None = None
    """What the task returned: a JSON object; for a fan-out a JSON array by index."""
    usage: Usage | None = None
    """What all attempts of the task used."""


class AppliedAction(ApiModel):
    """An action that a phase has taken in; who asked for it stands in the workflow's status."""

    uid: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """UID of the Action object."""
    refused: LongText | None = None
    """Why it was not applied; left out if it was."""


class PhaseStatus(ApiModel):
    """What happened so far."""

    observed_generation: int | None = None
    """The generation of the spec that this status speaks of."""
    state: PhaseState | None = None
    """State of the phase."""
    reason: ShortText | None = None
    """Why it is in this state, one word."""
    message: LongText | None = None
    """Why it is in this state, a sentence."""
    progress: ShortText | None = None
    """Task items succeeded of those to be done."""
    counts: Counts | None = None
    """Task items by state."""
    started_at: Timestamp | None = None
    """When the phase was taken up."""
    finished_at: Timestamp | None = None
    """When the phase ended."""
    duration: ShortText | None = None
    """How long it took."""
    tasks: Annotated[
        dict[TaskKey, TaskStatus],
        Field(max_length=MAX_TASKS, json_schema_extra={"x-kubernetes-map-type": "atomic"}),
    ] = {}
    """The tasks by name."""
    actions: Annotated[list[AppliedAction], Field(max_length=MAX_ACTIONS)] = []
    """Actions that were carried out on it, oldest first."""
    levels: LevelsSeen | None = None
    """The levels of the spec as they were last looked at."""
    changes: Annotated[list[ChangeRecord], Field(max_length=MAX_CHANGES)] = []
    """Changes of suspend, priority and parallelism while it ran, oldest first."""
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=BY_TYPE)] = []
    """Accepted, Progressing, Complete, Failed, Suspended."""
