"""Ids of traces and spans, as functions of UIDs: any replica makes the same, at any time.

They are hashes: samplers take the bits of an id for random, and those of a UID are not all so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ...api.phase import PhaseSpec


def trace_id(uid: str) -> str:
    """Return the trace of a workflow, or of a phase that stands alone: 32 hexadecimal digits."""
    return _digest(uid, 16)


def trace_of_phase(uid: str, spec: PhaseSpec) -> str:
    """Return the trace that a phase belongs to: its workflow's, its planner's, or its own."""
    above = spec.workflow_ref or spec.parent
    return trace_id(above.uid if above else uid)


def trace_of_body(body: Mapping[str, Any]) -> str:
    """Return the same of a Workflow or Phase object, whatever stands in it."""
    spec = body.get("spec")
    above = None
    if body.get("kind") == "Phase" and isinstance(spec, dict):
        above = spec.get("workflowRef") or spec.get("parent")
    uid = above.get("uid") if isinstance(above, dict) else None
    return trace_id(str(uid or body["metadata"].get("uid")))


def workflow_span(uid: str, run: int) -> str:
    """Return the span of a run of a workflow: 16 hexadecimal digits, as all of these."""
    return _digest(f"{uid}/run/{run}", 8)


def phase_span(uid: str) -> str:
    """Return the span of a phase."""
    return _digest(f"{uid}/phase", 8)


def task_span(phase_uid: str, task: str) -> str:
    """Return the span of a task."""
    return _digest(f"{phase_uid}/{task}/task", 8)


def attempt_span(phase_uid: str, task: str, index: int, number: int) -> str:
    """Return the span of an attempt of an item; the index of a task without count is 0."""
    return _digest(f"{phase_uid}/{task}/{index}/{number}", 8)


def queue_span(phase_uid: str, task: str) -> str:
    """Return the span of the time that a task waited for its first attempt."""
    return _digest(f"{phase_uid}/{task}/queue", 8)


def traceparent(trace: str, span: str) -> str:
    """Return the W3C header that hands a trace on; it is always marked as sampled."""
    return f"00-{trace}-{span}-01"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).digest()[:length].hex()
