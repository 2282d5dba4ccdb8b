"""The objects we create, as bodies: pods, Phases, revisions of agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...api import constants as c
from ...api.agent import AgentSpec, AgentTemplate
from ..names import pod_name
from ..policy import TaskPolicy
from ..snapshot import PhaseShape
from . import way_back
from .told import told_of

Body = dict[str, Any]

USER_ID = 65532
_BACKSTOP_SECONDS = 60
_UNBOUND_PENDING_SECONDS = 3600
_SCRATCH = "/tmp"  # noqa: S108 - the only writable place in the container, its own emptyDir
SCRATCH_VOLUME: Body = {"name": "tmp", "emptyDir": {}}
_WORKSPACE = "workspace"
TRACEPARENT = "TRACEPARENT"
_DEFAULT_REQUESTS = {"cpu": "10m", "memory": "32Mi"}


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """One attempt that is to be made. `index` is None for a task without count.

    `selection` says why its agent was chosen, if it was. `checkpoint` is what the attempts before
    left, as JSON, `url` where the worker API is to be found, `traceparent` the span that the task's
    own spans belong under; each is empty if there is none.
    """

    task: str
    index: int | None
    number: int
    agent: str
    spec: AgentSpec
    revision: str
    input: str
    policy: TaskPolicy
    selection: str = ""
    checkpoint: str = ""
    url: str = ""
    traceparent: str = ""

    @property
    def reports(self) -> bool:
        """Whether its pod gets a way to the worker API."""
        return self.spec.checkpoints and bool(self.url)


def pod_body(shape: PhaseShape, plan: AttemptPlan, shard: str) -> Body:
    """Return the pod of an attempt: one container, PSS restricted, no API token."""
    template = plan.spec.template
    spec: Body = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        "containers": [_container(shape, plan)],
        "volumes": [
            SCRATCH_VOLUME,
            *_workspace_volume(shape, plan.task),
            *([way_back.VOLUME] if plan.reports else []),
        ],
        **placement(template),
    }
    if plan.policy.timeout is not None:
        pending = plan.policy.pending_timeout or _UNBOUND_PENDING_SECONDS
        spec["activeDeadlineSeconds"] = plan.policy.timeout + pending + _BACKSTOP_SECONDS
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(shape.name, shape.uid, plan.task, plan.index, plan.number),
            "namespace": shape.namespace,
            "labels": _pod_labels(shape, plan, shard),
            "annotations": _annotations(plan),
            "finalizers": [c.RESULT_FINALIZER],
            "ownerReferences": [owner("Phase", shape.name, shape.uid)],
        },
        "spec": spec,
    }


def _annotations(plan: AttemptPlan) -> dict[str, str]:
    chosen = {c.ANNOTATION_SELECTION: plan.selection} if plan.selection else {}
    return {"kubectl.kubernetes.io/default-container": c.CONTAINER, **chosen}


def spawned_body(shape: PhaseShape, name: str, spec: Mapping[str, Any], shard: str) -> Body:
    """Return the Phase object that carries out a planner's plan."""
    ref = shape.spec.workflow_ref
    labels = {
        c.MANAGED_BY: c.MANAGER,
        c.LABEL_SHARD: shard,
        c.LABEL_PHASE: shape.spec.phase or shape.name[:63].rstrip("-."),
        c.LABEL_ROLE: "Spawned",
    }
    if ref:
        labels |= {c.LABEL_WORKFLOW: ref.name, c.LABEL_WORKFLOW_UID: ref.uid}
    return {
        "apiVersion": c.API_VERSION,
        "kind": "Phase",
        "metadata": {
            "name": name,
            "namespace": shape.namespace,
            "labels": labels,
            "ownerReferences": [owner("Phase", shape.name, shape.uid)],
        },
        "spec": dict(spec),
    }


def revision_body(agent: Mapping[str, Any], revision: str, number: int) -> Body:
    """Return the ControllerRevision of an Agent object's template, named by the revision's hash."""
    meta = agent["metadata"]
    template = agent["spec"]["template"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{meta['name']}-{revision}",
            "namespace": meta["namespace"],
            "labels": {
                c.MANAGED_BY: c.MANAGER,
                c.LABEL_AGENT: meta["name"],
                c.LABEL_REVISION: revision,
            },
            "ownerReferences": [owner("Agent", meta["name"], meta["uid"])],
        },
        "data": {"template": template},
        "revision": number,
    }


