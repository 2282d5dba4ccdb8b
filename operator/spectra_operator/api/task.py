"""Task: a unit of work for an agent, and all that a task may say of itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from .common import (
    AnyValue,
    ApiModel,
    Expression,
    IntOrPercent,
    LongText,
    NodeLostPolicy,
    ObjectName,
    RetryPolicy,
    Seconds,
    ShortText,
    StepName,
)
from .constants import MAX_COUNT, MAX_DEPENDENCIES, MAX_TASKS
from .rules import checked
from .values import InputName, Output

BY_NAME = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
AS_SET = {"x-kubernetes-list-type": "set"}
WHOLE = {"x-kubernetes-list-type": "atomic"}
"""Of lists that never change once applied: who set which entry is then one fact and not thousands,
which the API server would compare at every write of a status (ADR 14)."""

Dependencies = Annotated[
    list[StepName], Field(max_length=MAX_DEPENDENCIES, json_schema_extra=AS_SET)
]
Input = Annotated[dict[InputName, AnyValue], Field(max_length=64)]
Items = Annotated[int, Field(ge=1, le=MAX_COUNT)]
AgentNames = Annotated[list[ObjectName], Field(max_length=64, json_schema_extra=AS_SET)]
Capabilities = Annotated[
    list[ObjectName], Field(min_length=1, max_length=32, json_schema_extra=AS_SET)
]


class SelectionPolicy(StrEnum):
    """Which agent does a task that requires capabilities; see docs/selection.md.

    Balance (default): the least loaded. Performance: the most reliable, then the fastest. Cost:
    the cheapest.
    """

    BALANCE = "Balance"
    PERFORMANCE = "Performance"
    COST = "Cost"


class Requires(ApiModel):
    """What an agent must have to do a task."""

    capabilities: Capabilities
    """Words of spec.capabilities of agents; an agent that has all of them may do the task."""


class Fallback(ApiModel):
    """Another way to do a task, tried when the one before has used up its attempts."""

    agent: ObjectName
    """Agent that does it instead."""
    input: Input | None = None
    """Values handed over instead of the task's own input."""
    timeout_seconds: Seconds | None = None
    """Seconds an attempt may run; the task's own value if left out."""
    retry: RetryPolicy | None = None
    """Retry policy of this way; this agent's default if left out."""


class Compensation(ApiModel):
    """What undoes a task that succeeded, when the workflow is rolled back."""

    agent: ObjectName
    """Agent that undoes it."""
    input: Input = {}
    """Values handed over; ${task.outputs} is what the task had returned, ${task.input} what it
    was given. Other paths as in the task itself."""
    timeout_seconds: Seconds | None = None
    """Seconds an attempt may run."""
    retry: RetryPolicy | None = None
    """Retry policy; the agent's default if left out."""


class Planner(ApiModel):
    """Leave to plan: the task may return `spawn`, a list of tasks that are then run for it."""

    max_tasks: Annotated[int, Field(ge=1, le=100)] = 20
    """Tasks that may be returned. Defaults to 20."""
    max_depth: Annotated[int, Field(ge=1, le=5)] = 1
    """1: the returned tasks may not plan themselves; each further level allows one more.
    Defaults to 1."""
    agents: AgentNames = []
    """Agents that returned tasks may name; empty allows the planner's own agent only. A planner
    with requires must list them."""


class TaskWorkspace(ApiModel):
    """Where the workflow's workspace is mounted in the task's container."""

    mount_path: Annotated[str, StringConstraints(pattern=r"^/[^:]*$", max_length=256)] = (
        "/workspace"
    )
    """Directory in the container. Defaults to /workspace."""
    sub_path: Annotated[str, StringConstraints(pattern=r"^[^/:][^:]*$", max_length=256)] | None = (
        None
    )
    """Directory of the volume that is mounted; all of it if left out."""
    read_only: bool = False
    """Mount it read-only."""


class TaskPlan(ApiModel):
    """What was planned for a task; simulations use it where nothing was observed."""

    duration_seconds: Seconds | None = None
    """Planned seconds of one attempt."""


