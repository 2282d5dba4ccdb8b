"""Waiting until a local cluster can be used, and telling what is missing."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from cluster import processes
from cluster.apiclient import ApiClient
from cluster.errors import ComponentFailed
from cluster.network import HostLink
from cluster.paths import ClusterPaths
from cluster.state import ClusterState
from cluster.storage import objects

POLL_SECONDS = 0.1
# Long, as a busy machine is slow and a dead component is noticed at once anyway.
START_SECONDS = 180.0
PROBE_SECONDS = 2.0

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

    def missing(self, state: ClusterState) -> list[str]:
        """Return what is not ready yet, in the order in which it comes up."""
        if not self._paths.kubeconfig.exists():
            return ["kubeconfig"]
        client = ApiClient(self._paths.kubeconfig)
        try:
            left = _missing(client, f"{self._paths.name}-node")
        except OSError:
            return ["API server"]
        finally:
            client.close()
        urls = probes(HostLink(state.index).cluster_ip)
        return [*left, *(name for name, url in urls.items() if not _answers(url))]

    def wait_for_socket(self, state: ClusterState) -> None:
        """Wait for containerd's socket.

        Raises:
            ComponentFailed: containerd died or was too slow.
        """
        self._wait(lambda: [] if self._paths.containerd_socket.exists() else ["containerd"], state)

    def wait_for_api_server(self, state: ClusterState) -> None:
        """Wait until the API server answers, and give it what the components need.

        Raises:
            ComponentFailed: A component died or was too slow.
        """
        client = ApiClient(self._paths.kubeconfig)
        self._wait(lambda: [] if client.answers("/readyz") else ["API server"], state)
        for role in (DNS_ROLE, objects.role()):
            client.create(f"{RBAC}/clusterroles", role)
        for binding in (DNS_BINDING, objects.binding()):
            client.create(f"{RBAC}/clusterrolebindings", binding)
        client.create(objects.CLASSES, objects.storage_class())
        client.close()

    def wait(self, state: ClusterState) -> None:
        """Wait until pods can be created and will run.

        Raises:
            ComponentFailed: A component died or was too slow.
        """
        self._wait(lambda: self.missing(state), state)

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
    if client.get(f"{objects.CLASSES}/{objects.CLASS}") is None:
        left.append("storage class")
    return left


def probes(host: str) -> dict[str, str]:
    """Return where each component but the API server tells that it works."""
    return {
        "controller manager": f"https://{host}:10257/healthz",
        "scheduler": f"https://{host}:10259/healthz",
        "kubelet": f"http://{host}:10248/healthz",
        "kube-proxy": f"http://{host}:10256/healthz",
        "CoreDNS": f"http://{host}:8080/health",
    }


def _answers(url: str) -> bool:
    """Tell whether a GET gives 200. These certificates are self-signed, and say nothing secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=PROBE_SECONDS) as response:
            return bool(response.status == http.client.OK)
    except (OSError, http.client.HTTPException):
        return False
