"""What is kept of a pod: only what the engine reads. Memory follows the live work.

Texts that many pods share, such as labels, are kept once.
"""

from __future__ import annotations

from sys import intern
from typing import Any

from ..api import constants as c
from ..kube.resources import Body

_OWN = ("name", "uid", "resourceVersion")
_META = (
    "namespace",
    "finalizers",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
_LABELS = (
    c.MANAGED_BY,
    c.LABEL_AGENT,
    c.LABEL_ATTEMPT,
    c.LABEL_INDEX,
    c.LABEL_PHASE_UID,
    c.LABEL_RECORDED,
    c.LABEL_REVISION,
    c.LABEL_TASK,
    c.LABEL_WORKFLOW_UID,
)
_HELD = [c.RESULT_FINALIZER]
"""The finalizers of most pods; nobody changes a list that came from the API server."""
_ANNOTATIONS = (c.ANNOTATION_CHECKPOINT, c.ANNOTATION_SELECTION)
_OWNER = ("kind", "name", "uid")
_SPEC = ("nodeName", "terminationGracePeriodSeconds")
_STATUS = ("phase", "reason", "message")
_CONTAINER = ("name", "state")
_TELLING = ("DisruptionTarget", "PodScheduled")
"""Conditions that tell something of a pod that runs; of one that has ended all tell when."""


def slim_pod(pod: Body) -> Body:
    """Return what the engine reads of a pod, in the shape that a pod has."""
    meta, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    kept = {name: meta[name] for name in _OWN if name in meta} | _some(meta, _META)
    for part, names in (("labels", _LABELS), ("annotations", _ANNOTATIONS)):
        if found := _some(meta.get(part) or {}, names):
            kept[part] = found
    if owners := meta.get("ownerReferences"):
        kept["ownerReferences"] = [_some(owner, _OWNER) for owner in owners]
    return {"metadata": kept, "spec": _some(spec, _SPEC), "status": _slim_status(status)}


def _slim_status(status: Body) -> Body:
    kept = _some(status, _STATUS)
    if containers := status.get("containerStatuses"):
        kept["containerStatuses"] = [_some(container, _CONTAINER) for container in containers]
    conditions = status.get("conditions") or ()
    if status.get("phase") == "Running":
        conditions = [each for each in conditions if _tells(each)]
    if conditions:
        kept["conditions"] = list(conditions)
    return kept


def _tells(condition: Body) -> bool:
    kind = condition.get("type")
    return kind in _TELLING and (kind, condition.get("status")) != ("PodScheduled", "True")


def _some(found: Body, names: tuple[str, ...]) -> Body:
    return {name: _shared(found[name]) for name in names if name in found}


def _shared(value: Any) -> Any:
    if value == _HELD:
        return _HELD
    return intern(value) if type(value) is str else value
