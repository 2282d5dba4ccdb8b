"""The pods of warm workers, as bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...api import constants as c
from ...api.agent import AgentSpec
from ..attempts import way_back
from ..attempts.objects import SCRATCH_VOLUME, Body, container, owner, placement, pod_security

_LONGEST_GRACE = 25
"""Seconds that a worker takes to end its tasks; below the 30 that Kubernetes gives it."""


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """A worker that is to be made. `url` is where the worker API is to be found."""

    name: str
    spec: AgentSpec
    revision: str
    url: str
    shard: str


def worker_body(agent: Mapping[str, Any], plan: WorkerPlan) -> Body:
    """Return the pod of a worker of an Agent object: the restricted standard, no API token.

    It shows who it is by a token that is of use for the worker API alone.
    """
    meta, template = agent["metadata"], plan.spec.template
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": plan.name,
            "namespace": meta["namespace"],
            "labels": {
                c.MANAGED_BY: c.MANAGER,
                c.LABEL_SHARD: plan.shard,
                c.LABEL_WORKER: "true",
                c.LABEL_AGENT: meta["name"],
                c.LABEL_REVISION: plan.revision,
            },
            "annotations": {"kubectl.kubernetes.io/default-container": c.CONTAINER},
            "ownerReferences": [owner("Agent", meta["name"], meta["uid"])],
        },
        "spec": {
            "restartPolicy": "Always",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": pod_security(),
            "containers": [container(template, _env(plan), [way_back.MOUNT])],
            "volumes": [SCRATCH_VOLUME, way_back.VOLUME],
            **placement(template),
        },
    }


def _env(plan: WorkerPlan) -> list[Body]:
    grace = plan.spec.template.termination_grace_period_seconds
    seconds = _LONGEST_GRACE if grace is None else max(grace - 5, 0)
    ours = {
        **way_back.variables(plan.url),
        "SPECTRA_WORKER_SLOTS": str(plan.spec.slots),
        "SPECTRA_WORKER_GRACE": str(seconds),
    }
    return [{"name": name, "value": value} for name, value in ours.items()]
