"""The folders behind volumes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from cluster.errors import ClusterError

NAME_PATTERN = re.compile(r"pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A hostPath is not given to the pod's fsGroup, so every user must be able to write.
MODE = 0o777


def make(folder: Path, name: str) -> None:
    """Make the folder of a volume; one that is there already keeps its content.

    Raises:
        ClusterError: The name is not one of ours.
        OSError: The folder can't be made.
    """
    place = _place(folder, name)
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(MODE)


def erase(folder: Path, name: str) -> None:
    """Remove the folder of a volume with its content; one that is gone already is well.

    Raises:
        ClusterError: The name is not one of ours.
        OSError: The folder can't be removed, as when a container still writes to it.
    """
    place = _place(folder, name)
    if place.exists():
        shutil.rmtree(place)


def _place(folder: Path, name: str) -> Path:
    # Anyone who may write volumes chooses their names, and we remove as root.
    if not NAME_PATTERN.fullmatch(name):
        raise ClusterError(f"PersistentVolume {name!r}: not the name of a volume of this cluster")
    return folder / name
