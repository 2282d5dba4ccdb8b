"""What a pod proves about an attempt. Pods are the truth about what is in flight.

Table of outcomes (first match holds):

| the pod                                                        | outcome             |
|----------------------------------------------------------------|---------------------|
| Succeeded, result document fits the contract                   | Succeeded           |
| Succeeded, result cut off or not an object of outputs          | Failed, final       |
| Failed by its own deadline                                     | Failed `Timeout`    |
| Failed while DisruptionTarget, evicted, refused by the kubelet | Lost                |
| Failed after somebody asked for its deletion                   | Lost                |
| Failed without a container that ended (or status unknown)      | Lost                |
| Failed, container ended                                        | Failed, its reason  |
| being deleted and never bound to a node                        | Lost `PodDeleted`   |
| being deleted by the taint manager (node unreachable)          | live, `node_lost`   |
| anything else                                                  | live                |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import Any

from ...api import constants as c
from ..conditions import find
from ..names import pod_name
from .checkpoint import checkpoint_of
from .progress import Progress
from .results import Result, ResultError, parse_result

Pod = Mapping[str, Any]


class Kind(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    LOST = "Lost"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended and why. A final failure is not retried: it would only come again.

    `exit_code` is that of a container that failed.
    """

    kind: Kind
    reason: str = ""
    message: str = ""
    result: Result = Result()
    final: bool = False
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one task item, as its pod shows it.

    `uid` is empty while the create is under way. `waiting` names what keeps the container from
    starting, `waiting_message` says more. `deleted_at` is when somebody asked for the deletion,
    without the grace that follows. `held` tells whether our finalizer is on the pod.

    `worker` names the warm worker that holds the attempt as a claim. Its evidence is then the
    worker's page, `uid` names the claim on it, and `held` tells that it stands there. While it
    is live it may have `progress`. If it ends badly, `checkpoint` (JSON) is for the next attempt.

    `selection` says why this agent was chosen; it is empty where the task names its agent.
    """

    pod: str
    phase_uid: str
    task: str
    index: int
    number: int
    agent: str = ""
    revision: str = ""
    workflow_uid: str = ""
    uid: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deleted_at: datetime | None = None
    outcome: Outcome | None = None
    waiting: str = ""
    waiting_message: str = ""
    node_lost: bool = False
    held: bool = False
    worker: str = ""
    progress: Progress | None = None
    checkpoint: str = ""
    selection: str = ""

    @property
    def live(self) -> bool:
        """Whether the attempt has not ended."""
        return self.outcome is None

    @property
    def steady(self) -> bool:
        """Whether the attempt is under way, and nothing about it asks for another look."""
        under_way = self.outcome is None and not self.deleted_at
        return under_way and not self.node_lost and self.progress is None


_REFUSALS = frozenset(
    {"Evicted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "Preempting"}
)
_UNKNOWN = "ContainerStatusUnknown"
_TIDYING = timedelta(seconds=10)
"""What the kubelet may take from the end of a container to its last write of the pod."""
_INSTANTS = 256
"""Pods of the same seconds share their times: whole seconds are all that Kubernetes tells."""
_STOPPED = frozenset({128 + 15, 128 + 9})
"""Exit codes of a container that was ended by SIGTERM or SIGKILL."""


def attempt_of(pod: Pod) -> Attempt | None:
    """Return the attempt that a pod is, or None if the pod is not one of ours.

    The texts that the attempts of a fan-out have in common are kept once.
    """
    meta = pod["metadata"]
    labels = meta.get("labels") or {}
    try:
        index, number = int(labels[c.LABEL_INDEX]), int(labels[c.LABEL_ATTEMPT])
        phase_uid, task = intern(labels[c.LABEL_PHASE_UID]), intern(labels[c.LABEL_TASK])
    except (KeyError, ValueError):
        return None
    if not (0 <= index < c.MAX_COUNT and 0 < number <= c.MAX_ATTEMPTS):
        return None  # somebody changed a label
    return seen(
        Attempt(
            pod=meta["name"],
            phase_uid=phase_uid,
            task=task,
            index=index,
            number=number,
            agent=intern(labels.get(c.LABEL_AGENT, "")),
            revision=intern(labels.get(c.LABEL_REVISION, "")),
            workflow_uid=intern(labels.get(c.LABEL_WORKFLOW_UID, "")),
            selection=intern(selection_of(pod)),
        ),
        pod,
    )


def selection_of(pod: Pod) -> str:
    """Return why the agent of a pod was chosen, as its annotation says; at most what fits."""
    return str((pod["metadata"].get("annotations") or {}).get(c.ANNOTATION_SELECTION, ""))[:256]


def seen(attempt: Attempt, pod: Pod) -> Attempt:
    """Return an attempt as its pod shows it now, whatever the pod's labels say."""
    meta, status = pod["metadata"], pod.get("status") or {}
    container = _container(status)
    ended = container.get("state", {}).get("terminated") or {}
    running = container.get("state", {}).get("running") or {}
    outcome = _outcome(pod)
    waiting, detail = _waiting(status, container)
    return replace(
        attempt,
        uid=meta.get("uid", ""),
        created_at=instant(meta.get("creationTimestamp")),
        started_at=_known(ended.get("startedAt") or running.get("startedAt")),
        finished_at=_finished_at(pod, ended) if outcome else None,
        deleted_at=_deleted_at(meta),
        outcome=outcome,
        waiting="" if outcome else waiting,
        waiting_message="" if outcome else detail,
        node_lost=_disruption(status) == "DeletionByTaintManager",
        held=c.RESULT_FINALIZER in (meta.get("finalizers") or ()),
        checkpoint=checkpoint_of(pod),
    )


