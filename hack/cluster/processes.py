"""Starting, recognising and ending processes that outlive this command.

A process is known by its id and its start time, so an id that the kernel gave to somebody
else later is never mistaken for ours.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
POLL_SECONDS = 0.02
KILL_SECONDS = 10.0


@dataclass(frozen=True)
class ProcessId:
    """A process that can't be confused with a later one.

    Attributes:
        pid: The kernel's number.
        started: The start time, in clock ticks since boot.
    """

    pid: int
    started: int


def parse_start_ticks(stat: str) -> int | None:
    """Return the start time in a ``/proc/PID/stat`` line, or None for a dead process's line."""
    fields = stat.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in {"Z", "X"}:
        return None
    return int(fields[19])


def start_ticks(pid: int) -> int | None:
    """Return when a live process started, or None when there is none (or a zombie)."""
    try:
        return parse_start_ticks((PROC / str(pid) / "stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(process: ProcessId) -> bool:
    """Tell whether this very process runs."""
    return start_ticks(process.pid) == process.started


def spawn(command: Sequence[str], log: Path, environ: dict[str, str]) -> ProcessId:
    """Start a process in a session of its own, its output appended to ``log``."""
    with log.open("ab") as sink:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=environ,
            cwd="/",
            start_new_session=True,
        )
    # It is not waited for on purpose: it outlives this command.
    child.returncode = 0
    return ProcessId(child.pid, start_ticks(child.pid) or 0)


def identify(pids: Iterable[int]) -> list[ProcessId]:
    """Return those of ``pids`` that are alive, with their start times."""
    found = [(pid, start_ticks(pid)) for pid in pids]
    return [ProcessId(pid, started) for pid, started in found if started is not None]


def pids_in_network(netns: Path) -> list[int]:
    """Return the processes inside the network namespace that the file ``netns`` pins."""
    try:
        wanted = netns.stat()
    except FileNotFoundError:
        return []
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            namespace = (entry / "ns" / "net").stat()
            if (namespace.st_ino, namespace.st_dev) == (wanted.st_ino, wanted.st_dev):
                found.append(int(entry.name))
    return found


def _kill(process: ProcessId) -> None:
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def _reap(processes: Iterable[ProcessId]) -> None:
    """Collect those that are our own children, which else stay as zombies until we exit."""
    for process in processes:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)


def kill(processes: Sequence[ProcessId]) -> list[ProcessId]:
    """Kill the processes, wait until they are gone, and return those that don't go.

    They are not asked first: what they would save is deleted next.
    """
    for process in processes:
        _kill(process)
    deadline = time.monotonic() + KILL_SECONDS
    while True:
        _reap(processes)
        left = [process for process in processes if is_alive(process)]
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(POLL_SECONDS)
