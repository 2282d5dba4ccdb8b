"""The configuration files of the components, as pure functions of a few values."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cluster.network import BRIDGE, NODE_IP, POD_CIDR

PAUSE_IMAGE = "docker.io/local/pause:v0"
MAX_PODS = 250


@dataclass(frozen=True)
class Credentials:
    """PEM texts of a kubeconfig's user."""

    authority: bytes
    certificate: bytes
    key: bytes


def kubeconfig(name: str, server: str, credentials: Credentials) -> str:
    """Return a kubeconfig with one context, and its credentials inside."""

    def encoded(content: bytes) -> str:
        return base64.b64encode(content).decode()

    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": encoded(credentials.authority),
                },
            }
        ],
        "users": [
            {
                "name": name,
                "user": {
                    "client-certificate-data": encoded(credentials.certificate),
                    "client-key-data": encoded(credentials.key),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    return yaml.safe_dump(body, sort_keys=False)


def kubelet(conf: Path, pki: Path, socket: Path, cgroup_root: str) -> str:
    """Return the kubelet's configuration."""
    body: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{socket}",
        "address": "0.0.0.0",
        "healthzBindAddress": "0.0.0.0",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet.key"),
        "cgroupDriver": "cgroupfs",
        # A root of its own: two kubelets under one root would end each other's pods.
        "cgroupRoot": cgroup_root,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "clusterDomain": "cluster.local",
        "clusterDNS": [NODE_IP],
        "resolvConf": str(conf / "resolv.conf"),
        "volumePluginDir": str(conf / "volume-plugins"),
        "maxPods": MAX_PODS,
        # Tests kill operators one after the other; each is to be back at once.
        "featureGates": {"KubeletCrashLoopBackOffMax": True},
        "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"},
        "registryPullQPS": 0,
        # An image that nobody has takes a while to fail; others must not wait for that.
        "serializeImagePulls": False,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "eventRecordQPS": 100,
        "eventBurst": 200,
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
        # Images can't be pulled again, so a full disk must never remove one.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "64Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
    }
    return yaml.safe_dump(body, sort_keys=False)


def scheduler(kubeconfig_path: Path) -> str:
    """Return the scheduler's configuration, without a brake on its own API client."""
    body = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig_path), "qps": 5000, "burst": 10000},
        "leaderElection": {"leaderElect": False},
    }
    return yaml.safe_dump(body, sort_keys=False)


def containerd(root: Path, run: Path, cni_conf: Path, snapshotter: str) -> str:
    """Return the configuration of the cluster's own containerd."""
    return f"""\
version = 2
root = "{root}"
state = "{run}/containerd"

[plugins."io.containerd.internal.v1.opt"]
  path = "{root}/opt"

[grpc]
  address = "{run}/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE runc can't lower a score, and pods would not start.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni_conf}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def cni() -> str:
    """Return the pod network: a bridge, addresses from one range, and host ports."""
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_CIDR, "rangeStart": "10.244.0.10"}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    body = {
        "cniVersion": "0.4.0",
        "name": "spectra",
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }
    return json.dumps(body, indent=2)


def corefile(kubeconfig_path: Path) -> str:
    """Return CoreDNS's configuration: cluster names, and nothing beyond."""
    return f""".:53 {{
    bind {NODE_IP}
    errors
    health :8080
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig_path}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 5
    }}
    cache 5
    loop
    reload
}}
"""


def resolv_conf() -> str:
    """Return the resolver file that pods with ``dnsPolicy: Default`` get."""
    return f"nameserver {NODE_IP}\n"
