"""A copy of this checkout with everything committed, in which its tools run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from builders.releases import commit
from checks import repository as repo


@dataclass(frozen=True)
class Checkout:
    """A repository of its own with the files of this one.

    Attributes:
        root: Where it is.
    """

    root: Path

    @property
    def env(self) -> dict[str, str]:
        """An environment in which the tools are those of the copy."""
        folders = [str(self.root / name) for name in ("hack", "operator", "cli", "agent")]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}

    def make(self, *words: str) -> str:
        """Run `make`; returns what it prints."""
        # The environment is this checkout's own, and must not be installed anew from the copy.
        command = ["make", "--old-file=.venv/.installed", *words]
        done = subprocess.run(
            command, cwd=self.root, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def copy_to(root: Path) -> Checkout:
    """Copy the files that Git tracks or would add, as they are now, and commit them."""
    for path in repo.tracked_files():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(repo.ROOT / path, root / path)
    commit(root)
    (root / ".venv").symlink_to(sys.prefix)
    (root / ".git/info/exclude").write_text(".venv\n")
    return Checkout(root)
