"""What every provider can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cluster.binaries import Builder
from cluster.console import Console
from cluster.paths import ClusterPaths


@dataclass(frozen=True)
class Context:
    """What a provider works with.

    Attributes:
        paths: The cluster's files.
        builder: Builds binaries into the cache.
        console: Where progress goes.
        environ: The environment for child processes.
    """

    paths: ClusterPaths
    builder: Builder
    console: Console
    environ: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """What ``status`` shows.

    Attributes:
        ready: Whether the cluster can be used.
        lines: One line per component or check.
    """

    ready: bool
    lines: tuple[str, ...]


class Provider(Protocol):
    """A way to have a cluster."""

    name: str

    def up(self) -> None:
        """Make the cluster ready, or find it so; the kubeconfig is written when it returns."""

    def down(self) -> None:
        """Remove everything that ``up`` made."""

    def status(self) -> Health:
        """Look at the cluster without changing it."""

    def load_images(self, files: Sequence[Path]) -> None:
        """Make the images in the archives available to pods."""

    def command_prefix(self) -> list[str]:
        """Return what to put before a command that must reach the API server's network."""
