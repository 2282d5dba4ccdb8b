"""The cluster's private view of the host's folders.

containerd, its shims, the kubelet and CNI plugins write to fixed places. A mount namespace in
which these places are the cluster's own folders keeps clusters apart, and every mount made in
it disappears with its last process. A sleeping process holds it open.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from cluster.components import inside_network
from cluster.errors import ComponentFailed
from cluster.paths import ClusterPaths
from cluster.processes import ProcessId, start_ticks

READY = "ready"


def private_folders(paths: ClusterPaths) -> dict[Path, Path]:
    """Return the host's folder to the cluster's folder that takes its place."""
    return {
        Path("/var/lib/kubelet"): paths.root / "kubelet",
        Path("/var/lib/cni"): paths.root / "cni",
        Path("/var/log/pods"): paths.logs / "pods",
        Path("/var/log/containers"): paths.logs / "containers",
        # The shims' sockets: their names are long, so this path must be short.
        Path("/run/containerd"): paths.run / "shims",
    }


def script(folders: dict[Path, Path]) -> str:
    """Return the shell script that takes the private view, says so, and holds it open."""
    lines = ["set -e", "mount --make-rshared /"]
    for place, own in folders.items():
        lines.append(f"mount --bind {shlex.quote(str(own))} {shlex.quote(str(place))}")
    lines += [f"echo {READY}", "exec sleep infinity > /dev/null 2>&1"]
    return "\n".join(lines)


def start(paths: ClusterPaths, environ: dict[str, str]) -> ProcessId:
    """Start the process that holds the cluster's mounts, and wait until they are made.

    Raises:
        ComponentFailed: A mount was refused.
    """
    folders = private_folders(paths)
    unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script(folders)]
    log = paths.log("sandbox")
    with log.open("ab") as sink:
        child = subprocess.Popen(
            [*inside_network(paths.netns), *unshare],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            env=environ,
            cwd="/",
            start_new_session=True,
        )
    assert child.stdout is not None
    line = child.stdout.readline().decode().strip()
    child.stdout.close()
    if line != READY:
        raise ComponentFailed(f"the cluster's private mounts could not be made; see {log}")
    started = start_ticks(child.pid)
    child.returncode = 0  # It outlives this command, so it is not waited for.
    return ProcessId(child.pid, started or 0)
