"""Deciding what ``up`` does with a cluster that it finds."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from cluster.components import SANDBOX


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
        exists: There is something of the cluster.
        recorded: There is a readable record of it.
        same_boot: It was made since the machine started.
        network: Its network namespace is there.
        dead: Its components that don't run.
        ready: It answers and its node is ready.
    """

    exists: bool
    recorded: bool = False
    same_boot: bool = False
    network: bool = False
    dead: tuple[str, ...] = ()
    ready: bool = False


def _why_beyond_repair(found: Observation) -> str:
    if not found.recorded:
        return "its record is missing or damaged"
    if not found.same_boot:
        return "the machine was restarted since"
    if not found.network:
        return "its network is gone"
    # Without it a new process can't join the mounts that the others share.
    return "its mounts are gone" if SANDBOX in found.dead else ""


def plan(found: Observation) -> tuple[Action, str]:
    """Return what to do, and why, as part of a sentence."""
    if not found.exists:
        return Action.CREATE, "there is none"
    reason = _why_beyond_repair(found)
    if reason:
        return Action.RECREATE, reason
    if found.dead:
        return Action.REPAIR, f"{', '.join(found.dead)} died or never started"
    if not found.ready:
        return Action.REPAIR, "it runs but is not ready"
    return Action.KEEP, "it is ready"
