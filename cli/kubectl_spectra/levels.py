"""Changes of levels, signed: the operator notes in status who changed what, when and why."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from spectra_operator.api.constants import (
    ANNOTATION_CHANGED,
    ANNOTATION_CHANGED_BY,
    ANNOTATION_REASON,
)


def level_patch(
    field: str, value: Any, actor: str, reason: str | None, now: datetime
) -> dict[str, Any]:
    """Return the merge patch that sets a level and signs it.

    Args:
        field: suspend, priority or parallelism.
        value: Its value; None for no limit.
        actor: User name of who changes it; the API server refuses another's.
        reason: Why; None takes an earlier reason away.
        now: The time, which makes this signature differ from the last.
    """
    shown = "none" if value is None else json.dumps(value)
    notes = {
        ANNOTATION_CHANGED: f"{field}={shown} {now.isoformat(timespec='microseconds')}",
        ANNOTATION_CHANGED_BY: actor,
        ANNOTATION_REASON: reason,
    }
    return {"metadata": {"annotations": notes}, "spec": {field: value}}
