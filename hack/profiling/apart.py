"""Measures in a process of its own, whose hashes have a fixed seed and whose world is played."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bench.programs import ROOT
from profiling.errors import ProfileError

SECONDS = 600.0
T = TypeVar("T")


def told(module: Sequence[str], read: Callable[[Any], T], late: str) -> T:
    """Return what a module tells as JSON.

    Args:
        module: Its name and its arguments.
        read: Makes it of the JSON; raises ValueError for what it cannot be made of.
        late: What to do if it takes too long.

    Raises:
        ProfileError: It failed.
    """
    what = module[-1].rpartition(".")[2]
    path = os.pathsep.join(filter(None, (str(ROOT / "tests"), os.environ.get("PYTHONPATH"))))
    try:
        done = subprocess.run(
            [sys.executable, "-m", *module],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProfileError(f"{what}: not done in {SECONDS:.0f} s; {late}") from None
    if done.returncode:
        raise ProfileError(f"{what}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    try:
        return read(json.loads(done.stdout))
    except ValueError as error:
        said = done.stdout.strip()[-500:] or "nothing"
        raise ProfileError(f"{what}: {error}; it printed {said}") from None
