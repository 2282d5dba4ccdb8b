"""Action: a person's or an agent's request for an edge: cancel, retry, promote. Create-only."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from .common import (
    AnyValue,
    ApiModel,
    LongText,
    ObjectName,
    ShortText,
    StepName,
    Timestamp,
    WorkflowName,
)
from .values import InputName

Uid = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ActionType(StrEnum):
    """What is asked for.

    Cancel: stop what runs, run finally tasks, end Cancelled. Terminate: stop at once, run nothing
    more. Retry: do again what failed and all that did not run because of it. Rerun: do a task
    again, whatever its state, and all that follows from it. Skip: treat a task that has not
    succeeded as skipped, and go on. MarkSucceeded: treat a task that has not succeeded as done,
    with the outputs given here.

    Of an agent's rollout: Promote: make the revision under way stable now. Abort: give it up.
    Undo: go back to a revision that was promoted before. Retry: judge a revision that was rolled
    back or aborted from the start.
    """

    CANCEL = "Cancel"
    TERMINATE = "Terminate"
    RETRY = "Retry"
    RERUN = "Rerun"
    SKIP = "Skip"
    MARK_SUCCEEDED = "MarkSucceeded"
    PROMOTE = "Promote"
    ABORT = "Abort"
    UNDO = "Undo"


NEED_TASK = (ActionType.RERUN, ActionType.SKIP, ActionType.MARK_SUCCEEDED)
WHOLE = (ActionType.CANCEL, ActionType.TERMINATE)
ROLLOUT_ONLY = (ActionType.PROMOTE, ActionType.ABORT, ActionType.UNDO)
OF_AGENTS = (*ROLLOUT_ONLY, ActionType.RETRY)
"""What can be asked for of an agent."""


def _names(types: tuple[ActionType, ...]) -> str:
    return ", ".join(f"'{each}'" for each in types)


_OF_AGENT = "(has(self.target.kind) && self.target.kind == 'Agent')"

ACTION_RULES = (
    ("self == oldSelf", "spec: an Action cannot be changed; create another"),
    (
        f"!{_OF_AGENT} || self.type in [{_names(OF_AGENTS)}]",
        f"type: an agent takes {', '.join(OF_AGENTS)}; the others are for workflows and phases",
    ),
    (
        f"{_OF_AGENT} || !(self.type in [{_names(ROLLOUT_ONLY)}])",
        "type: is about the rollout of an agent; write target.kind: Agent",
    ),
    (
        f"!{_OF_AGENT} || !(has(self.phase) || has(self.task))",
        "task: an agent has no phases and tasks; leave phase and task out",
    ),
    (
        "!has(self.revision) || self.type == 'Undo'",
        "revision: goes with Undo; leave it out",
    ),
    (
        f"{_OF_AGENT} || !(self.type in [{_names(NEED_TASK)}]) || has(self.task)",
        "task: name the task that this type is about",
    ),
    (
        "!has(self.task) || has(self.phase) || "
        "(has(self.target.kind) && self.target.kind != 'Workflow')",
        "phase: name the phase of the task",
    ),
    (
        f"!has(self.task) || !(self.type in [{_names(WHOLE)}])",
        "task: this type is about the whole target; leave the task out",
    ),
)
"""CEL rules of the spec of an Action. They cannot see outputs, which keep any value."""


class ActionTarget(ApiModel):
    """What the action is about: a workflow, a phase that stands alone, or an agent's rollout."""

    kind: Literal["Workflow", "Phase", "Agent"] = "Workflow"
    """Workflow (default), Phase for one that was applied alone, or Agent for its rollout."""
    name: WorkflowName
    """Name of the object."""
    uid: Uid | None = None
    """UID of the object; another object of the same name is then left alone."""


class ActionSpec(ApiModel):
    """Who asks for what, and why. It cannot be changed; an action is carried out once."""

    target: ActionTarget
    """What the action is about."""
    type: ActionType
    """What is asked for. Promote, Abort and Undo are for an Agent, Retry is for all kinds, the
    others are for a Workflow or a Phase."""
    phase: StepName | None = None
    """The task's phase, if the target is a workflow; needed with task."""
    task: StepName | None = None
    """The task; needed by Rerun, Skip and MarkSucceeded. With Retry, only this task and what did
    not run because of it."""
    outputs: Annotated[dict[InputName, AnyValue], Field(max_length=64)] | None = None
    """With MarkSucceeded: what the task is taken to have returned."""
    revision: ObjectName | None = None
    """With Undo: the revision to go back to. Left out: the one that was promoted before."""
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    """Why, in a sentence; it is kept in the target's status."""
    actor: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """Who asks: your own user name (`kubectl auth whoami`); anything else is refused."""


class ActionState(StrEnum):
    """How far an action has come."""

    PENDING = "Pending"
    APPLIED = "Applied"
    REFUSED = "Refused"


class ActionStatus(ApiModel):
    """What became of the action."""

    state: ActionState | None = None
    """Pending, Applied or Refused."""
    message: LongText | None = None
    """What was done, or why nothing was."""
    finished_at: Timestamp | None = None
    """When it was applied or refused."""


class ActionRecord(ApiModel):
    """An action in the status of its target."""

    name: Annotated[str, StringConstraints(max_length=253)]
    """Name of the Action object."""
    uid: Uid
    """UID of the Action object."""
    type: ActionType
    """What was asked for."""
    phase: StepName | None = None
    """The task's phase."""
    task: StepName | None = None
    """The task."""
    actor: ShortText
    """Who asked."""
    reason: LongText
    """Why."""
    at: Timestamp
    """When the Action object was created."""
    run: Annotated[int, Field(ge=1)] | None = None
    """The run of the workflow that it was applied to; left out for the first."""
    refused: LongText | None = None
    """Why it was not applied; left out if it was."""
