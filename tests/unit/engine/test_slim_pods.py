"""What is kept of a pod is enough for all that is asked of it later, and no more."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from builders import pods
from builders.pods import a_pod
from builders.specs import PHASE_UID
from spectra_operator.api import constants as c
from spectra_operator.core.attempts.evidence import attempt_of
from spectra_operator.engine.attempts import owner_of
from spectra_operator.engine.pod_intake import has_ended
from spectra_operator.engine.slim import slim_pod
from spectra_operator.kube.patches import without_finalizer
from spectra_operator.kube.resources import name_of, namespace_of, uid_of, version_of

Body = dict[str, Any]


def owned(pod: Body) -> Body:
    """Return a pod that the Phase of its labels controls."""
    owner = {"apiVersion": c.API_VERSION, "kind": "Phase", "name": "stage", "uid": PHASE_UID}
    return pod | {"metadata": pod["metadata"] | {"ownerReferences": [owner]}}


OURS = owned(a_pod("build", index=3, number=2, workflow_uid="u-flow", shard="0", workflow="flow"))


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
def test_a_slim_pod_answers_what_is_asked_of_it_later_as_the_whole_one_does(stage: str) -> None:
    whole = as_kubernetes_tells_it(STAGES[stage]())
    slim, attempt = slim_pod(whole), attempt_of(whole)

    for read in (name_of, namespace_of, uid_of, version_of, owner_of, has_ended):
        assert read(slim) == read(whole)
    patch = without_finalizer(whole, c.RESULT_FINALIZER)
    assert without_finalizer(slim, c.RESULT_FINALIZER) == patch
    assert attempt is not None
    assert slim["metadata"]["labels"] == {c.LABEL_AGENT: attempt.agent}
    assert slim_pod(slim) == slim


def test_a_slim_pod_keeps_the_finalizers_of_others() -> None:
    pod = as_kubernetes_tells_it(pods.running(OURS))
    pod["metadata"]["finalizers"] = ["team.example/logs", c.RESULT_FINALIZER]

    patch = without_finalizer(slim_pod(pod), c.RESULT_FINALIZER)

    assert patch is not None
    assert patch["metadata"]["finalizers"] == ["team.example/logs"]


def test_of_a_pod_without_labels_owner_finalizer_or_status_its_identity_is_kept() -> None:
    meta = {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "7"}

    assert slim_pod({"metadata": meta}) == {"metadata": meta, "status": {"phase": ""}}


def test_of_a_pod_that_runs_a_fifth_is_left() -> None:
    whole = as_kubernetes_tells_it(pods.running(OURS))

    assert len(json.dumps(slim_pod(whole))) < len(json.dumps(whole)) / 5


def test_pods_of_a_phase_share_all_but_what_they_are() -> None:
    told = (json.dumps(owned(a_pod("build", index=n))) for n in (1, 2))
    one, other = (slim_pod(json.loads(text)) for text in told)

    assert one["status"] is other["status"]
    for part in ("namespace", "labels", "ownerReferences", "finalizers"):
        assert one["metadata"][part] is other["metadata"][part]


def test_attempts_share_the_texts_and_times_that_they_have_in_common() -> None:
    told = (json.dumps(pods.running(a_pod("build", index=n))) for n in (1, 2))
    one, other = (attempt_of(json.loads(text)) for text in told)

    for part in ("phase_uid", "task", "agent", "created_at", "started_at"):
        assert getattr(one, part) is getattr(other, part)
