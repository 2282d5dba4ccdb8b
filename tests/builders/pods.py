"""Pods in every stage of life, as the API server gives them.

`a_pod()` is an attempt's pod just after it was created. Every other function takes a pod (one of
these, or one that the operator made) and returns it a step further; the given pod stays as it was:
`succeeded(running(a_pod("build")), {"rows": 3})`. Times are seconds after `START`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from builders.clock import START
from builders.specs import AGENT, NAMESPACE, PHASE_UID
from spectra_operator.api import constants as c

Body = dict[str, Any]

NODE = "node-1"
GRACE = 30
"""Seconds between SIGTERM and SIGKILL, as Kubernetes gives by default."""

NEVER = "1970-01-01T00:00:00Z"
"""What the kubelet writes for a container that never started."""


def at(seconds: float) -> datetime:
    """Return the time that many seconds after the start."""
    return START + timedelta(seconds=seconds)


def stamp(seconds: float) -> str:
    """Return a time as Kubernetes writes it."""
    return at(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def a_pod(
    task: str = "work", *, index: int = 0, number: int = 1, created: float = 0, **labels: str
) -> Body:
    """Return the pod of an attempt, created and not yet seen by scheduler or kubelet.

    `labels` override ours by the last part of their name, such as `phase_uid` or `revision`.
    """
    ours = {
        "phase_uid": PHASE_UID,
        "phase": "stage",
        "task": task,
        "index": str(index),
        "attempt": str(number),
        "agent": AGENT,
        "revision": "r1",
    } | labels
    named = {f"{c.GROUP}/{key.replace('_', '-')}": value for key, value in ours.items()}
    name = f"stage-{task}-{index}-{number}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"uid-of-{name}",
            "creationTimestamp": stamp(created),
            "labels": {c.MANAGED_BY: c.MANAGER} | named,
            "finalizers": [c.RESULT_FINALIZER],
        },
        "spec": {"containers": [{"name": "task", "image": "example/worker:1"}]},
        "status": {"phase": "Pending"},
    }


def unschedulable(pod: Body, when: float = 0, why: str = "0/1 nodes are available") -> Body:
    """The scheduler found no node."""
    return _condition(pod, "PodScheduled", "False", "Unschedulable", (when, why))


def scheduled(pod: Body, when: float = 0, node: str = NODE) -> Body:
    """The pod has a node."""
    pod = _condition(pod, "PodScheduled", "True", "", (when, ""))
    pod["spec"]["nodeName"] = node
    return pod


def pulling(
    pod: Body, when: float = 0, reason: str = "ContainerCreating", message: str = ""
) -> Body:
    """The kubelet prepares the container; `reason` says what keeps it from starting."""
    waiting = {"reason": reason} | ({"message": message} if message else {})
    return _container(_on_a_node(pod, when), "Pending", {"waiting": waiting})


def running(pod: Body, when: float = 1) -> Body:
    """The container runs."""
    return _container(_on_a_node(pod, when), "Running", {"running": {"startedAt": stamp(when)}})


def crashing(pod: Body, when: float = 1, restarts: int = 0, code: int = 1) -> Body:
    """The container of a pod that restarts in place ended, and the kubelet waits with the next."""
    ended = {"exitCode": code, "reason": "Error" if code else "Completed"}
    said = f"back-off {10 * 2**restarts}s restarting failed container"
    waiting = {"reason": "CrashLoopBackOff", "message": said}
    pod = _container(_on_a_node(pod, when), "Running", {"waiting": waiting})
    status = pod["status"]["containerStatuses"][0]
    status |= {"restartCount": restarts, "lastState": {"terminated": ended}}
    return pod


def succeeded(pod: Body, outputs: Any = None, when: float = 10, **document: Any) -> Body:
    """The container ended with code 0 and a result document, if anything is given."""
    content = document | ({} if outputs is None else {"outputs": outputs})
    return succeeded_saying(pod, json.dumps(content) if content else "", when)


def succeeded_saying(pod: Body, text: str, when: float = 10) -> Body:
    """The container ended with code 0 and this termination message."""
    return _terminated(pod, "Succeeded", when, {"exitCode": 0, "reason": "Completed"}, text)


def failed(pod: Body, when: float = 10, code: int = 1, text: str = "") -> Body:
    """The container ended with a code other than 0."""
    return _terminated(pod, "Failed", when, {"exitCode": code, "reason": "Error"}, text)


def oom_killed(pod: Body, when: float = 10) -> Body:
    """The kernel killed the container for its memory."""
    return _terminated(pod, "Failed", when, {"exitCode": 137, "reason": "OOMKilled"})


def unstartable(pod: Body, when: float = 10) -> Body:
    """The runtime could not execute the command; the kubelet knows no start time."""
    text = "failed to start container: executable file not found in $PATH"
    pod = _terminated(pod, "Failed", when, {"exitCode": 128, "reason": "StartError"}, text)
    pod["status"]["containerStatuses"][0]["state"]["terminated"]["startedAt"] = NEVER
    return pod


def evicted(pod: Body, when: float = 10) -> Body:
    """The kubelet evicted the pod because its node ran low."""
    pod = _terminated(pod, "Failed", when, {"exitCode": 137, "reason": "Error"})
    pod["status"] |= {"reason": "Evicted", "message": "The node was low on resource: memory."}
    text = "The node was low on resource: memory."
    return _condition(pod, "DisruptionTarget", "True", "TerminationByKubelet", (when, text))


def refused(pod: Body, when: float = 1, reason: str = "OutOfcpu") -> Body:
    """The kubelet refused the pod; no container ever was."""
    pod = _on_a_node(pod, when)
    text = f"Pod was rejected: {reason}"
    pod["status"] |= {"phase": "Failed", "reason": reason, "message": text}
    return pod


def deleted(pod: Body, when: float = 5, grace: int = GRACE) -> Body:
    """Somebody asked for the pod's deletion; without a node there is no grace."""
    pod = _copy(pod)
    over = pod["status"]["phase"] in ("Succeeded", "Failed")
    grace = 0 if over or not pod["spec"].get("nodeName") else grace
    pod["metadata"]["deletionTimestamp"] = stamp(when + grace)
    pod["metadata"]["deletionGracePeriodSeconds"] = grace
    return pod


