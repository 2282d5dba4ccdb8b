"""The documentation site: it must build without a warning."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from checks import repository as repo


def check_site() -> list[str]:
    """Return what MkDocs warns of: dead links and anchors, pages that the navigation lacks."""
    with tempfile.TemporaryDirectory(prefix="spectra-site-") as target:
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
        done = subprocess.run(
            [*command, "--site-dir", target],
            cwd=repo.ROOT,
            # The theme's notice on the future of MkDocs is no warning of ours.
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return said * bool(done.returncode)
