"""The operator as its image has it: the locked dependencies and no others.

The environment of the developers has more, which changes what a start takes and how much memory
is used: kopf, for one, loads every client of Kubernetes that it finds.
"""

from __future__ import annotations

import shutil
import sys
from functools import cache
from pathlib import Path

from bench.programs import ROOT, run_program

FOLDER = ROOT / "build" / "shipped"
LOCK = "requirements.lock"


@cache
def shipped_python() -> Path:
    """Return the Python of an environment like the image's, with the operator as it is now.

    The dependencies are installed once for each lock file, the operator every time.

    Raises:
        BenchError: It could not be installed.
    """
    python, stamp = FOLDER / "bin" / "python", FOLDER / LOCK
    if not _is_current(stamp):
        run_program([sys.executable, "-m", "venv", "--clear", "--without-pip", str(FOLDER)])
        _install(python, "--require-hashes", "-r", LOCK)
        stamp.write_text(_wanted())
    wheels = FOLDER / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), ".")
    (wheel,) = wheels.iterdir()
    _install(python, "--no-deps", "--force-reinstall", "--no-index", str(wheel))
    return python


def _is_current(stamp: Path) -> bool:
    return stamp.exists() and stamp.read_text() == _wanted()


def _wanted() -> str:
    return f"# {sys.version}\n{(ROOT / LOCK).read_text()}"


def _install(python: Path, *arguments: str) -> None:
    _pip("--python", str(python), "install", *arguments)


def _pip(*arguments: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    run_program([sys.executable, "-m", "pip", *quiet, *arguments])
