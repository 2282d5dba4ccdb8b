"""What attempts leave and say, in a Phase's status: checkpoints and progress."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..attempts.evidence import instant
from ..attempts.progress import Progress
from .records import Checkpoint, Item

Status = dict[str, Any]


def precise(at: datetime) -> str:
    """Return a time with microseconds, so that a restart waits exactly as long."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def render_checkpoint(item: Item | None) -> Status | None:
    """Return what an open item may go on from, or None."""
    if item is None or item.checkpoint is None:
        return None
    return {"value": item.checkpoint.text, "at": precise(item.checkpoint.at)}


def parse_checkpoint(status: Mapping[str, Any]) -> Checkpoint | None:
    """Return the checkpoint in the status of a task or item."""
    found = status.get("checkpoint") or {}
    at = instant(found.get("at"))
    return Checkpoint(found["value"], at) if at else None


def render_progress(progress: Progress) -> Status:
    """Return how far a task is; what is not known is left out, 0 % is not."""
    percent = {} if progress.percent is None else {"percent": progress.percent}
    return percent | ({"message": progress.message} if progress.message else {})


def parse_progress(found: Mapping[str, Any] | None) -> Progress | None:
    """Return the progress that a status holds."""
    return Progress(found.get("percent"), found.get("message", "")) if found else None