def owner(kind: str, name: str, uid: str) -> Body:
    """Return the reference of what we make to what it was made for."""
    return {
        "apiVersion": c.API_VERSION,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _pod_labels(shape: PhaseShape, plan: AttemptPlan, shard: str) -> dict[str, str]:
    ref = shape.spec.workflow_ref
    labels = {
        c.MANAGED_BY: c.MANAGER,
        c.LABEL_SHARD: shard,
        c.LABEL_PHASE: shape.spec.phase or shape.name[:63].rstrip("-."),
        c.LABEL_PHASE_UID: shape.uid,
        c.LABEL_TASK: plan.task,
        c.LABEL_INDEX: str(plan.index or 0),
        c.LABEL_ATTEMPT: str(plan.number),
        c.LABEL_AGENT: plan.agent,
        c.LABEL_REVISION: plan.revision,
    }
    if ref:
        labels |= {c.LABEL_WORKFLOW: ref.name, c.LABEL_WORKFLOW_UID: ref.uid}
    if _workspace_mount(shape, plan.task):
        labels[c.LABEL_WORKSPACE] = "true"
    return labels


def _container(shape: PhaseShape, plan: AttemptPlan) -> Body:
    mounts = [
        *_workspace_mount(shape, plan.task),
        *([way_back.MOUNT] if plan.reports else []),
    ]
    body = container(plan.spec.template, _env(shape, plan), mounts)
    return body | {"terminationMessagePolicy": "FallbackToLogsOnError"}


def container(template: AgentTemplate, env: list[Body], mounts: list[Body]) -> Body:
    """Return the one container of an agent's pod, with variables and mounts of ours."""
    resources = (
        template.resources.model_dump(by_alias=True, exclude_none=True)
        if template.resources
        else {}
    )
    if not resources.get("requests"):  # of what has a limit, Kubernetes requests the limit
        limits = resources.get("limits") or {}
        resources["requests"] = {k: v for k, v in _DEFAULT_REQUESTS.items() if k not in limits}
    own = [v.model_dump(by_alias=True, exclude_none=True) for v in template.env or ()]
    body: Body = {
        "name": c.CONTAINER,
        "image": template.image,
        "imagePullPolicy": template.image_pull_policy,
        "command": template.command,
        "args": template.args,
        "env": [*env, *own],
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": _SCRATCH}, *mounts],
    }
    return {key: value for key, value in body.items() if value is not None}


def pod_security() -> Body:
    """Return the security context of an agent's pod: the restricted standard."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "fsGroup": USER_ID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _env(shape: PhaseShape, plan: AttemptPlan) -> list[Body]:
    ref = shape.spec.workflow_ref
    index = plan.index or 0
    told = told_of(shape.spec, plan.task, index)
    ours = {
        "SPECTRA_WORKFLOW": ref.name if ref else "",
        "SPECTRA_PHASE": shape.spec.phase or shape.name,
        "SPECTRA_TASK": told.task,
        "SPECTRA_INDEX": str(told.index),
        "SPECTRA_ATTEMPT": str(plan.number),
        "SPECTRA_KEY": f"{shape.uid}/{plan.task}/{index}",
        "SPECTRA_INPUT": plan.input,
    }
    if told.replay:
        ours["SPECTRA_REPLAY"] = "true"
    for mount in _workspace_mount(shape, plan.task):
        ours["SPECTRA_WORKSPACE"] = mount["mountPath"]
    if plan.checkpoint:
        ours["SPECTRA_CHECKPOINT"] = plan.checkpoint
    if plan.traceparent and not _sets(plan.spec.template, TRACEPARENT):
        ours[TRACEPARENT] = plan.traceparent
    if plan.reports:
        name = pod_name(shape.name, shape.uid, plan.task, plan.index, plan.number)
        ours |= {"SPECTRA_CLAIM": name, **way_back.variables(plan.url)}
    return [{"name": name, "value": _literal(value)} for name, value in ours.items()]


def _sets(template: AgentTemplate, variable: str) -> bool:
    return any(each.name == variable for each in template.env or ())


def _workspace_volume(shape: PhaseShape, task: str) -> list[Body]:
    claim = shape.spec.workspace
    if claim is None or shape.tasks[task].workspace is None:
        return []
    return [{"name": _WORKSPACE, "persistentVolumeClaim": {"claimName": claim.claim_name}}]


def _workspace_mount(shape: PhaseShape, task: str) -> list[Body]:
    wanted = shape.tasks[task].workspace
    if shape.spec.workspace is None or wanted is None:
        return []
    mount: Body = {"name": _WORKSPACE, "mountPath": wanted.mount_path}
    if wanted.sub_path:
        mount["subPath"] = wanted.sub_path
    if wanted.read_only:
        mount["readOnly"] = True
    return [mount]


def _literal(value: str) -> str:
    """Keep the kubelet from expanding `$(NAME)` in somebody's data; it reads `$$` as `$`."""
    return value.replace("$", "$$")


def placement(template: AgentTemplate) -> Body:
    """Return where an agent's pods may run, and how they are pulled and ended."""
    dumped = template.model_dump(by_alias=True, exclude_none=True, mode="json")
    keys = (
        "imagePullSecrets",
        "nodeSelector",
        "tolerations",
        "runtimeClassName",
        "terminationGracePeriodSeconds",
    )
    return {key: dumped[key] for key in keys if key in dumped}
