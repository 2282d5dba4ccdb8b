"""What a local cluster changes on the machine itself, and undoing it.

Clusters share these things, so the first one records them as they were, the others take over
its record, and the last one to go restores them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster import state as states
from cluster.errors import ClusterError
from cluster.paths import ClusterPaths
from cluster.state import ClusterState

# Settings of the whole machine that the kubelet changes.
KUBELET_SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
)
SETTINGS = Path("/proc/sys")
INTERFACES = Path("/sys/class/net")
INTERFACE_PREFIX = "spectra"


def other_clusters(paths: ClusterPaths) -> list[ClusterState]:
    """Return the records of this user's other local clusters; damaged ones are left out."""
    found = []
    for file in sorted(paths.root.parent.glob("*/state.json")):
        if file == paths.state_file:
            continue
        try:
            state = states.load(file)
        except ClusterError:
            continue
        if state is not None and state.provider == "local":
            found.append(state)
    return found


def taken_indexes(others: Sequence[ClusterState], interfaces: Sequence[str]) -> set[int]:
    """Return the cluster numbers in use, by records and by the machine's interfaces."""
    numbers = [name.removeprefix(INTERFACE_PREFIX) for name in interfaces]
    return {state.index for state in others} | {int(text) for text in numbers if text.isdigit()}


def interfaces() -> list[str]:
    """Return the names of the machine's network interfaces."""
    return sorted(entry.name for entry in INTERFACES.iterdir())


def settings(others: Sequence[ClusterState]) -> dict[str, str]:
    """Return the kubelet's settings as they were before the first cluster."""
    if others:
        return others[0].sysctls
    files = {name: SETTINGS / name for name in KUBELET_SETTINGS}
    return {name: file.read_text().strip() for name, file in files.items() if file.exists()}


def restore_settings(before: Mapping[str, str]) -> None:
    """Write back those settings that changed."""
    for name, value in before.items():
        file = SETTINGS / name
        if file.exists() and file.read_text().strip() != value:
            file.write_text(value)


def make_folders(folders: Mapping[Path, Path]) -> tuple[str, ...]:
    """Make mount points and what is mounted there.

    Args:
        folders: The machine's folder to the cluster's folder that takes its place.

    Returns:
        The machine's folders that were not there before, the outermost first.
    """
    made: list[str] = []
    for place, own in folders.items():
        own.mkdir(parents=True, exist_ok=True)
        absent = [path for path in (place, *place.parents) if not path.exists()]
        place.mkdir(parents=True, exist_ok=True)
        made += [str(path) for path in reversed(absent)]
    return tuple(made)


def remove_folders(folders: Sequence[str]) -> None:
    """Remove those of the folders that are empty.

    Only for the last cluster: removing a mount point unmounts it for every other.
    """
    for folder in map(Path, reversed(folders)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def is_namespace(file: Path) -> bool:
    """Tell whether a namespace is pinned at ``file``, and not just an ordinary file there."""
    try:
        return file.stat().st_dev == Path("/proc/self/ns/net").stat().st_dev
    except FileNotFoundError:
        return False
