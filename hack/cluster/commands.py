"""Running another program to its end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cluster.errors import ClusterError
from cluster.packages import SYSTEM_PATH


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Attributes:
        code: Its exit code.
        output: What it wrote to standard output.
        errors: What it wrote to standard error.
    """

    code: int
    output: str
    errors: str


def attempt(command: Sequence[str], environ: Mapping[str, str] | None = None) -> Outcome:
    """Run a program and tell how it ended; one that can't be started ends with code 127."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    environment = {**os.environ, **(environ or {}), "PATH": path}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    except OSError as error:
        return Outcome(127, "", str(error))
    return Outcome(done.returncode, done.stdout, done.stderr)


def run(command: Sequence[str], environ: Mapping[str, str] | None = None) -> str:
    """Run a program and return its standard output.

    Raises:
        ClusterError: It failed; the message holds the command line and what it wrote.
    """
    done = attempt(command, environ)
    if done.code != 0:
        raise ClusterError(f"{' '.join(command)} failed: {done.errors.strip()}")
    return done.output
