"""When what is finished may be deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..api import constants as c
from ..api.workflow import PodCleanup, WorkflowState
from .attempts.evidence import Attempt
from .conditions import timestamp

LEAST_SECONDS = 60
"""How long a finished pod is kept at least: a late create by a deposed leader must find it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Runs that are kept by how they ended; None keeps all."""

    succeeded: int | None
    failed: int | None


def expiry(ended_at: datetime | None, seconds: int | None) -> str:
    """Return when something that ended may be deleted, as Kubernetes writes times; empty: never.

    Times are whole seconds; part of a second counts as one, so that nothing goes early.
    """
    if ended_at is None or seconds is None:
        return ""
    due = ended_at + timedelta(seconds=seconds)
    return timestamp(due + timedelta(seconds=1) if due.microsecond else due)


def pod_expiry(cleanup: PodCleanup | None, attempt: Attempt, now: datetime) -> str:
    """Return when the pod of an ended attempt may be deleted; empty if it stays."""
    if cleanup is None or attempt.outcome is None or cleanup.policy == "Never":
        return ""
    if cleanup.policy == "OnSuccess" and attempt.outcome.kind != "Succeeded":
        return ""
    return expiry(attempt.finished_at or now, max(cleanup.after_seconds, LEAST_SECONDS))


def is_expired_at(body: Mapping[str, Any], expires: str) -> bool:
    """Whether an object is finished and was to be deleted at that time.

    One that was reopened, or finished again later, is not.
    """
    meta = body["metadata"]
    labels = meta.get("labels") or {}
    done = c.LABEL_FINISHED in labels or c.LABEL_RECORDED in labels
    held = c.RESULT_FINALIZER in (meta.get("finalizers") or ())
    return (
        done and not held and (meta.get("annotations") or {}).get(c.ANNOTATION_EXPIRES) == expires
    )


def beyond(runs: Iterable[dict[str, Any]], limits: Limits) -> list[dict[str, Any]]:
    """Return the finished runs that the limits leave no room for; the oldest go.

    A run is as old as the time that it is for, or as its object.
    """
    newest = sorted(runs, key=_age, reverse=True)
    succeeded = [run for run in newest if _state(run) == WorkflowState.SUCCEEDED]
    failed = [run for run in newest if _state(run) != WorkflowState.SUCCEEDED]
    gone = [] if limits.succeeded is None else succeeded[limits.succeeded :]
    return gone + ([] if limits.failed is None else failed[limits.failed :])


def _state(run: Mapping[str, Any]) -> str:
    state: str = (run["metadata"].get("labels") or {}).get(c.LABEL_STATE, "")
    return state


def _age(run: Mapping[str, Any]) -> tuple[str, str]:
    meta = run["metadata"]
    created: str = meta.get("creationTimestamp", "")
    scheduled: str = (meta.get("annotations") or {}).get(c.ANNOTATION_SCHEDULED, created)
    return scheduled, created
