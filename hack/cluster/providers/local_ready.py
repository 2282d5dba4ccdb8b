"""Waiting until a local cluster can be used, and telling what is missing."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from typing import Any

from cluster import processes
from cluster.apiclient import ApiClient
from cluster.console import Console
from cluster.errors import ComponentFailed
from cluster.network import HostLink
from cluster.paths import ClusterPaths
from cluster.state import ClusterState

POLL_SECONDS = 0.1
START_SECONDS = 90.0
COREDNS_PORT, PROXY_PORT = 8080, 10256

DNS_ROLE: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "system:coredns"},
    "rules": [
        {
            "apiGroups": [""],
            "resources": ["endpoints", "services", "pods", "namespaces"],
            "verbs": ["list", "watch"],
        },
        {
            "apiGroups": ["discovery.k8s.io"],
            "resources": ["endpointslices"],
            "verbs": ["list", "watch"],
        },
    ],
}
DNS_BINDING: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "system:coredns"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "system:coredns",
    },
    "subjects": [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:coredns"}
    ],
}
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def node_is_ready(node: dict[str, Any] | None) -> bool:
    """Tell whether a Node object says that it takes pods."""
    conditions = (node or {}).get("status", {}).get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


class Readiness:
    """Looks at a local cluster from the host."""

    def __init__(self, paths: ClusterPaths) -> None:
        self._paths = paths

    def missing(self) -> list[str]:
        """Return what is not ready yet, in the order in which it comes up."""
        if not self._paths.kubeconfig.exists():
            return ["kubeconfig"]
        client = ApiClient(self._paths.kubeconfig)
        try:
            return _missing(client, f"{self._paths.name}-node")
        except OSError:
            return ["API server"]
        finally:
            client.close()

    def wait_for_socket(self, state: ClusterState) -> None:
        """Wait for containerd's socket.

        Raises:
            ComponentFailed: containerd died or was too slow.
        """
        self._wait(lambda: [] if self._paths.containerd_socket.exists() else ["containerd"], state)

    def wait_for_api_server(self, state: ClusterState) -> None:
        """Wait until the API server answers, and give CoreDNS its rights.

        Raises:
            ComponentFailed: A component died or was too slow.
        """
        client = ApiClient(self._paths.kubeconfig)
        self._wait(lambda: [] if client.answers("/readyz") else ["API server"], state)
        client.create(f"{RBAC}/clusterroles", DNS_ROLE)
        client.create(f"{RBAC}/clusterrolebindings", DNS_BINDING)
        client.close()

    def wait(self, state: ClusterState, console: Console) -> None:
        """Wait until pods can be created and will run.

        Raises:
            ComponentFailed: A component died or was too slow.
        """
        self._wait(lambda: [*self.missing(), *_silent_helpers(HostLink(state.index))], state)
        console.say("the cluster is ready")

    def _wait(self, missing: Callable[[], list[str]], state: ClusterState) -> None:
        deadline = time.monotonic() + START_SECONDS
        while left := missing():
            for name, process in state.processes.items():
                if not processes.is_alive(process):
                    raise ComponentFailed(f"{name} died; see {self._paths.log(name)}")
            if time.monotonic() > deadline:
                waited = f"not ready after {START_SECONDS:.0f} s: {', '.join(left)}"
                raise ComponentFailed(f"{waited}; the logs are in {self._paths.logs}")
            time.sleep(POLL_SECONDS)


def _missing(client: ApiClient, node: str) -> list[str]:
    left = [] if client.request("GET", "/readyz")[0] == http.client.OK else ["API server"]
    if not node_is_ready(client.get(f"/api/v1/nodes/{node}")):
        left.append("node")
    if client.get("/api/v1/namespaces/default/serviceaccounts/default") is None:
        left.append("default service account")
    return left


def _silent_helpers(link: HostLink) -> list[str]:
    """Return the helpers of Services and DNS that don't say that they work."""
    helpers = {"CoreDNS": (COREDNS_PORT, "/health"), "kube-proxy": (PROXY_PORT, "/healthz")}
    return [
        name for name, (port, path) in helpers.items() if not _answers(link.cluster_ip, port, path)
    ]


def _answers(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
