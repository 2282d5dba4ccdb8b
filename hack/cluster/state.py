"""The record of a running cluster: one JSON file, replaced as a whole at every change."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError
from cluster.processes import ProcessId


@dataclass(frozen=True)
class ClusterState:
    """What ``up`` made and ``down`` must remove.

    Attributes:
        provider: ``local``, ``kind`` or ``existing``.
        boot_id: The boot it was made in; process ids mean nothing in another.
        index: The cluster's number on this machine (``local`` alone).
        version: The Kubernetes version.
        processes: Component to process.
        kwok_nodes: How many fake nodes it has.
        sysctls: Host settings as they were, which the kubelet changes.
        folders: Empty host folders made as mount points, to be removed.
    """

    provider: str
    boot_id: str
    index: int = 0
    version: str = ""
    processes: dict[str, ProcessId] = field(default_factory=dict)
    kwok_nodes: int = 0
    sysctls: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def with_process(self, component: str, process: ProcessId) -> ClusterState:
        """Return the state with one component's process replaced."""
        return replace(self, processes={**self.processes, component: process})

    def without(self, components: Collection[str]) -> ClusterState:
        """Return the state without the processes of some components."""
        kept = {name: value for name, value in self.processes.items() if name not in components}
        return replace(self, processes=kept)


def boot_id() -> str:
    """Return the id of the kernel's present boot, or "" where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def encode(state: ClusterState) -> str:
    """Return the state as JSON."""
    return json.dumps(asdict(state), indent=2, sort_keys=True)


def decode(text: str) -> ClusterState:
    """Return the state written by :func:`encode`.

    Raises:
        ClusterError: The text is not such a state.
    """
    try:
        body: dict[str, Any] = json.loads(text)
        processes = {name: ProcessId(**value) for name, value in body.pop("processes").items()}
        folders = tuple(body.pop("folders"))
        return ClusterState(processes=processes, folders=folders, **body)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ClusterError(f"the cluster's state file is damaged ({error!r})") from error


def load(path: Path) -> ClusterState | None:
    """Return the recorded state, or None when there is none.

    Raises:
        ClusterError: The file is damaged.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    return decode(text)


def save(path: Path, state: ClusterState) -> None:
    """Write the state, never leaving half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".tmp")
    scratch.write_text(encode(state))
    scratch.replace(path)
