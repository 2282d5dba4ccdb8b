"""Effects: what is to be done in the cluster, as data. The executor carries them out.

Those for agents, their revisions and workers stand in `agent_effects`.

`PRIORITY` orders them: what a run needs comes first, in the order in which it was asked for, since
a fan-out of thousands would otherwise keep its own status from being written for minutes; what
tells of it and tidies up comes after.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..core.attempts.evidence import Attempt
from ..core.clean_up import Limits
from ..core.orders import Order
from ..core.schedule.records import RunView
from ..kube.resources import Body, Resource
from .agent_effects import (
    CreateGate,
    CreateReplay,
    CreateWorker,
    DeletePage,
    DeleteWorker,
    LookUpPage,
    LookUpRevision,
    NotePod,
    PruneRevisions,
    StoreRevision,
    WritePage,
)
from .keys import Key


@dataclass(frozen=True, slots=True)
class CreatePod:
    """Start an attempt. `trigger` is when the event arrived that made it possible."""

    key: Key
    body: Body
    attempt: Attempt
    trigger: float | None = None


@dataclass(frozen=True, slots=True)
class CreatePhase:
    """Create the Phase object of a workflow's phase."""

    key: Key
    phase: str
    body: Body


@dataclass(frozen=True, slots=True)
class CreateWorkflow:
    """Create the Workflow of a schedule's run; `key` is the schedule's."""

    key: Key
    run: RunView
    body: Body


@dataclass(frozen=True, slots=True)
class ReplaceWorkflow:
    """Make room for a later run of a schedule; `key` is that of the run's Workflow."""

    key: Key
    uid: str


@dataclass(frozen=True, slots=True)
class CreatePlan:
    """Create the Phase object, by its name, that carries out a planner's plan."""

    key: Key
    phase: str
    body: Body


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Stop a pod. `grace` is in seconds; None leaves it to the pod."""

    key: Key
    pod: str
    uid: str
    grace: int | None = None


@dataclass(frozen=True, slots=True)
class ReleasePod:
    """Take our finalizer off a pod whose result is recorded, or whose phase is gone.

    `expires` is when it may be deleted; empty if it stays.
    """

    key: Key
    pod: str
    uid: str
    expires: str = ""


@dataclass(frozen=True, slots=True)
class LookUpPod:
    """Read a pod that should exist and is not in the cache."""

    key: Key
    pod: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """Read one of our objects afresh."""

    key: Key


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Replace the status of an object that is still at that version.

    `body` has of the object what names it, and the status. A patch would cost the API server a
    quarter more: it makes the object of it first.
    """

    key: Key
    body: Body
    record: object


@dataclass(frozen=True, slots=True)
class MarkFinished:
    """Label an ended object, so that it leaves the watch.

    `state` is how it ended; `expires` when it may be deleted, empty if it stays; `template` what a
    workflow was made from.
    """

    key: Key
    state: str = ""
    expires: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class DeleteExpired:
    """Delete a finished object or recorded pod whose time has come, if it is still the same."""

    key: Key
    uid: str
    expires: str


@dataclass(frozen=True, slots=True)
class PruneHistory:
    """Delete the oldest finished workflows of a schedule or template beyond its limits."""

    key: Key
    label: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class DeletePhase:
    """Delete a workflow's former Phase object with its pods, before it is done anew."""

    key: Key
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class PinTemplates:
    """Read the templates that a workflow was pinned to, or pin it; `body` None only reads."""

    key: Key
    name: str
    body: Body | None


@dataclass(frozen=True, slots=True)
class CreateClaim:
    """Create the volume claim of a workflow's workspace."""

    key: Key
    body: Body
    workflow_uid: str


@dataclass(frozen=True, slots=True)
class DeleteClaim:
    """Delete the volume claim that was made for a workflow, and when they expire its pods.

    Kubernetes keeps a claim for as long as there is a pod that mounts it, ended or not.
    """

    key: Key
    name: str
    workflow_uid: str
    expires: str


@dataclass(frozen=True, slots=True)
class Reopen:
    """Bring an Action's finished target back into the watch, unless the order is hopeless.

    `uid` is the target's as it was asked for, or empty. The target's phases come first, so that
    it never stands there without them. An agent never leaves the watch: it is only looked up.
    """

    key: Key
    target: Key
    uid: str
    order: Order


@dataclass(frozen=True, slots=True)
class CloseAction:
    """Write what became of an Action, then label it; `owner` is what it goes with."""

    key: Key
    status: Body
    owner: Body | None


@dataclass(frozen=True, slots=True)
class Announce:
    """Create or repeat a Kubernetes Event."""

    key: Key
    resource: Resource
    body: Body
    name: str = ""


Effect = (
    CreatePod
    | CreatePhase
    | CreatePlan
    | CreateGate
    | CreateReplay
    | CreateWorkflow
    | ReplaceWorkflow
    | DeletePod
    | ReleasePod
    | NotePod
    | LookUpPod
    | LookUp
    | WriteStatus
    | MarkFinished
    | DeleteExpired
    | PruneHistory
    | DeletePhase
    | PinTemplates
    | CreateClaim
    | DeleteClaim
    | Reopen
    | CloseAction
    | StoreRevision
    | LookUpRevision
    | PruneRevisions
    | WritePage
    | LookUpPage
    | DeletePage
    | CreateWorker
    | DeleteWorker
    | Announce
)

BACKGROUND = (DeletePage, MarkFinished, DeleteExpired, PruneHistory, PruneRevisions, Announce)
"""What nobody waits for."""
