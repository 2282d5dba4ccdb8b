"""Finding and removing what a local cluster leaves: processes, control groups, mounts, folders."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from cluster.network import HostLink

CGROUPS = Path("/sys/fs/cgroup")


def cgroup_folders(name: str) -> list[Path]:
    """Return every folder of control group ``/name``, in each hierarchy, deepest first."""
    roots = [CGROUPS / name, *(hierarchy / name for hierarchy in _hierarchies())]
    found: list[Path] = []
    for root in roots:
        if root.is_dir():
            # os.walk passes over folders that vanish meanwhile; rglob stops at them.
            found += [Path(folder) for folder, _, _ in os.walk(root)]
    return sorted(set(found), key=lambda path: len(path.parts), reverse=True)


def _hierarchies() -> list[Path]:
    """Return the mount points of version 1 hierarchies, links to them left out."""
    if (CGROUPS / "cgroup.controllers").exists():
        return []
    return [path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()]


def cgroup_pids(folders: Iterable[Path]) -> list[int]:
    """Return the processes inside the control groups, each once."""
    pids: set[int] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            pids |= {int(line) for line in (folder / "cgroup.procs").read_text().split()}
    return sorted(pids)


def make_cgroup(name: str) -> None:
    """Make control group ``/name`` in each hierarchy; the kubelet wants to find its root."""
    if (CGROUPS / "cgroup.controllers").exists():
        (CGROUPS / name).mkdir(exist_ok=True)
        controllers = (CGROUPS / "cgroup.controllers").read_text().split()
        for folder in (CGROUPS, CGROUPS / name):
            for controller in controllers:
                with contextlib.suppress(OSError):
                    (folder / "cgroup.subtree_control").write_text(f"+{controller}")
        return
    for hierarchy in _hierarchies():
        with contextlib.suppress(OSError):
            (hierarchy / name).mkdir(exist_ok=True)
            _inherit_cpuset(hierarchy, hierarchy / name)


def _inherit_cpuset(parent: Path, child: Path) -> None:
    """Copy the processors and memory nodes, without which a cpuset takes no process."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        if (parent / setting).exists():
            (child / setting).write_text((parent / setting).read_text())


def remove_cgroups(folders: Iterable[Path]) -> list[Path]:
    """Remove the control groups, deepest first, and return those that would not go."""
    left = []
    for folder in folders:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            left.append(folder)
    return left


def mounts_under(mountinfo: str, folders: Iterable[Path]) -> list[str]:
    """Return the mount points at or below the folders, the latest first.

    Args:
        mountinfo: The text of ``/proc/self/mountinfo``.
        folders: Where to look.
    """
    prefixes = [str(folder) for folder in folders]
    points = [
        line.split()[4].replace("\\040", " ") for line in mountinfo.splitlines() if line.strip()
    ]
    return [
        point
        for point in reversed(points)
        if any(point == prefix or point.startswith(f"{prefix}/") for prefix in prefixes)
    ]


def host_commands(mounts: Iterable[str], index: int | None) -> list[list[str]]:
    """Return the commands that undo the network and the mounts; each may find nothing to do.

    Args:
        mounts: What is still mounted under the cluster's folders, the pinned namespace too.
        index: The cluster's number on this machine, if it is known.
    """
    link = [] if index is None else [["ip", "link", "delete", HostLink(index).interface]]
    return [*link, *(["umount", "--lazy", mount] for mount in mounts)]
