"""The Python packages: wheel and source archive of operator and command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from release.errors import ReleaseError


def build(root: Path, target: Path, epoch: int) -> list[Path]:
    """Build wheel and source archive into a folder, by the locked build backend.

    Raises:
        ReleaseError: The backend refused.
    """
    kinds = ["-t", "wheel", "-t", "sdist"]
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *kinds, "-d", str(target)],
        cwd=root,
        # The backend takes all times from this variable, and then writes the same bytes again.
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ReleaseError(f"the Python packages could not be built: {done.stderr.strip()}")
    return sorted(target.glob("spectra_operator-*"))
