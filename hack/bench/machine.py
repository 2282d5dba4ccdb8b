"""Where a benchmark runs, as its report says it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from bench.programs import ROOT
from bench.results import Machine


def this_machine() -> Machine:
    """Return what this machine is and how busy it is now."""
    model = re.search(r"^model name\s*: (.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    total = re.search(r"^MemTotal:\s+(\d+) kB$", _read("/proc/meminfo"), re.MULTILINE)
    return Machine(
        cores=os.cpu_count() or 0,
        model=model[1] if model else platform.machine(),
        memory=int(total[1]) * 1024 if total else 0,
        kernel=platform.release(),
        load=os.getloadavg(),
        commit=_commit(),
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _commit() -> str:
    """Return the short commit of this checkout, with a plus if there are changes beyond it."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip() or "unknown"
