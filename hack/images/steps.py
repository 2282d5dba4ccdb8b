"""Running programs, and making sure that they are there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence

from images.errors import StepFailedError, ToolMissingError

Run = Callable[[Sequence[str]], str]
"""Runs a command to its end and gives its standard output."""

LAST_LINES = 30


def run(command: Sequence[str]) -> str:
    """Run a command quietly.

    Raises:
        StepFailedError: It ended with an error; what it said last is in the text.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
        raise StepFailedError(f"exit code {done.returncode} from: {' '.join(command)}\n{said}")
    return done.stdout


def succeeds(command: Sequence[str], run_step: Run = run) -> bool:
    """Whether a command can be run and ends well."""
    try:
        run_step(command)
    except (StepFailedError, OSError):
        return False
    return True


def ensure_debian_packages(
    programs: Sequence[str],
    run_step: Run = run,
    which: Callable[[str], str | None] = shutil.which,
    user_id: Callable[[], int] = os.geteuid,
) -> None:
    """Install the packages that carry the programs' own names, where that is possible.

    Raises:
        ToolMissingError: It is not possible here; the text is the command that fixes it.
    """
    missing = [program for program in programs if which(program) is None]
    if not missing:
        return
    fix = f"apt-get update && apt-get install -y {' '.join(missing)}"
    if which("apt-get") is None or user_id() != 0:
        raise ToolMissingError(f"{', '.join(missing)} not found; as root on Debian: {fix}")
    run_step(["apt-get", "update", "-qq"])
    run_step(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing])
