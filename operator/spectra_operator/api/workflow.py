"""Workflow: what is to be done. Tasks are declared here and carried out by Phases."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from .action import ActionRecord
from .change import ChangeRecord, LevelsSeen
from .common import (
    AnyValue,
    ApiModel,
    Condition,
    Expression,
    FailurePolicy,
    LongText,
    ObjectName,
    Quantity,
    Seconds,
    ShortText,
    StepName,
    Timestamp,
    Usage,
)
from .constants import MAX_ACTIONS, MAX_CHANGES, MAX_COUNT, MAX_PHASES, RESERVED_PHASES
from .rules import checked
from .task import (
    BY_NAME,
    WHOLE,
    Dependencies,
    FailureMode,
    Pattern,
    PhaseTemplateRef,
    Plan,
    SelectionPolicy,
    Task,
    Tasks,
    TemplateRef,
)
from .values import InputName, Parameter

BY_TYPE = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


_ONE_BODY = (
    "has(self.tasks) != has(self.templateRef)",
    "tasks: give tasks or templateRef, and not both",
)
_NOT_RESERVED = (
    f"!(self.name in {list(RESERVED_PHASES)})",
    f"name: {', '.join(RESERVED_PHASES)} are phases that the operator makes; take another name",
)


class PhaseBody(ApiModel):
    """What a phase does: tasks of its own, or those of a template's phase."""

    model_config = checked(_ONE_BODY)

    tasks: Tasks | None = None
    """The tasks of the phase."""
    template_ref: PhaseTemplateRef | None = None
    """Take the tasks from a WorkflowTemplate, as it stands when the workflow is accepted."""
    parameters: Annotated[dict[InputName, AnyValue], Field(max_length=64)] | None = None
    """Values that this phase's tasks see as parameters instead of the workflow's; with templateRef
    values for the template's parameters. ${...} of the workflow's parameters and of earlier phases
    may stand in them."""
    pattern: Pattern | None = None
    """How the tasks work together; adds dependencies and inputs that `kubectl spectra explain`
    shows. Sequential: one after the other, each sees input.previous. Parallel: all but the last at
    once, the last merges input.results. Pipeline: like Sequential, and each sees
    input.checkpoints, the outputs of all stages before. Coordinator: the first plans, those
    between do what it returned, the last reports."""

    @property
    def all_tasks(self) -> list[Task]:
        """The tasks; none before a template is resolved."""
        return self.tasks or []


class PhaseTemplate(PhaseBody):
    """A phase of the workflow: a graph of tasks, started when the phases it depends on are done."""

    model_config = checked(_ONE_BODY, _NOT_RESERVED)

    name: StepName
    """Name, unique in the workflow."""
    description: LongText = ""
    """What the phase is for."""
    depends_on: Dependencies = []
    """Phases that must have ended before this one starts. It starts when none of them failed and
    at least one was not skipped; if all were skipped, it is skipped too."""
    when: Expression | None = None
    """A CEL condition over parameters, workflow and the phases it depends on: false skips it."""
    parallelism: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    """Attempts at once in this phase."""
    active_deadline_seconds: Seconds | None = None
    """Seconds from its start after which all that runs in it is stopped and the phase fails."""
    allow_failure: bool = False
    """The phase may fail without failing the workflow; what depends on it still runs and sees
    null for its outputs."""
    fallback: PhaseBody | None = None
    """What is done instead if the phase fails; phases that depend on it see these outputs."""
    plan: Plan | None = None
    """Planned start, duration and milestone."""


