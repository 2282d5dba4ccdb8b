"""Programs of Debian packages that tests need, unpacked into the cache.

Nothing is installed: an installed server would be started as a service, and needs root.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import packages
from cluster.commands import attempt
from cluster.console import Console
from cluster.errors import MissingProgram
from cluster.lock import locked

# A program, its package, and where that has it. It must need nothing but the C library.
PROGRAMS: Mapping[str, tuple[str, str]] = {
    "prometheus": ("prometheus", "usr/bin/prometheus"),
    "promtool": ("prometheus", "usr/bin/promtool"),
}
APT_OPTIONS = (
    *("-o", "APT::Sandbox::User=root"),  # its usual user may not write to our folder
    *("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"),
)


@dataclass(frozen=True)
class Unpacker:
    """Unpacks programs into a cache.

    Attributes:
        cache: The cache's root folder.
        console: Where progress goes.
    """

    cache: Path
    console: Console

    def find(self, program: str) -> Path | None:
        """Return where a program is, installed or unpacked, or None."""
        installed = packages.find(program)
        if installed is not None:
            return Path(installed)
        unpacked = self._path(program)
        return unpacked if unpacked.exists() else None

    def ensure(self, program: str) -> Path:
        """Return where a program is, unpacking its Debian package if it is missing.

        Raises:
            MissingProgram: It can't be downloaded or unpacked here.
        """
        found = self.find(program)
        if found is not None:
            return found
        path = self._path(program)
        path.parent.mkdir(parents=True, exist_ok=True)

        def waiting(who: str) -> None:
            self.console.say(f"waiting for {who}")

        with locked(path.parent / ".lock", f"pid {os.getpid()} (unpacks {program})", waiting):
            if not path.exists():
                self._unpack(program, path)
        return path

    def _path(self, program: str) -> Path:
        return self.cache / "unpacked" / program / program

    def _unpack(self, program: str, path: Path) -> None:
        """Unpack a program and what else its package has."""
        package, _ = PROGRAMS[program]
        self.console.say(f"downloading the Debian package {package} (once per machine)")
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            deb = _download(package, Path(scratch))
            done = attempt(["dpkg-deb", "-x", str(deb), scratch])
            for name, inside in ((n, i) for n, (p, i) in PROGRAMS.items() if p == package):
                unpacked = Path(scratch) / inside
                if done.code != 0 or not unpacked.exists():
                    raise _missing(name, f"{deb.name} can't be unpacked: {done.errors}")
                self._path(name).parent.mkdir(parents=True, exist_ok=True)
                unpacked.replace(self._path(name))


def _download(package: str, folder: Path) -> Path:
    """Download a package; where apt does not know it yet, after an update of its lists."""
    script = 'cd "$1" && shift && apt-get download -q "$@"'
    download = ["sh", "-c", script, "sh", str(folder), *APT_OPTIONS, package]
    done = attempt(download)
    if done.code != 0:
        attempt(["apt-get", "update", "-q", *APT_OPTIONS])
        done = attempt(download)
    found = next(folder.glob("*.deb"), None)
    if done.code != 0 or found is None:
        raise _missing(package, (done.output + done.errors).strip()[-800:])
    return found


def _missing(program: str, why: str) -> MissingProgram:
    return MissingProgram(
        f"{program} is not on PATH, and its Debian package can't be had: go online, "
        f"run apt-get update as root, or install {program} by other means\n{why}"
    )
