"""Where the tool keeps things: the binary cache, a cluster's state, and its sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


def cache_root(environ: Mapping[str, str]) -> Path:
    """Return the folder of built binaries, images and schemas, shared by all clusters."""
    if "SPECTRA_CACHE" in environ:
        return Path(environ["SPECTRA_CACHE"])
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "/root")) / ".cache")
    return Path(base) / "spectra"


def state_root(environ: Mapping[str, str]) -> Path:
    """Return the folder under which each cluster has a folder of its own."""
    if "SPECTRA_STATE" in environ:
        return Path(environ["SPECTRA_STATE"])
    home = Path(environ.get("HOME", "/root"))
    base = environ.get("XDG_STATE_HOME") or str(home / ".local" / "state")
    return Path(base) / "spectra"


@dataclass(frozen=True)
class ClusterPaths:
    """The files of one cluster.

    Attributes:
        name: The cluster's name.
        root: Everything that survives a reboot: certificates, configuration, data, logs.
        run: Sockets and the pinned network namespace. Short, as a Unix socket's path
            has at most 107 bytes.
    """

    name: str
    root: Path
    run: Path

    @property
    def logs(self) -> Path:
        """The folder with one log file per component."""
        return self.root / "logs"

    @property
    def pki(self) -> Path:
        """The folder of certificates and keys."""
        return self.root / "pki"

    @property
    def conf(self) -> Path:
        """The folder of rendered configuration files."""
        return self.root / "conf"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, for clients on the host."""
        return self.root / "kubeconfig"

    @property
    def state_file(self) -> Path:
        """The record of what runs."""
        return self.root / "state.json"

    @property
    def lock_file(self) -> Path:
        """The lock of commands that change this cluster; outside root, which ``down`` removes."""
        return self.root.parent / f"{self.name}.lock"

    @property
    def volumes(self) -> Path:
        """The folder with one folder per persistent volume."""
        return self.root / "volumes"

    @property
    def netns(self) -> Path:
        """The file that pins the cluster's network namespace."""
        return self.run / "netns"

    @property
    def containerd_socket(self) -> Path:
        """The socket of the cluster's own containerd."""
        return self.run / "containerd.sock"

    def log(self, component: str) -> Path:
        """Return the log file of a component."""
        return self.logs / f"{component}.log"


def cluster_paths(name: str, environ: Mapping[str, str]) -> ClusterPaths:
    """Return the paths of the cluster called ``name``."""
    root = state_root(environ) / "clusters" / name
    return ClusterPaths(name=name, root=root, run=Path("/run") / f"spectra-{name}")


def remove_traces(paths: ClusterPaths) -> None:
    """Remove a cluster's lock file, and the folders above it that are empty then.

    To be called by the lock's holder.
    """
    paths.lock_file.unlink(missing_ok=True)
    for folder in (paths.root.parent, paths.root.parent.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
