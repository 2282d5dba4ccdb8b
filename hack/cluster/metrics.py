"""metrics-server: what a HorizontalPodAutoscaler reads processor and memory use from.

Command line and API objects, as pure functions. The API server passes requests for the group
``metrics.k8s.io`` on to it, through a Service without pods whose only endpoint is this process.
"""

from __future__ import annotations

import base64
from typing import Any

from cluster.components import Layout, kubeconfig_of
from cluster.network import NODE_IP

Body = dict[str, Any]

NAME = "metrics-server"
USER = "system:metrics-server"
PORT = 4443
GROUP, VERSION = "metrics.k8s.io", "v1beta1"
NODES = f"/apis/{GROUP}/{VERSION}/nodes"
SERVER_NAME = f"{NAME}.kube-system.svc"
_RBAC = "rbac.authorization.k8s.io"
_PLACE = {"name": NAME, "namespace": "kube-system"}


def command(layout: Layout) -> list[str]:
    """Return metrics-server's command line; ten seconds are the shortest it can measure in."""
    kubeconfig, pki = kubeconfig_of(layout.paths, NAME), layout.paths.pki
    return [
        str(layout.binaries[NAME]),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={NODE_IP}",
        f"--secure-port={PORT}",
        f"--tls-cert-file={pki / f'{NAME}.crt'}",
        f"--tls-private-key-file={pki / f'{NAME}.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
        "--kubelet-use-node-status-port",
        "--kubelet-request-timeout=5s",
        "--metric-resolution=10s",
        # Fake nodes have no kubelet that could be asked.
        "--node-selector=type!=kwok",
    ]


def objects(authority: bytes) -> dict[str, list[Body]]:
    """Return what it needs in the API, by the path of the collection.

    Args:
        authority: The PEM text of the authority that signed its certificate.
    """
    return {
        f"/apis/{_RBAC}/v1/clusterroles": [_role()],
        f"/apis/{_RBAC}/v1/clusterrolebindings": [
            _binding("ClusterRole", USER, {"name": USER}),
            _binding("ClusterRole", "system:auth-delegator", {"name": f"{USER}:auth-delegator"}),
        ],
        f"/apis/{_RBAC}/v1/namespaces/kube-system/rolebindings": [
            _binding("Role", "extension-apiserver-authentication-reader", _PLACE)
        ],
        "/api/v1/namespaces/kube-system/services": [_service()],
        "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices": [_endpoint()],
        "/apis/apiregistration.k8s.io/v1/apiservices": [_api_service(authority)],
    }


def _role() -> Body:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": USER},
        "rules": [
            {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
        ],
    }


def _binding(kind: str, role: str, metadata: Body) -> Body:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": USER}],
    }


def _service() -> Body:
    port = {"name": "https", "port": 443, "targetPort": PORT, "protocol": "TCP"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _PLACE, "spec": {"ports": [port]}}


def _endpoint() -> Body:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**_PLACE, "labels": {"kubernetes.io/service-name": NAME}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [NODE_IP], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": PORT, "protocol": "TCP"}],
    }


def _api_service(authority: bytes) -> Body:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{VERSION}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": VERSION,
            "service": {**_PLACE, "port": 443},
            "caBundle": base64.b64encode(authority).decode(),
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