class Workspace(ApiModel):
    """A volume that the tasks of a workflow share: an existing claim, or one made for the run."""

    model_config = checked(
        (
            "has(self.claimName) != has(self.size)",
            "size: give claimName for an existing claim, or size for one to be made",
        ),
        (
            "!has(self.claimName) || (!has(self.storageClassName) && !has(self.accessModes))",
            "claimName: an existing claim has its own class and access modes; leave them out",
        ),
    )

    claim_name: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None
    """An existing PersistentVolumeClaim of this namespace; it is never deleted."""
    size: Quantity | None = None
    """Size of the claim to make, such as 1Gi."""
    storage_class_name: ObjectName | None = None
    """StorageClass of the claim to make; the cluster's default if left out."""
    access_modes: (
        Annotated[list[Literal["ReadWriteOnce", "ReadWriteMany"]], Field(max_length=2)] | None
    ) = None
    """Access modes of the claim to make. Defaults to ReadWriteOnce."""
    retention: Literal["Delete", "DeleteOnSuccess", "Retain"] = "DeleteOnSuccess"
    """What happens to a claim that was made, once the workflow has ended. DeleteOnSuccess
    (default): keep it after a failure, so that a retry finds it, for as long as the workflow
    exists. Delete: do not keep it. Retain: keep it, also when the workflow is deleted. With a claim
    the pods go that mounted it, a minute after the end: Kubernetes deletes no claim before."""


class PodCleanup(ApiModel):
    """When the pods of attempts that have ended are deleted."""

    policy: Literal["Never", "OnSuccess", "OnEnd"] = "Never"
    """Never (default): they stay as long as the phase. OnSuccess: those of attempts that
    succeeded. OnEnd: all."""
    after_seconds: Annotated[int, Field(ge=60, le=31_536_000)] = 60
    """Seconds after the end of the attempt. Defaults to 60, the least that keeps a pod from being
    made twice."""


class WorkflowBody(ApiModel):
    """What a workflow does; the part that a WorkflowTemplate can hold."""

    description: LongText = ""
    """What the workflow is for."""
    parameters: Annotated[list[Parameter], Field(max_length=64, json_schema_extra=BY_NAME)] = []
    """Values for the expressions of all tasks."""
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    """Higher goes first when workflows of the namespace wait for the same agent. May be changed
    at any time."""
    parallelism: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    """Attempts at once over all phases. May be changed at any time."""
    active_deadline_seconds: Seconds | None = None
    """Seconds from the start after which all that runs is stopped and the workflow fails. Finally
    tasks still run."""
    failure_policy: FailurePolicy = FailurePolicy.FAIL
    """Fail: start nothing new. Continue: skip only what depends on it. Rollback: as Fail, then run
    the compensate tasks of what succeeded, in reverse order."""
    on_failure_running: FailureMode = "Finish"
    """What happens to running attempts when the policy stops the workflow: Finish (default) lets
    them end, Cancel stops them."""
    selection_policy: SelectionPolicy = SelectionPolicy.BALANCE
    """Which agent does a task with requires, of those that have the capabilities. Balance
    (default): the least loaded. Performance: the most reliable, then the fastest. Cost: the
    cheapest."""
    phases: (
        Annotated[
            list[PhaseTemplate],
            Field(min_length=1, max_length=MAX_PHASES, json_schema_extra=WHOLE),
        ]
        | None
    ) = None
    """The phases of the workflow."""
    on_failure: Tasks | None = None
    """Tasks that run when the phases have ended and the workflow has failed. They see
    workflow.state, workflow.reason and workflow.message."""
    finally_: Annotated[Tasks | None, Field(alias="finally")] = None
    """Tasks that run at the end in any case, also after a cancel. They see workflow.state,
    workflow.reason and workflow.message."""
    workspace: Workspace | None = None
    """A volume that tasks with workspace mount."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=315_360_000)] | None = None
    """Seconds after its end after which the workflow is deleted; it stays if left out. May be
    changed until the workflow has ended."""
    pod_cleanup: PodCleanup | None = None
    """When the pods of ended attempts are deleted."""

    @property
    def all_phases(self) -> list[PhaseTemplate]:
        """The phases; none before a template is resolved."""
        return self.phases or []


class WorkflowSpec(WorkflowBody):
    """What is to be done: a graph of phases, each a graph of tasks. A workflow runs once."""

    template_ref: TemplateRef | None = None
    """Take all that is not given here from a WorkflowTemplate, as it stands when the workflow is
    accepted; parameters given here are values for the template's parameters."""
    suspend: bool = False
    """Start nothing new while true; what runs goes on. May be changed at any time."""


