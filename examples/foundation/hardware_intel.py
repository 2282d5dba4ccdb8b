"""Hardware intelligence: what this pod may really use."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from pathlib import Path
from typing import Any

from spectra_agent import Task, task

LIMIT_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
CODEC_MODULES = {"bz2": "_bz2", "lzma": "_lzma", "zlib": "zlib"}
PROBE_BYTES = 4 << 20


@task
def hardware(_task: Task) -> dict[str, Any]:
    """Cores, memory, Python and its codecs, and how fast one core hashes."""
    data = bytes(PROBE_BYTES)
    start = time.perf_counter()
    hashlib.sha256(data).digest()
    seconds = time.perf_counter() - start
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memoryMiB": memory_bytes() // 2**20,
        "machine": platform.machine(),
        "python": platform.python_version(),
        "codecs": [name for name, module in CODEC_MODULES.items() if _can_import(module)],
        "hashMBps": round(PROBE_BYTES / seconds / 1e6, 1),
    }


def memory_bytes() -> int:
    """The smaller of the machine's memory and this container's limit."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits()])


def _limits() -> list[int]:
    texts = [path.read_text().strip() for path in LIMIT_FILES if path.exists()]
    return [int(text) for text in texts if text.isdigit()]


def _can_import(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:
        return False
    return True
