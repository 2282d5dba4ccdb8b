"""Effects for agents: gates, revisions, workers and their pages, what pods say of attempts."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.pool.page import Page
from ..core.rollout.gate_phase import GateTry
from ..core.rollout.recorded import Wanted
from ..kube.resources import Body
from .keys import Key


@dataclass(frozen=True, slots=True)
class CreateGate:
    """Create the Phase object, by its name, that tries a gate; `key` is its agent's."""

    key: Key
    phase: str
    body: Body


@dataclass(frozen=True, slots=True)
class CreateReplay:
    """Create the Phase object, by its name, that does recorded tasks again, if there are any."""

    key: Key
    phase: str
    attempt: GateTry
    wanted: Wanted
    shard: str


@dataclass(frozen=True, slots=True)
class StoreRevision:
    """Store an agent's template as a ControllerRevision."""

    key: Key
    body: Body


@dataclass(frozen=True, slots=True)
class LookUpRevision:
    """Read the template of a revision of an agent."""

    key: Key
    revision: str


@dataclass(frozen=True, slots=True)
class PruneRevisions:
    """Delete an agent's oldest revisions beyond its history limit, except those kept."""

    key: Key
    keep: frozenset[str]


@dataclass(frozen=True, slots=True)
class WritePage:
    """Write the page of a worker: `body` is its Lease, `create` that there is none yet."""

    key: Key
    body: Body
    page: Page
    create: bool


@dataclass(frozen=True, slots=True)
class LookUpPage:
    """Read the page of a worker afresh."""

    key: Key


@dataclass(frozen=True, slots=True)
class DeletePage:
    """Delete the page of a worker that is gone, if it is still the same and clear."""

    key: Key
    uid: str


@dataclass(frozen=True, slots=True)
class CreateWorker:
    """Create the pod of a worker; `key` is its agent's."""

    key: Key
    body: Body


@dataclass(frozen=True, slots=True)
class DeleteWorker:
    """Delete the pod of a worker; `key` is its agent's."""

    key: Key
    pod: str
    uid: str


@dataclass(frozen=True, slots=True)
class NotePod:
    """Write a checkpoint, JSON text, on the pod of an attempt; `key` names that pod."""

    key: Key
    uid: str
    checkpoint: str
