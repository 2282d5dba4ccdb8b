"""Writing a local cluster's certificates and configuration files."""

from __future__ import annotations

import datetime
from pathlib import Path

from cluster import config, metrics, pki
from cluster.components import Layout, kubeconfig_of
from cluster.network import API_PORT, NODE_IP
from cluster.paths import ClusterPaths

COMPONENT_USERS = (
    *("controller-manager", "scheduler", "kubelet", "proxy", "coredns", "storage"),
    metrics.NAME,
)


def snapshotter(mountinfo: str, folder: Path) -> str:
    """Return the snapshotter that works on the folder's file system.

    An overlay can't lie on an overlay, which is what a container's own root usually is.
    """
    best, kind = "", ""
    for line in mountinfo.splitlines():
        fields = line.split()
        point = fields[4]
        inside = point == "/" or folder == Path(point) or str(folder).startswith(f"{point}/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[fields.index("-") + 1]
    return "native" if kind == "overlay" else "overlayfs"


def _credentials(paths: ClusterPaths, user: str) -> config.Credentials:
    return config.Credentials(
        authority=(paths.pki / "ca.crt").read_bytes(),
        certificate=(paths.pki / f"{user}.crt").read_bytes(),
        key=(paths.pki / f"{user}.key").read_bytes(),
    )


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def write_files(layout: Layout) -> None:
    """Write certificates, kubeconfigs and every component's configuration."""
    paths = layout.paths
    leaves = pki.leaves(layout.node, NODE_IP, layout.server_names)
    pki.write(paths.pki, leaves, datetime.datetime.now(datetime.UTC))
    inside = f"https://{NODE_IP}:{API_PORT}"
    for user in COMPONENT_USERS:
        text = config.kubeconfig(paths.name, inside, _credentials(paths, user))
        _write_private(kubeconfig_of(paths, user), text)
    context = f"spectra-local-{paths.name}"
    admin = config.kubeconfig(context, layout.link.server, _credentials(paths, "admin"))
    _write_private(paths.kubeconfig, admin)
    cni_conf = paths.conf / "cni"
    cni_conf.mkdir(exist_ok=True)
    mountinfo = Path("/proc/self/mountinfo").read_text()
    files = {
        "kubelet.yaml": config.kubelet(
            paths.conf, paths.pki, paths.containerd_socket, layout.cgroup_root
        ),
        "scheduler.yaml": config.scheduler(kubeconfig_of(paths, "scheduler")),
        "containerd.toml": config.containerd(
            paths.root / "containerd", paths.run, cni_conf, snapshotter(mountinfo, paths.root)
        ),
        "cni/10-spectra.conflist": config.cni(),
        "Corefile": config.corefile(kubeconfig_of(paths, "coredns")),
        "resolv.conf": config.resolv_conf(),
    }
    for name, text in files.items():
        (paths.conf / name).write_text(text)
