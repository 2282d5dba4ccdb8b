"""Fake nodes, whose pods are only statuses: scale without containers.

Every fake node has the label ``type=kwok`` and the taint ``kwok.x-k8s.io/node=fake:NoSchedule``,
so that only pods that ask for it land there. A pod runs at once; one with
``restartPolicy: Never`` ends after a second. Annotations on the pod change that:

- ``fake.spectra.dev/duration``: how long it runs, such as ``"250ms"`` or ``"5s"``
- ``fake.spectra.dev/exit-code``: its container's exit code; anything but ``"0"`` fails the pod
- ``fake.spectra.dev/message``: its termination message

The environment variables ``FAKE_EXIT_CODE`` and ``FAKE_MESSAGE`` of its first container say the
same for pods whose annotations nobody can choose.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.apiclient import ApiClient
from cluster.binaries import module_source
from cluster.catalog import module_of

PROCESS = "kwok"
LABEL = {"type": "kwok"}
TAINT = {"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}
DURATION = "fake.spectra.dev/duration"
EXIT_CODE = "fake.spectra.dev/exit-code"
MESSAGE = "fake.spectra.dev/message"
EXIT_CODE_VARIABLE = "FAKE_EXIT_CODE"
MESSAGE_VARIABLE = "FAKE_MESSAGE"
DEFAULT_MILLISECONDS = 1000
PARALLELISM = 64
# Renewed every quarter of it; the controller manager misses a node after 50 s.
LEASE_SECONDS = 120
# KWOK's own stages that serve as they are, in its module.
STOCK_STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-delete.yaml",
)


@dataclass(frozen=True)
class Lasting:
    """How long pods run that do not say it: evenly spread between two numbers of milliseconds."""

    least: int = DEFAULT_MILLISECONDS
    most: int = DEFAULT_MILLISECONDS


A_SECOND = Lasting()

_COMPLETED_STATUS = """\
{{ $now := Now }}
{{ $root := . }}
{{ $notes := or .metadata.annotations dict }}
{{ $given := dict }}
{{ range (index .spec.containers 0).env }}
{{ $given = set $given .name (or .value "") }}
{{ end }}
{{ $code := or (index $notes "%(exit_code)s") (index $given "%(exit_code_variable)s") "0" }}
{{ $message := or (index $notes "%(message)s") (index $given "%(message_variable)s") "" }}
{{ $failed := ne $code "0" }}
conditions:
{{ range $type := list "Ready" "ContainersReady" }}
- type: {{ $type }}
  status: "False"
  reason: {{ if $failed }}PodFailed{{ else }}PodCompleted{{ end }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
containerStatuses:
{{ range $index, $container := .spec.containers }}
{{ $origin := index $root.status.containerStatuses $index }}
- name: {{ $container.name | Quote }}
  image: {{ $container.image | Quote }}
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: {{ $code }}
      reason: {{ if $failed }}Error{{ else }}Completed{{ end }}
      message: {{ $message | Quote }}
      startedAt: {{ $origin.state.running.startedAt | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
phase: {{ if $failed }}Failed{{ else }}Succeeded{{ end }}
"""


def complete_stage(lasting: Lasting = A_SECOND) -> dict[str, Any]:
    """Return the stage that ends pods which are not to be restarted, in one update.

    KWOK's own ends only the pods of Jobs.
    """
    running = [
        {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
        {"key": ".status.phase", "operator": "In", "values": ["Running"]},
        {"key": ".spec.restartPolicy", "operator": "In", "values": ["Never"]},
    ]
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": "pod-complete"},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {"matchExpressions": running},
            "delay": {
                "durationMilliseconds": lasting.least,
                "durationFrom": {"expressionFrom": f'.metadata.annotations["{DURATION}"]'},
                **_jitter(lasting),
            },
            "next": {
                "statusTemplate": _COMPLETED_STATUS
                % {
                    "exit_code": EXIT_CODE,
                    "exit_code_variable": EXIT_CODE_VARIABLE,
                    "message": MESSAGE,
                    "message_variable": MESSAGE_VARIABLE,
                }
            },
        },
    }


def _jitter(lasting: Lasting) -> dict[str, int]:
    # Only where it is asked for: a shorter jitter than the duration would win over an annotation.
    if lasting.most == lasting.least:
        return {}
    return {"jitterDurationMilliseconds": lasting.most}


def options() -> dict[str, Any]:
    """Return KWOK's own settings."""
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "options": {
            "manageAllNodes": False,
            "manageNodesWithLabelSelector": "type=kwok",
            "cidr": "10.128.0.0/16",
            "podPlayStageParallelism": PARALLELISM,
            "nodePlayStageParallelism": PARALLELISM,
            "nodeLeaseParallelism": PARALLELISM,
            "nodeLeaseDurationSeconds": LEASE_SECONDS,
        },
    }


def configuration(stock_stages: Sequence[str], lasting: Lasting = A_SECOND) -> str:
    """Return KWOK's configuration file: settings, its own stages, and ours."""
    documents = [json.dumps(options()), json.dumps(complete_stage(lasting)), *stock_stages]
    return "\n---\n".join(documents) + "\n"


def stock_stages() -> list[str]:
    """Return the text of KWOK's own stages, from its module.

    Raises:
        BuildFailed: The module can't be downloaded.
    """
    folder = module_source(module_of(PROCESS)) / "kustomize" / "stage"
    return [(folder / name).read_text() for name in STOCK_STAGES]


def command(kwok: Path, kubeconfig: Path, config: Path) -> list[str]:
    """Return KWOK's command line."""
    return [str(kwok), f"--kubeconfig={kubeconfig}", f"--config={config}", "--v=WARN"]


def node(index: int) -> dict[str, Any]:
    """Return a fake Node object."""
    name = f"kwok-node-{index}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                **LABEL,
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/role": "agent",
            },
            "annotations": {"kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": {"taints": [TAINT]},
        "status": {
            "capacity": {"cpu": "64", "memory": "256Gi", "pods": "1000"},
            "allocatable": {"cpu": "64", "memory": "256Gi", "pods": "1000"},
        },
    }


def create_nodes(kubeconfig: Path, count: int) -> None:
    """Create the fake nodes that are not there yet.

    Raises:
        ClusterError: The API server refused one.
    """
    client = ApiClient(kubeconfig)
    for index in range(count):
        client.create("/api/v1/nodes", node(index))
    client.close()


def ready_nodes(kubeconfig: Path) -> int:
    """Return how many fake nodes are ready."""
    client = ApiClient(kubeconfig)
    found = client.get("/api/v1/nodes?labelSelector=type%3Dkwok") or {"items": []}
    client.close()
    return sum(
        any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
        for item in found["items"]
        for conditions in [item["status"].get("conditions", [])]
    )
