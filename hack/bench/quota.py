"""A limit of processor time for one process, by a control group of version 1 or 2.

`taskset` would pin an engine to a core that the control plane uses, too; a quota says how much
time it has, wherever it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.errors import BenchError

CGROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000
"""Microseconds over which the quota is counted."""


@contextmanager
def limited(pid: int, cpus: float, name: str, root: Path = CGROUPS) -> Iterator[None]:
    """Let a process have so many cores' time until the end of the block; 0 sets no limit.

    Raises:
        BenchError: The control groups cannot be written.
    """
    if not cpus:
        yield
        return
    group = join(pid, cpus, name, root)
    try:
        yield
    finally:
        leave(pid, group)


def join(pid: int, cpus: float, name: str, root: Path) -> Path:
    """Put a process into a new group with a quota, and return the group's folder.

    Raises:
        BenchError: The control groups cannot be written.
    """
    whole, files = _files(cpus, root)
    group = whole / name
    try:
        group.mkdir(exist_ok=True)
        for file, text in files.items():
            (group / file).write_text(text)
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        said = f"{group}: {error}; run as root where control groups may be written, or without"
        raise BenchError(f"no CPU quota: {said} --cpus") from error
    return group


def leave(pid: int, group: Path) -> None:
    """Put a process back and remove its group."""
    # It may have ended.
    with suppress(OSError):
        (group.parent / "cgroup.procs").write_text(str(pid))
    group.rmdir()


def _files(cpus: float, root: Path) -> tuple[Path, dict[str, str]]:
    """Return the folder of groups and what is written into one, by the version that is there."""
    quota = round(cpus * PERIOD)
    if (root / "cgroup.controllers").exists():
        return root, {"cpu.max": f"{quota} {PERIOD}"}
    return root / "cpu", {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": str(quota)}