def is_named_by(attempt: Attempt, phase: str) -> bool:
    """Whether the pod's name is the one that the attempt's pod has in this Phase object.

    Labels can be changed by anyone, a name cannot.
    """
    shown = (attempt.index,) if attempt.index else (None, 0)
    return any(
        attempt.pod == pod_name(phase, attempt.phase_uid, attempt.task, index, attempt.number)
        for index in shown
    )


def instant(text: str | None) -> datetime | None:
    """Return the time that Kubernetes wrote, aware and in UTC; None for nothing.

    Raises:
        ValueError: It is no time, or lies outside of the years 1 to 9999 in UTC.
    """
    return _parsed(text) if text else None


@lru_cache(_INSTANTS)
def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"not a time of the years 1 to 9999: {text!r}") from error


def _known(text: str | None) -> datetime | None:
    """Return the time; None for the epoch, which the kubelet writes of what never happened."""
    at = instant(text)
    return at if at and at.year > 1970 else None


def _deleted_at(meta: Mapping[str, Any]) -> datetime | None:
    """Return when deletion was asked for: Kubernetes' timestamp lies a grace period later."""
    over = instant(meta.get("deletionTimestamp"))
    return over and over - timedelta(seconds=meta.get("deletionGracePeriodSeconds") or 0)


def _outcome(pod: Pod) -> Outcome | None:
    status = pod.get("status") or {}
    phase = status.get("phase")
    if phase == "Succeeded":
        return _success(_container(status))
    if phase == "Failed":
        return _failure(pod)
    deleted = pod["metadata"].get("deletionTimestamp")
    if deleted and not (pod.get("spec") or {}).get("nodeName"):
        return Outcome(Kind.LOST, "PodDeleted", "the pod was deleted before it had a node")
    return None


def _success(container: Mapping[str, Any]) -> Outcome:
    ended = container.get("state", {}).get("terminated") or {}
    try:
        result = parse_result(ended.get("message") or "")
    except ResultError as error:
        return Outcome(Kind.FAILED, error.reason, str(error), final=True)
    return Outcome(Kind.SUCCEEDED, result=result, message=result.message)


