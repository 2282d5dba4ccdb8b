"""The documentation site: it must build without a warning."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import repository as repo

_NO_PROBLEM = ("INFO", "DEBUG")


def check_site() -> list[str]:
    """Return what MkDocs warns of: dead links and anchors, pages that the navigation lacks."""
    return problems_of(repo.ROOT)


def problems_of(root: Path) -> list[str]:
    """Return what MkDocs has against the site that the mkdocs.yml of a folder describes."""
    with tempfile.TemporaryDirectory(prefix="spectra-site-") as target:
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", target],
            cwd=root,
            # The theme's notice on the future of MkDocs is no warning of ours.
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if not done.returncode:
        return []
    lines = (done.stdout + done.stderr).splitlines()
    said = [line for line in lines if line.strip() and not line.startswith(_NO_PROBLEM)]
    return said or [f"mkdocs ended with {done.returncode}"]