def killed(pod: Body, when: float = 6) -> Body:
    """The container ended by SIGTERM, as it does after a deletion."""
    return failed(pod, when, code=143)


def disrupted(pod: Body, when: float = 5, reason: str = "EvictionByEvictionAPI") -> Body:
    """Kubernetes took the pod away, such as for a drain, and its container ended."""
    pod = deleted(pod, when)
    pod = _condition(pod, "DisruptionTarget", "True", reason, (when, "Eviction API: evicting"))
    return killed(pod, when + 1)


def deadline_exceeded(pod: Body, when: float = 10) -> Body:
    """The pod's own activeDeadlineSeconds passed."""
    pod = _copy(pod)
    text = "Pod was active on the node longer than the specified deadline"
    pod["status"] |= {"phase": "Failed", "reason": "DeadlineExceeded", "message": text}
    return _condition(pod, "Ready", "False", "PodFailed", (when, ""))


def node_lost(pod: Body, when: float = 5) -> Body:
    """The node does not answer: the taint manager asked for deletion; nobody knows the rest."""
    pod = deleted(pod, when)
    text = "Taint manager: deleting due to NoExecute taint"
    return _condition(pod, "DisruptionTarget", "True", "DeletionByTaintManager", (when, text))


def status_unknown(pod: Body, when: float = 10) -> Body:
    """The pod failed and the kubelet could not find out how its container ended."""
    pod = _terminated(
        pod, "Failed", when, {"exitCode": 137, "reason": "ContainerStatusUnknown"}, "not found"
    )
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    ended["startedAt"] = ended["finishedAt"] = None
    return pod


def released(pod: Body) -> Body:
    """The operator took its finalizer off."""
    pod = _copy(pod)
    pod["metadata"]["finalizers"].remove(c.RESULT_FINALIZER)
    pod["metadata"]["labels"][c.LABEL_RECORDED] = "true"
    return pod


def _copy(value: Any) -> Any:
    """Return a copy of a JSON value; plays make thousands, and deepcopy is slow."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _on_a_node(pod: Body, when: float) -> Body:
    return _copy(pod) if pod["spec"].get("nodeName") else scheduled(pod, when)


def _terminated(pod: Body, phase: str, when: float, ended: Body, text: str = "") -> Body:
    state = _state(pod).get("running") or {"startedAt": stamp(min(1.0, when))}
    ended = ended | {"startedAt": state["startedAt"], "finishedAt": stamp(when)}
    if text:
        ended["message"] = text
    pod = _container(_on_a_node(pod, when), phase, {"terminated": ended})
    return _condition(pod, "Ready", "False", f"Pod{phase}", (when, ""))


def _state(pod: Body) -> Body:
    statuses = pod["status"].get("containerStatuses") or [{}]
    state: Body = statuses[0].get("state") or {}
    return state


def _container(pod: Body, phase: str, state: Body) -> Body:
    pod["status"]["phase"] = phase
    pod["status"]["containerStatuses"] = [{"name": "task", "restartCount": 0, "state": state}]
    return pod


def _condition(pod: Body, name: str, status: str, reason: str, said: tuple[float, str]) -> Body:
    pod = _copy(pod)
    when, message = said
    condition = {"type": name, "status": status, "lastTransitionTime": stamp(when)}
    condition |= {k: v for k, v in (("reason", reason), ("message", message)) if v}
    known = pod["status"].get("conditions") or []
    pod["status"]["conditions"] = [x for x in known if x["type"] != name] + [condition]
    return pod
