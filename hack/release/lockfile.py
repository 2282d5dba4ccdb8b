"""The lock file: which files of a package pip would have taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from release.contents import PythonPackage, normalised
from release.errors import ReleaseError

Locked = Mapping[tuple[str, str], tuple[str, ...]]
"""SHA-256 sums of a package's files, each 64 hex digits, by its name and version."""

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def read(text: str) -> Locked:
    """Return what a lock file pins."""
    found: dict[tuple[str, str], list[str]] = {}
    sums: list[str] = []
    for line in text.splitlines():
        if pin := _PIN.match(line):
            sums = found.setdefault((normalised(pin["name"]), pin["version"]), [])
        sums += _HASH.findall(line)
    return {pin: tuple(sums) for pin, sums in found.items()}


def refuse_unlocked(installed: Iterable[PythonPackage], locked: Locked, image: str) -> None:
    """Refuse an image with a package that is not as the lock file has it.

    Raises:
        ReleaseError: It has one.
    """
    strange = [f"{p.name} {p.version}" for p in installed if (p.name, p.version) not in locked]
    if strange:
        raise ReleaseError(
            f"the image {image} has {', '.join(strange)}, which requirements.lock does not: "
            f"it was built from something else; run `make images`"
        )
