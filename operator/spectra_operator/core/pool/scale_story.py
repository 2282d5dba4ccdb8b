"""What Events say of the scaling and the troubles of an agent: the difference of two statuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .startup import CANNOT_START, CRASHING, NOT_CALLING

SCALED_UP = "ScaledUp"
SCALED_DOWN = "ScaledDown"
SILENT = "WorkerSilent"
"""Told by itself when a worker's silence is over, and no reason of a condition."""
TROUBLES = frozenset(
    {"ScalingConflict", "WorkersFailing", "CreationRefused", "RevisionConflict", "RevisionLost"}
    | {CANNOT_START, CRASHING, NOT_CALLING}
)
"""Reasons of conditions that are told when they come up; somebody has to do something."""

Status = Mapping[str, Any]


def scale_story(before: Status, after: Status) -> Iterator[tuple[str, str]]:
    """Yield reason and message of what happened to an agent between two statuses.

    Statuses are written every few seconds at most, so a number that goes to and fro within them
    tells nothing.
    """
    earlier, now = before.get("desiredReplicas", 0), after.get("desiredReplicas", 0)
    if now != earlier:
        reason, way = (SCALED_UP, "up") if now > earlier else (SCALED_DOWN, "down")
        yield reason, f"Scaled {way} from {earlier} to {now}: {_why(after)}"
    known = {kind: each["reason"] for kind, each in _conditions(before).items()}
    for kind, each in _conditions(after).items():
        if each["reason"] in TROUBLES and known.get(kind) != each["reason"]:
            yield each["reason"], each["message"]


def _why(status: Status) -> str:
    conditions = _conditions(status)
    active = conditions.get("ScalingActive")
    if active is None or active["reason"] != "FollowsTasks":
        return "the number is given by spec.replicas, or is 1 where that is not set"
    busy, queued = status.get("busy", 0), status.get("queued", 0)
    limited = conditions.get("ScalingLimited")
    held = f"; {limited['message']}" if limited and limited["status"] == "True" else ""
    return f"tasks running: {busy}, waiting: {queued}{held}"


def _conditions(status: Status) -> dict[str, Mapping[str, str]]:
    return {each["type"]: each for each in status.get("conditions") or ()}