class WorkflowState(StrEnum):
    """State of a workflow; the last four are ends."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    FINALIZING = "Finalizing"
    ROLLING_BACK = "RollingBack"
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
    """Items that are or were to be done: all but those of tasks and phases that were skipped by a
    condition, by an action, or because all before them were."""
    running: Annotated[int, Field(ge=0)] = 0
    """Items with a live attempt."""
    succeeded: Annotated[int, Field(ge=0)] = 0
    """Items that succeeded."""
    failed: Annotated[int, Field(ge=0)] = 0
    """Items that failed."""
    skipped: Annotated[int, Field(ge=0)] = 0
    """Items that never ran and never will, also those that total leaves out."""
    cancelled: Annotated[int, Field(ge=0)] = 0
    """Items that were stopped."""


class PhaseRole(StrEnum):
    """What a Phase object is to its workflow; Gate: it tries a new revision of an agent."""

    MAIN = "Main"
    FINALLY = "Finally"
    ON_FAILURE = "OnFailure"
    ROLLBACK = "Rollback"
    SPAWNED = "Spawned"
    GATE = "Gate"


class PhaseSummary(ApiModel):
    """A phase in the status of its workflow."""

    name: StepName
    """Name of the phase in the workflow."""
    state: StepState
    """State of the phase."""
    role: PhaseRole | None = None
    """What the phase is to the workflow; left out for a phase of its spec."""
    object_name: Annotated[str, StringConstraints(max_length=253)] | None = None
    """Name of the Phase object, once it exists."""
    run: Annotated[int, Field(ge=1)] | None = None
    """Which object it is, counted from 1: re-runs and fallbacks make new ones. Left out for 1."""
    fallback: bool | None = None
    """Whether the object does what fallback says."""
    reason: ShortText | None = None
    """Why it is in this state, one word."""
    progress: ShortText = ""
    """Task items succeeded of those to be done."""
    counts: Counts | None = None
    """Task items by state."""
    started_at: Timestamp | None = None
    """When the phase started."""
    finished_at: Timestamp | None = None
    """When the phase ended."""
    late: ShortText | None = None
    """How late it is against its plan, such as 2d; left out while it is on time."""
    milestone: ShortText | None = None
    """Reached, Late, Missed or Pending, if the phase's plan names a milestone."""
    critical: bool | None = None
    """Whether it is on the critical path of what is left."""
    slack: ShortText | None = None
    """How long it may be delayed without delaying the workflow."""
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
    """Task items succeeded of those to be done."""
    counts: Counts | None = None
    """Task items by state."""
    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Share of the work that is done, weighed by time, in per cent. Never goes back in a run."""
    critical_path: ShortText | None = None
    """The running task that decides about the end, and how many steps follow it."""
    eta: ShortText | None = None
    """About how long the rest takes: half of all runs need less. Left out as long as nothing is
    known of how long some task takes."""
    eta_p90: ShortText | None = None
    """Nine of ten runs need less, by the durations seen so far; no promise."""
    samples: Annotated[int, Field(ge=0)] | None = None
    """How many durations the estimate rests on; 0 if it rests on plans alone."""
    run: Annotated[int, Field(ge=1)] | None = None
    """How often the workflow was run: 1, and one more for each retry after its end."""
    outcome: WorkflowState | None = None
    """How the phases of the spec ended, while what follows their end goes on."""
    template: ShortText | None = None
    """The WorkflowTemplate and its revision that the workflow was made from, as name@revision."""
    actions: Annotated[list[ActionRecord], Field(max_length=MAX_ACTIONS)] = []
    """What people asked for by Action objects, oldest first."""
    levels: LevelsSeen | None = None
    """The levels of the spec as they were last looked at."""
    changes: Annotated[list[ChangeRecord], Field(max_length=MAX_CHANGES)] = []
    """Changes of suspend, priority and parallelism while it ran, oldest first."""
    started_at: Timestamp | None = None
    """When the first phase was created."""
    finished_at: Timestamp | None = None
    """When the workflow ended."""
    duration: ShortText | None = None
    """How long it took."""
    usage: Usage | None = None
    """What all attempts used."""
    phases: Annotated[
        list[PhaseSummary],
        Field(max_length=MAX_PHASES + len(RESERVED_PHASES), json_schema_extra=BY_NAME),
    ] = []
    """Every phase, those to come too."""
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=BY_TYPE)] = []
    """Accepted, Progressing, Complete, Failed, Suspended."""
