"""Action: a person's or an agent's request for an edge: cancel, retry, skip. Create-only."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from .common import AnyValue, ApiModel, LongText, ShortText, StepName, Timestamp, WorkflowName
from .values import InputName

Uid = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ActionType(StrEnum):
    """What is asked for.

    Cancel: stop what runs, run finally tasks, end Cancelled. Terminate: stop at once, run nothing
    more. Retry: do again what failed and all that did not run because of it. Rerun: do a task
    again, whatever its state, and all that follows from it. Skip: treat a task that has not
    succeeded as skipped, and go on. MarkSucceeded: treat a task that has not succeeded as done,
    with the outputs given here.
    """

    CANCEL = "Cancel"
    TERMINATE = "Terminate"
    RETRY = "Retry"
    RERUN = "Rerun"
    SKIP = "Skip"
    MARK_SUCCEEDED = "MarkSucceeded"


class ActionTarget(ApiModel):
    """What the action is about: a workflow, or a phase that stands alone."""

    kind: Literal["Workflow", "Phase"] = "Workflow"
    """Workflow (default), or Phase for one that was applied alone."""
    name: WorkflowName
    """Name of the object."""
    uid: Uid | None = None
    """UID of the object; another object of the same name is then left alone."""


class ActionSpec(ApiModel):
    """Who asks for what, and why. It cannot be changed; an action is carried out once."""

    target: ActionTarget
    """What the action is about."""
    type: ActionType
    """What is asked for."""
    phase: StepName | None = None
    """The task's phase, if the target is a workflow; needed with task."""
    task: StepName | None = None
    """The task; needed by Rerun, Skip and MarkSucceeded. With Retry, only this task and what did
    not run because of it."""
    outputs: Annotated[dict[InputName, AnyValue], Field(max_length=64)] | None = None
    """With MarkSucceeded: what the task is taken to have returned."""
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
