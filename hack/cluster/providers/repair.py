"""Deciding what ``up`` does with a cluster that it finds."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from cluster.components import CONTAINERD, SANDBOX


class Action(enum.Enum):
    """What ``up`` does."""

    CREATE = "create"
    KEEP = "keep"
    REPAIR = "repair"
    RECREATE = "recreate"


@dataclass(frozen=True)
class Observation:
    """What was found.

    Attributes:
        exists: There is a record of the cluster.
        same_boot: It was made since the machine started.
        network: Its network namespace is there.
        dead: Its components that don't run.
        ready: It answers and its node is ready.
    """

    exists: bool
    same_boot: bool = False
    network: bool = False
    dead: tuple[str, ...] = ()
    ready: bool = False


def plan(found: Observation) -> tuple[Action, str]:
    """Return what to do, and why, as part of a sentence."""
    if not found.exists:
        return Action.CREATE, "there is none"
    if not found.same_boot:
        return Action.RECREATE, "the machine was restarted since"
    if not found.network:
        return Action.RECREATE, "its network is gone"
    if SANDBOX in found.dead or CONTAINERD in found.dead:
        return Action.RECREATE, f"{', '.join(found.dead)} died"
    if found.dead:
        return Action.REPAIR, f"{', '.join(found.dead)} died"
    if not found.ready:
        return Action.REPAIR, "it runs but is not ready"
    return Action.KEEP, "it is ready"
