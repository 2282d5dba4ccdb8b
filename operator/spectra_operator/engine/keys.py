"""Keys of the objects that the engine reconciles, and the shard a namespace belongs to."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, NamedTuple

from ..api.constants import GROUP, LABEL_FINISHED, VERSION
from ..kube.resources import Resource

AGENTS = Resource(GROUP, VERSION, "agents", "Agent")
PHASES = Resource(GROUP, VERSION, "phases", "Phase")
WORKFLOWS = Resource(GROUP, VERSION, "workflows", "Workflow")

SCHEDULES = Resource(GROUP, VERSION, "schedules", "Schedule")
ACTIONS = Resource(GROUP, VERSION, "actions", "Action")
TEMPLATES = Resource(GROUP, VERSION, "workflowtemplates", "WorkflowTemplate")

OURS = (AGENTS, PHASES, WORKFLOWS, SCHEDULES, ACTIONS, TEMPLATES)
RESOURCES = {resource.kind: resource for resource in OURS}


class Key(NamedTuple):
    """Kind, namespace and name of an object."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def key_of(body: dict[str, Any]) -> Key:
    """Return the key of one of our objects."""
    meta = body["metadata"]
    return Key(body["kind"], meta["namespace"], meta["name"])


@lru_cache(maxsize=4096)
def shard_of(namespace: str, shards: int) -> int:
    """Return the shard of a namespace: the same on every replica, spread evenly."""
    digest = hashlib.sha256(namespace.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shards


def is_finished(body: dict[str, Any]) -> bool:
    """Whether an object has left the watch, so that nothing will be done about it any more."""
    return LABEL_FINISHED in (body["metadata"].get("labels") or {})
