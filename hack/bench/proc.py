"""What the kernel says of a process: processor time and memory."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
KIB = 1024

_MEMORY = re.compile(r"^(VmRSS|VmHWM):\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory that a process has in RAM, in bytes: now, and at most since its start."""

    now: int
    peak: int


def cpu_seconds(pid: int, proc: Path = PROC) -> float:
    """Return the processor time of all threads of a process, those that have ended too."""
    fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def starved_seconds(pid: int, proc: Path = PROC) -> float:
    """Return how long the main thread of a process waited for a core that others had."""
    return int((proc / str(pid) / "schedstat").read_text().split()[1]) / 1e9


def memory(pid: int, proc: Path = PROC) -> Memory:
    """Return the memory of a process."""
    found = dict(_MEMORY.findall((proc / str(pid) / "status").read_text()))
    return Memory(int(found["VmRSS"]) * KIB, int(found["VmHWM"]) * KIB)
