"""The checkpoint of an attempt in mode Pod: it stands on its pod, as an annotation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...api.constants import ANNOTATION_CHECKPOINT, MAX_CHECKPOINT_BYTES


def checkpoint_of(pod: Mapping[str, Any]) -> str:
    """Return the checkpoint on a pod, as JSON; empty if there is none, or somebody has spoilt it.

    Anyone who may change pods may write it, so that it is checked like anything from outside.
    """
    text = (pod["metadata"].get("annotations") or {}).get(ANNOTATION_CHECKPOINT) or ""
    return text if is_checkpoint(text) else ""


def is_checkpoint(text: str) -> bool:
    """Whether a text is a checkpoint: JSON that says something, and not too much of it."""
    if not text or len(text.encode(errors="replace")) > MAX_CHECKPOINT_BYTES:
        return False
    try:
        return json.loads(text) is not None
    except (ValueError, RecursionError):
        return False


def annotation(text: str) -> dict[str, str]:
    """Return the annotation that holds a checkpoint."""
    return {ANNOTATION_CHECKPOINT: text}
