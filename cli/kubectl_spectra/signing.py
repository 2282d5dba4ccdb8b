"""Signatures of changes: who changes a level of a run, and why, in the same write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from spectra_operator.api.constants import (
    ANNOTATION_CHANGED,
    ANNOTATION_CHANGED_BY,
    ANNOTATION_REASON,
)

from .cluster import Body
from .errors import UsageProblem

MOST_CHARACTERS = 256


def signed(field: str, value: Any, actor: str, reason: str | None) -> Body:
    """Return the merge patch that sets a level of the spec and says who does it and why.

    Args:
        field: Name of the level: suspend, priority or parallelism.
        value: What it is set to; None takes the field out.
        actor: User name of who does it.
        reason: Why; None takes away what was said of the change before.

    Raises:
        UsageProblem: The reason is too long to be kept.
    """
    if reason and len(reason) > MOST_CHARACTERS:
        raise UsageProblem(f"--reason: has {len(reason)} characters; at most {MOST_CHARACTERS}")
    word = "none" if value is None else str(value).lower()
    # The time makes it differ from what was said of the same change before.
    said = f"{field}={word} {datetime.now(UTC).isoformat(timespec='milliseconds')}"
    notes = {
        ANNOTATION_CHANGED: said,
        ANNOTATION_CHANGED_BY: actor,
        ANNOTATION_REASON: reason or None,
    }
    return {"metadata": {"annotations": notes}, "spec": {field: value}}
