"""Runs programs to their end."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError

ROOT = Path(__file__).parents[2]
COMMAND_SECONDS = 600.0


def run_program(command: Sequence[str], stdin: str = "") -> str:
    """Run a program from the repository's root and return its standard output.

    Raises:
        BenchError: It failed, or did not end in ten minutes.
    """
    words = " ".join(command)
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"no end within {COMMAND_SECONDS:.0f} s: {words}") from None
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise BenchError(f"exit code {done.returncode} from {words}\n{said}")
    return done.stdout