class Task(ApiModel):
    """A unit of work for one agent."""

    name: StepName
    """Name, unique in the phase."""
    description: LongText = ""
    """What the task is for."""
    agent: ObjectName | None = None
    """Agent of this namespace that does the task. Give it or requires."""
    requires: Requires | None = None
    """What the agent must have that does the task; one is chosen for each attempt, as
    selectionPolicy says. Agents' defaults do not hold for such a task."""
    depends_on: Dependencies = []
    """Tasks of this phase that must have ended before this one starts. It starts when none of
    them failed and at least one was not skipped; if all were skipped, it is skipped too."""
    when: Expression | None = None
    """A CEL condition, looked at when the task could start: false skips it. Its dependents then
    run if another task they depend on was not skipped, and see null for its outputs."""
    input: Input = {}
    """Values handed to the task. A string that is one ${...} keeps the type of what it stands
    for; otherwise values are put into the text. In the braces stands a path or a CEL expression:
    parameters.NAME, tasks.NAME.outputs.KEY (tasks it depends on), phases.NAME.outputs.TASK.KEY
    (phases this phase depends on), item, index, workflow.name, phase.name. The outputs of a task
    with items are a list by index: tasks.NAME.outputs[0].KEY."""
    outputs: Annotated[dict[InputName, Output], Field(max_length=64)] = {}
    """Outputs that the task must return, with their types. One that is missing or breaks its
    declaration fails the attempt with the reason OutputInvalid. Others may be returned too."""
    count: Items | None = None
    """Run the task this many times, as items with index 0 to count-1."""
    for_each: AnyValue = None
    """Run the task once for each entry: a list, or one ${...} that gives a list. The entry is
    ${item}. At most 10,000; an empty list succeeds at once."""
    matrix: Annotated[dict[InputName, AnyValue], Field(max_length=8)] | None = None
    """Run the task once for each combination of the lists (or ${...} that give lists) by name;
    ${item.NAME} is the value. Names go by the alphabet, and the last one varies fastest."""
    parallelism: Items | None = None
    """Items at once."""
    max_failed: IntOrPercent = None
    """Items that may fail, a number or a percentage such as 10%, before the task fails. Items
    already started go on; the task fails once more have failed. Defaults to 0."""
    timeout_seconds: Seconds | None = None
    """Seconds an attempt may run before it is stopped and counts as failed."""
    pending_timeout_seconds: Seconds | None = None
    """Seconds an attempt may wait for its container to start (image pull, scheduling). Without
    it the task waits and shows why."""
    active_deadline_seconds: Seconds | None = None
    """Seconds from the start of the first attempt after which the task fails, however many
    attempts are left."""
    retry: RetryPolicy | None = None
    """Retry policy; the agent's default if left out. With requires there is none but this."""
    fallback: Annotated[list[Fallback], Field(max_length=4)] = []
    """Other ways to do the task, in order, each tried when the one before has failed for good."""
    compensate: Compensation | None = None
    """What undoes the task when the workflow is rolled back."""
    allow_failure: bool = False
    """The task may fail without failing the workflow; what depends on it still runs and sees
    null for its outputs."""
    on_node_lost: NodeLostPolicy | None = None
    """Wait (default): an attempt on an unreachable node ends when the node is gone for certain.
    Retry: start the next attempt although the lost one may still run."""
    workspace: TaskWorkspace | None = None
    """Mount the workflow's workspace; write {} for /workspace."""
    planner: Planner | None = None
    """The task may return tasks to run; their gathered outputs become its outputs."""
    plan: TaskPlan | None = None
    """What was planned."""


Tasks = Annotated[list[Task], Field(min_length=1, max_length=MAX_TASKS, json_schema_extra=WHOLE)]


class Pattern(StrEnum):
    """How a phase's tasks work together, by name; see docs/patterns.md.

    Sequential, Parallel, Pipeline, Coordinator.
    """

    SEQUENTIAL = "Sequential"
    PARALLEL = "Parallel"
    PIPELINE = "Pipeline"
    COORDINATOR = "Coordinator"


class Plan(ApiModel):
    """What was planned for a phase; shown beside what happened."""

    model_config = checked(
        (
            "!has(self.durationDays) || !has(self.durationSeconds)",
            "durationDays: give durationDays or durationSeconds, not both",
        ),
    )

    start_day: Annotated[int, Field(ge=0, le=3650)] | None = None
    """Planned start, in days after the workflow's start."""
    duration_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Planned duration in days."""
    duration_seconds: Seconds | None = None
    """Planned duration in seconds; use it or durationDays."""
    milestone: ShortText | None = None
    """What stands when the phase is done."""


class TemplateRef(ApiModel):
    """A WorkflowTemplate of this namespace."""

    name: ObjectName
    """Name of the WorkflowTemplate."""


class PhaseTemplateRef(ApiModel):
    """A phase of a WorkflowTemplate of this namespace."""

    name: ObjectName
    """Name of the WorkflowTemplate."""
    phase: StepName | None = None
    """The phase to take; may be left out if the template has one only."""


FailureMode = Literal["Finish", "Cancel"]
