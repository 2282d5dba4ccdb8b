"""Names of the objects we make: functions of what they stand for, so that making one is safe."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_POD_PREFIX = 52


def phase_name(
    workflow: str, workflow_uid: str, phase: str, run: int = 1, *, fallback: bool = False
) -> str:
    """Return the name of a workflow's Phase object: the run-th of the phase, or its fallback's."""
    which = "" if run == 1 and not fallback else f"/{run}/{'fallback' if fallback else ''}"
    return f"{workflow}-{phase}-{short_hash(f'{workflow_uid}/{phase}{which}', 5)}"


def claim_name(workflow: str, workflow_uid: str) -> str:
    """Return the name of the volume claim that is made for a workflow."""
    return f"{workflow}-workspace-{short_hash(f'{workflow_uid}/workspace', 5)}"


def pin_name(workflow: str, workflow_uid: str) -> str:
    """Return the name of the revision that keeps a workflow's templates as they were."""
    return f"{workflow}-templates-{short_hash(f'{workflow_uid}/templates', 5)}"


def shortened(name: str, length: int) -> str:
    """Return a name that fits, with a hash of the whole at the end if it had to be cut."""
    if len(name) <= length:
        return name
    return f"{name[: length - 6].rstrip('-.')}-{short_hash(name, 5)}"


def spawned_name(phase: str, phase_uid: str, task: str, number: int) -> str:
    """Return the name of the Phase that carries out a planner's plan, at most 63 characters."""
    prefix = f"{phase[:30].rstrip('-.')}-{task}"[:_POD_PREFIX].rstrip("-.")
    return f"{prefix}-{short_hash(f'{phase_uid}/{task}/{number}/spawned', 8)}"


def pod_name(phase: str, phase_uid: str, task: str, index: int | None, number: int) -> str:
    """Return the name of an attempt's pod: readable in front, unique by its hash, at most 63.

    `phase` is the name of the Phase object; index is None for a task without count.
    """
    item = "" if index is None else f"-{index}"
    prefix = f"{phase[:30].rstrip('-.')}-{task}{item}"[:_POD_PREFIX].rstrip("-")
    return f"{prefix}-{short_hash(f'{phase_uid}/{task}/{index or 0}/{number}', 8)}"


def revision_hash(template: Any) -> str:
    """Return the hash of an agent's template as it was written, without defaults."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    return short_hash(text, 10)


def short_hash(text: str, length: int) -> str:
    """Return a hash in letters that form no words, as Kubernetes' own names use."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "".join(letters)
