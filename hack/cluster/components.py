"""The command line of every component of a local cluster, as pure functions."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.network import (
    API_PORT,
    NODE_IP,
    POD_CIDR,
    SERVICE_CIDR,
    SERVICE_IP,
    HostLink,
)
from cluster.paths import ClusterPaths

ETCD_URL = "http://127.0.0.1:2379"

CONTROL_PLANE = ("etcd", "kube-apiserver")
NODE_AND_CONTROLLERS = (
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
    "storage",
)
SANDBOX = "sandbox"
CONTAINERD = "containerd"
START_ORDER = (SANDBOX, CONTAINERD, *CONTROL_PLANE, *NODE_AND_CONTROLLERS)


@dataclass(frozen=True)
class Layout:
    """What command lines are made of.

    Attributes:
        paths: The cluster's files.
        link: The way from the host to the API server.
        binaries: Binary name to path.
    """

    paths: ClusterPaths
    link: HostLink
    binaries: Mapping[str, Path]

    @property
    def node(self) -> str:
        """The real node's name."""
        return f"{self.paths.name}-node"

    @property
    def cgroup_root(self) -> str:
        """The control group under which every pod of this cluster lives."""
        return f"/spectra-{self.paths.name}"

    @property
    def server_names(self) -> tuple[str, ...]:
        """The names and addresses in the API server's certificate."""
        service = "kubernetes.default"
        names = ("localhost", "kubernetes", service, f"{service}.svc")
        full = f"{service}.svc.cluster.local"
        return (*names, full, "127.0.0.1", SERVICE_IP, NODE_IP, self.link.cluster_ip)


def kubeconfig_of(paths: ClusterPaths, user: str) -> Path:
    """Return the kubeconfig of a component inside the cluster's network."""
    return paths.conf / f"{user}.kubeconfig"


def inside_network(netns: Path) -> list[str]:
    """Return the prefix that runs a command in the cluster's network.

    Not ``ip netns exec``: that remounts /sys and hides the control groups.
    """
    return ["nsenter", f"--net={netns}", "--"]


def inside_sandbox(netns: Path, sandbox_pid: int) -> list[str]:
    """Return the prefix that runs a command in the cluster's network and mounts."""
    return ["nsenter", f"--net={netns}", f"--mount=/proc/{sandbox_pid}/ns/mnt", "--"]


def etcd(layout: Layout) -> list[str]:
    """Return etcd's command line; it does not wait for the disk, as a test cluster may."""
    return [
        str(layout.binaries["etcd"]),
        f"--data-dir={layout.paths.root / 'etcd'}",
        f"--listen-client-urls={ETCD_URL}",
        f"--advertise-client-urls={ETCD_URL}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--quota-backend-bytes=8589934592",
        "--log-level=warn",
    ]


def kube_apiserver(layout: Layout) -> list[str]:
    """Return the API server's command line."""
    pki = layout.paths.pki
    return [
        str(layout.binaries["kube-apiserver"]),
        f"--etcd-servers={ETCD_URL}",
        f"--secure-port={API_PORT}",
        "--bind-address=0.0.0.0",
        # Must not be loopback: it becomes the endpoint of the kubernetes Service.
        f"--advertise-address={NODE_IP}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'sa.pub'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        f"--kubelet-client-certificate={pki / 'apiserver-kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'apiserver-kubelet-client.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        # Without it exec and logs look the node's name up in DNS.
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki / 'ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
        "--shutdown-delay-duration=0s",
    ]


def kube_controller_manager(layout: Layout) -> list[str]:
    """Return the controller manager's command line."""
    kubeconfig = kubeconfig_of(layout.paths, "controller-manager")
    return [
        str(layout.binaries["kube-controller-manager"]),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={layout.paths.pki / 'sa.key'}",
        f"--root-ca-file={layout.paths.pki / 'ca.crt'}",
        f"--cluster-signing-cert-file={layout.paths.pki / 'ca.crt'}",
        f"--cluster-signing-key-file={layout.paths.pki / 'ca.key'}",
        "--use-service-account-credentials",
        f"--cluster-cidr={POD_CIDR}",
        "--allocate-node-cidrs=false",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--horizontal-pod-autoscaler-sync-period=5s",
        "--leader-elect=false",
    ]


def kube_scheduler(layout: Layout) -> list[str]:
    """Return the scheduler's command line."""
    kubeconfig = kubeconfig_of(layout.paths, "scheduler")
    return [
        str(layout.binaries["kube-scheduler"]),
        f"--config={layout.paths.conf / 'scheduler.yaml'}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
    ]


def kubelet(layout: Layout) -> list[str]:
    """Return the kubelet's command line."""
    return [
        str(layout.binaries["kubelet"]),
        f"--config={layout.paths.conf / 'kubelet.yaml'}",
        f"--kubeconfig={kubeconfig_of(layout.paths, 'kubelet')}",
        f"--hostname-override={layout.node}",
        f"--node-ip={NODE_IP}",
    ]


def kube_proxy(layout: Layout) -> list[str]:
    """Return kube-proxy's command line."""
    return [
        str(layout.binaries["kube-proxy"]),
        f"--kubeconfig={kubeconfig_of(layout.paths, 'proxy')}",
        "--proxy-mode=iptables",
        f"--hostname-override={layout.node}",
        f"--cluster-cidr={POD_CIDR}",
        # The connection table's size is the host's business.
        "--conntrack-max-per-core=0",
        "--healthz-bind-address=0.0.0.0:10256",
    ]


def coredns(layout: Layout) -> list[str]:
    """Return CoreDNS's command line."""
    return [str(layout.binaries["coredns"]), "-conf", str(layout.paths.conf / "Corefile")]


def storage(layout: Layout) -> list[str]:
    """Return the storage provisioner's command line; it runs in this very Python."""
    return [
        *(sys.executable, "-m", "cluster.storage"),
        f"--kubeconfig={kubeconfig_of(layout.paths, 'storage')}",
        f"--folder={layout.paths.volumes}",
    ]


def containerd(layout: Layout) -> list[str]:
    """Return containerd's command line."""
    return ["containerd", "-c", str(layout.paths.conf / "containerd.toml")]


COMMANDS = {
    CONTAINERD: containerd,
    "etcd": etcd,
    "kube-apiserver": kube_apiserver,
    "kube-controller-manager": kube_controller_manager,
    "kube-scheduler": kube_scheduler,
    "kubelet": kubelet,
    "kube-proxy": kube_proxy,
    "coredns": coredns,
    "storage": storage,
}