def _failure(pod: Pod) -> Outcome:
    status = pod.get("status") or {}
    reason, message = status.get("reason", ""), status.get("message", "")
    container = _container(status)
    ended = container.get("state", {}).get("terminated")
    if reason == "DeadlineExceeded":
        return Outcome(Kind.FAILED, "Timeout", "the pod's active deadline passed")
    disruption = _disruption(status)
    if disruption:
        return Outcome(Kind.LOST, disruption, message or "the pod was disrupted")
    if reason in _REFUSALS or reason.startswith(("OutOf", "Unexpected", "Node")):
        return Outcome(Kind.LOST, reason, message)
    if _deleted_first(pod, ended or {}):
        return Outcome(Kind.LOST, "PodDeleted", "the pod was deleted while it ran")
    if ended is None or ended.get("reason") == _UNKNOWN:
        return Outcome(Kind.LOST, reason or "PodLost", message or "no container of the pod ended")
    return _exit(ended)


def _deleted_first(pod: Pod, ended: Mapping[str, Any]) -> bool:
    """Whether deletion was asked for before the container ended, or in the same second.

    With the kubelet's last write of the pod the grace is 0, so that only the latest moment of the
    request is known. An end by a signal, at most the pod's own grace before, was a deletion then.
    """
    meta = pod["metadata"]
    asked, over = _deleted_at(meta), _known(ended.get("finishedAt"))
    if asked is None or over is None or over >= asked:
        return asked is not None
    grace = (pod.get("spec") or {}).get("terminationGracePeriodSeconds")
    if meta.get("deletionGracePeriodSeconds") or grace is None:
        return False
    signalled = ended.get("exitCode") in _STOPPED and ended.get("reason") != "OOMKilled"
    return signalled and over >= asked - timedelta(seconds=grace) - _TIDYING


def _exit(ended: Mapping[str, Any]) -> Outcome:
    """A container that ended badly: its own words if it has any, else reason and exit code."""
    text = ended.get("message") or ""
    try:
        result = parse_result(text)
    except ResultError:
        result = Result(message=text)
    code = ended.get("exitCode", 0)
    reason = ended.get("reason") or "Error"
    said = result.message.strip()
    message = f"exit code {code}: {said}" if said else f"exit code {code}"
    kept = Result(outputs=result.outputs, usage=result.usage)
    return Outcome(Kind.FAILED, reason, message[:1024], result=kept, exit_code=code)


def _container(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status of our container; a cluster may have put others beside it."""
    statuses: list[Mapping[str, Any]] = status.get("containerStatuses") or [{}]
    return next((s for s in statuses if s.get("name") == c.CONTAINER), statuses[0])


def _disruption(status: Mapping[str, Any]) -> str:
    condition = find(status, "DisruptionTarget")
    return str(condition.get("reason") or "Disrupted") if condition.get("status") == "True" else ""


def _waiting(status: Mapping[str, Any], container: Mapping[str, Any]) -> tuple[str, str]:
    waiting = container.get("state", {}).get("waiting")
    if waiting:
        return str(waiting.get("reason") or "Waiting"), str(waiting.get("message") or "")
    scheduled = find(status, "PodScheduled")
    if scheduled.get("status") == "False":
        reason = str(scheduled.get("reason") or "Unschedulable")
        return reason, str(scheduled.get("message") or "")
    return "", ""


def _finished_at(pod: Pod, ended: Mapping[str, Any]) -> datetime | None:
    """When the attempt ended: the container's word, else the newest of what is known of the pod."""
    found = _known(ended.get("finishedAt"))
    if found:
        return found
    meta = pod["metadata"]
    conditions = (pod.get("status") or {}).get("conditions") or ()
    times = [instant(x.get("lastTransitionTime")) for x in conditions]
    times += [_deleted_at(meta), instant(meta.get("creationTimestamp"))]
    return max((t for t in times if t), default=None)
