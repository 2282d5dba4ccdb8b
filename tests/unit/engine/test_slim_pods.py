"""What is kept of a pod is enough for every decision about it, and no more."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from builders import pods
from builders.pods import a_pod
from spectra_operator.api import constants as c
from spectra_operator.core.attempts.evidence import attempt_of
from spectra_operator.engine.attempts import owner_of
from spectra_operator.engine.slim import slim_pod
from spectra_operator.kube.patches import without_finalizer

Body = dict[str, Any]
OURS = a_pod("build", index=3, number=2, workflow_uid="u-flow", shard="0", workflow="flow")


def as_kubernetes_tells_it(pod: Body) -> Body:
    """Return a pod with all that a cluster adds to it and nobody here reads."""
    pod = copy.deepcopy(pod)
    pod["metadata"]["resourceVersion"] = "7"
    pod["metadata"]["managedFields"] = [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}]
    pod["metadata"].setdefault("annotations", {})["cni.example/ips"] = "10.0.0.1"
    pod["metadata"]["labels"]["team.example/note"] = "x"
    pod["spec"] = pod.get("spec", {}) | {"containers": [{"name": "task", "image": "x"}]}
    status = pod.setdefault("status", {})
    status |= {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "qosClass": "Burstable"}
    for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"):
        told = {"type": kind, "status": "True", "lastTransitionTime": pods.stamp(2)}
        status["conditions"] = [*status.get("conditions", []), told]
    for container in status.get("containerStatuses", ()):
        container |= {"imageID": "sha256:0", "containerID": "c://0", "restartCount": 0}
    return pod


STAGES: dict[str, Callable[[], Body]] = {
    "created": lambda: OURS,
    "unschedulable": lambda: pods.unschedulable(OURS),
    "pulling": lambda: pods.pulling(pods.scheduled(OURS)),
    "running": lambda: pods.running(OURS),
    "crashing": lambda: pods.crashing(OURS),
    "succeeded": lambda: pods.succeeded(pods.running(OURS), {"rows": 3}),
    "failed": lambda: pods.failed(pods.running(OURS), text="no such table"),
    "oom killed": lambda: pods.oom_killed(pods.running(OURS)),
    "unstartable": lambda: pods.unstartable(OURS),
    "evicted": lambda: pods.evicted(pods.running(OURS)),
    "refused": lambda: pods.refused(OURS),
    "deleted": lambda: pods.deleted(pods.running(OURS)),
    "killed": lambda: pods.killed(pods.deleted(pods.running(OURS))),
    "disrupted": lambda: pods.disrupted(pods.running(OURS)),
    "deadline": lambda: pods.deadline_exceeded(pods.running(OURS)),
    "node lost": lambda: pods.node_lost(pods.running(OURS)),
    "status unknown": lambda: pods.status_unknown(pods.running(OURS)),
    "released": lambda: pods.released(pods.succeeded(pods.running(OURS))),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_slim_pod_proves_what_the_whole_one_does(stage: str) -> None:
    whole = as_kubernetes_tells_it(STAGES[stage]())
    slim = slim_pod(whole)

    assert attempt_of(slim) == attempt_of(whole) != None  # noqa: E711 - it is one of ours
    assert owner_of(slim) == owner_of(whole)
    patch = without_finalizer(whole, c.RESULT_FINALIZER)
    assert without_finalizer(slim, c.RESULT_FINALIZER) == patch
    assert slim_pod(slim) == slim


def test_what_an_attempt_leaves_for_the_next_one_is_kept() -> None:
    pod = pods.running(OURS)
    pod["metadata"]["annotations"] = {c.ANNOTATION_CHECKPOINT: "{}", c.ANNOTATION_SELECTION: "why"}

    attempt = attempt_of(slim_pod(as_kubernetes_tells_it(pod)))

    assert attempt is not None
    assert (attempt.checkpoint, attempt.selection) == ("{}", "why")


def test_of_a_pod_that_runs_little_more_than_half_is_left() -> None:
    whole = as_kubernetes_tells_it(pods.running(OURS))
    slim = slim_pod(whole)

    assert "conditions" not in slim["status"]
    assert len(json.dumps(slim)) < len(json.dumps(whole)) / 1.8


def test_pods_share_the_texts_that_they_have_in_common() -> None:
    one, other = (slim_pod(json.loads(json.dumps(a_pod("build", index=n)))) for n in (1, 2))
    for label in (c.LABEL_AGENT, c.LABEL_TASK, c.LABEL_PHASE_UID):
        assert one["metadata"]["labels"][label] is other["metadata"]["labels"][label]
