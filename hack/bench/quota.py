"""A limit of processor time for one process, by a control group of version 1 or 2.

`taskset` would pin an engine to a core that the control plane uses, too; a quota says how much
time it has, wherever it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError

CGROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000
"""Microseconds over which the quota is counted."""


@contextmanager
def limited(pid: int, cpus: float, name: str, root: Path = CGROUPS) -> Iterator[None]:
    """Let a process have so many cores' time until the end of the block; 0 sets no limit.

    The process must have ended, or may be moved, at the end: it goes back to the root group.

    Raises:
        BenchError: The control groups cannot be written.
    """
    if not cpus:
        yield
        return
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
    try:
        yield
    finally:
        _back(pid, whole)
        group.rmdir()


def _files(cpus: float, root: Path) -> tuple[Path, dict[str, str]]:
    """Return the folder of groups and what is written into one, by the version that is there."""
    quota = round(cpus * PERIOD)
    if (root / "cgroup.controllers").exists():
        return root, {"cpu.max": f"{quota} {PERIOD}"}
    return root / "cpu", {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": str(quota)}


def _back(pid: int, whole: Path) -> None:
    try:
        (whole / "cgroup.procs").write_text(str(pid))
    except OSError:
        return  # It has ended.
