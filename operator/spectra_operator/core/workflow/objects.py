"""The objects made for a workflow: Phases, the volume claim, the templates as they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...api import constants as c
from ...api.common import ApiModel, FailurePolicy
from ...api.workflow import PhaseRole, PhaseTemplate, Workspace
from ..attempts.objects import Body, owner
from ..names import claim_name, phase_name, pin_name
from ..snapshot import WorkflowShape
from .end import FINALLY, ON_FAILURE
from .records import StepRecord


def object_name(shape: WorkflowShape, name: str, step: StepRecord) -> str:
    """Return the name of the Phase object that a step has, or is to have."""
    return phase_name(shape.name, shape.uid, name, step.run, fallback=step.fallback)


def template_of(shape: WorkflowShape, name: str, step: StepRecord) -> PhaseTemplate:
    """Return what a step does: a phase of the spec, its fallback, or what follows the end."""
    known = shape.phases.get(name)
    if known is None:
        follows = {ON_FAILURE: shape.spec.on_failure, FINALLY: shape.spec.finally_}
        return PhaseTemplate.model_construct(name=name, tasks=follows.get(name) or [])
    if not step.fallback or known.fallback is None:
        return known
    given = known.fallback.parameters
    return known.model_copy(
        update={
            "tasks": known.fallback.tasks,
            "parameters": known.parameters if given is None else given,
        }
    )


def phase_body(
    shape: WorkflowShape, name: str, step: StepRecord, frozen: Mapping[str, Any], shard: str
) -> Body:
    """Return the Phase object of a step; `frozen` has its parameters, context and tasks."""
    template, main = template_of(shape, name, step), step.role is PhaseRole.MAIN
    stops = main and shape.spec.failure_policy is not FailurePolicy.CONTINUE
    claim = workspace_claim(shape)
    chosen = "selection_policy" in shape.spec.model_fields_set
    spec: Body = {
        "workflowRef": {"name": shape.name, "uid": shape.uid},
        "phase": name,
        "role": None if main else str(step.role),
        "description": template.description or None,
        "parallelism": template.parallelism,
        "activeDeadlineSeconds": template.active_deadline_seconds,
        "failurePolicy": str(FailurePolicy.FAIL if stops else FailurePolicy.CONTINUE),
        "onFailureRunning": "Cancel" if shape.spec.on_failure_running == "Cancel" else None,
        "selectionPolicy": str(shape.spec.selection_policy) if chosen else None,
        "plan": _dumped(template.plan),
        "workspace": {"claimName": claim} if claim else None,
        "podCleanup": _dumped(shape.spec.pod_cleanup),
        **frozen,
    }
    labels = {
        c.MANAGED_BY: c.MANAGER,
        c.LABEL_SHARD: shard,
        c.LABEL_WORKFLOW: shape.name,
        c.LABEL_WORKFLOW_UID: shape.uid,
        c.LABEL_PHASE: name,
    }
    if not main:
        labels[c.LABEL_ROLE] = str(step.role)
    return {
        "apiVersion": c.API_VERSION,
        "kind": "Phase",
        "metadata": {
            "name": object_name(shape, name, step),
            "namespace": shape.namespace,
            "labels": labels,
            "ownerReferences": [owner("Workflow", shape.name, shape.uid)],
        },
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def is_made_for(phase: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Whether a Phase object is the one that a workflow, planner or gate made, or is to make.

    Its name alone proves nothing: anyone may give it to another object. These fields never change.
    """
    there = phase["spec"]
    planned = there.get("parent") == spec.get("parent")
    return planned and all(there.get(f) == spec.get(f) for f in ("workflowRef", "phase", "gate"))


def workspace_claim(shape: WorkflowShape) -> str:
    """Return the name of the claim that a workflow's tasks mount; empty without a workspace."""
    wanted = shape.spec.workspace
    if wanted is None:
        return ""
    return wanted.claim_name or claim_name(shape.name, shape.uid)


def claim_body(shape: WorkflowShape, wanted: Workspace, shard: str) -> Body:
    """Return the claim that is made for a workflow; one that is retained has no owner."""
    meta: Body = {
        "name": claim_name(shape.name, shape.uid),
        "namespace": shape.namespace,
        "labels": {
            c.MANAGED_BY: c.MANAGER,
            c.LABEL_SHARD: shard,
            c.LABEL_WORKFLOW: shape.name,
            c.LABEL_WORKFLOW_UID: shape.uid,
        },
    }
    if wanted.retention != "Retain":
        meta["ownerReferences"] = [owner("Workflow", shape.name, shape.uid)]
    spec: Body = {
        "accessModes": wanted.access_modes or ["ReadWriteOnce"],
        "resources": {"requests": {"storage": wanted.size}},
    }
    if wanted.storage_class_name:
        spec["storageClassName"] = wanted.storage_class_name
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def pin_body(workflow: Mapping[str, Any], templates: Mapping[str, Any]) -> Body:
    """Return the ControllerRevision that keeps the templates of a Workflow object."""
    meta = workflow["metadata"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": pin_name(meta["name"], meta["uid"]),
            "namespace": meta["namespace"],
            "labels": {
                c.MANAGED_BY: c.MANAGER,
                c.LABEL_WORKFLOW: meta["name"],
                c.LABEL_WORKFLOW_UID: meta["uid"],
            },
            "ownerReferences": [owner("Workflow", meta["name"], meta["uid"])],
        },
        "data": {"templates": dict(templates)},
        "revision": 1,
    }


def _dumped(model: ApiModel | None) -> Body | None:
    if model is None:
        return None
    return model.model_dump(by_alias=True, exclude_none=True, mode="json")
