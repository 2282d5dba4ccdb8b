"""What an image is made of: Debian's packages and Python's, read from its files."""

from __future__ import annotations

import email.parser
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from release import oci

_ENVIRONMENT = "opt/spectra/"
_STATUS = "var/lib/dpkg/status"
_SYSTEM = ("etc/os-release", "usr/lib/os-release")
_WANTED = (_STATUS, *_SYSTEM, "*/*-packages/*.dist-info/METADATA")
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
"""Says that nothing is left of what lower layers have in its folder."""
_CLASSIFIER = "License :: OSI Approved :: "
_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "ISC License": "ISC",
    "MIT License": "MIT",
}
"""Names that packages give, and that mean one licence only."""
_LONGEST_NAME = 60
"""Some packages put a licence's whole text where its name belongs."""


@dataclass(frozen=True, order=True)
class DebianPackage:
    """A package that dpkg has installed.

    Attributes:
        name: The binary package.
        version: With Debian's revision.
        architecture: Such as `amd64` or `all`.
        source: The source package, where security notices are filed.
    """

    name: str
    version: str
    architecture: str
    source: str


@dataclass(frozen=True, order=True)
class PythonPackage:
    """A distribution in a `site-packages` folder.

    Attributes:
        name: Normalised, as in a lock file.
        version: As its metadata says.
        licence: An SPDX expression, or what the package calls it; empty when it does not say.
        ours: Whether it is in the environment that is made from the lock file; what a base image
            brings, such as its pip, is not.
    """

    name: str
    version: str
    licence: str
    ours: bool = True


@dataclass(frozen=True)
class Contents:
    """What an image is made of.

    Attributes:
        system: Identifier and version of the distribution, as `debian-12`; empty when unknown.
        interpreter: Version of a Python that is no package of the distribution; else empty.
        debian: The system's packages, by name.
        python: Python's packages, by name.
    """

    system: str
    interpreter: str
    debian: tuple[DebianPackage, ...]
    python: tuple[PythonPackage, ...]


def normalised(name: str) -> str:
    """Return a Python package's name as lock files write it."""
    return name.lower().replace("_", "-").replace(".", "-")


def of(layout: oci.Layout) -> Contents:
    """Return what an image holds."""
    files: dict[str, str] = {}
    for layer in layout.layers:
        _lay(files, layer)
    python = {
        python_package(text, ours=name.startswith(_ENVIRONMENT))
        for name, text in files.items()
        if name.endswith("/METADATA")
    }
    system = next((files[name] for name in reversed(_SYSTEM) if name in files), "")
    debian = debian_packages(files.get(_STATUS, ""))
    return Contents(_system(system), _interpreter(layout), debian, tuple(sorted(python)))


def debian_packages(status: str) -> tuple[DebianPackage, ...]:
    """Return the installed packages in the text of dpkg's status file, by name."""
    stanzas = (_headers(stanza) for stanza in status.split("\n\n") if stanza.strip())
    return tuple(
        sorted(
            DebianPackage(
                fields["package"],
                fields["version"],
                fields["architecture"],
                fields.get("source", fields["package"]).split()[0],
            )
            for fields in stanzas
            if fields.get("status", "").endswith(" installed")
        )
    )


def python_package(metadata: str, *, ours: bool = True) -> PythonPackage:
    """Return a distribution by the text of its METADATA file."""
    fields = email.parser.HeaderParser().parsestr(metadata)
    classifiers = fields.get_all("Classifier", [])
    classified = (c.removeprefix(_CLASSIFIER) for c in classifiers if c.startswith(_CLASSIFIER))
    free_text = fields["License"] or ""
    named = free_text if len(free_text) <= _LONGEST_NAME and "\n" not in free_text else ""
    licence = fields["License-Expression"] or named or next(classified, "")
    name = normalised(fields["Name"])
    return PythonPackage(name, fields["Version"], _SPDX.get(licence, licence), ours)


def _lay(files: dict[str, str], layer: bytes) -> None:
    """Lay a layer over the files seen so far: what it has is added, what it deletes goes."""
    with oci.open_layer(layer) as archive:
        entries = {posixpath.normpath(entry.name).lstrip("/"): entry for entry in archive}
        # What a layer deletes is only ever of the layers below it, in whichever order it says so.
        for path in entries:
            _delete(files, path)
        for path, entry in entries.items():
            if entry.isreg() and any(fnmatchcase(path, pattern) for pattern in _WANTED):
                file = archive.extractfile(entry)
                files[path] = file.read().decode(errors="replace") if file else ""


def _delete(files: dict[str, str], path: str) -> None:
    """Take away what an entry of a layer deletes; most delete nothing."""
    folder, name = posixpath.split(path)
    if not name.startswith(_WHITEOUT):
        return
    gone = folder if name == _OPAQUE else posixpath.join(folder, name.removeprefix(_WHITEOUT))
    for each in [each for each in files if each == gone or each.startswith(f"{gone}/")]:
        del files[each]


def _headers(stanza: str) -> Mapping[str, str]:
    fields = (line.partition(": ") for line in stanza.splitlines() if not line.startswith(" "))
    return {name.lower().rstrip(":"): value.strip() for name, _, value in fields}


def _interpreter(layout: oci.Layout) -> str:
    """The official Python image compiles its own, and says which in its environment."""
    pairs = (line.partition("=") for line in layout.config.get("config", {}).get("Env") or ())
    return next((value for name, _, value in pairs if name == "PYTHON_VERSION"), "")


def _system(os_release: str) -> str:
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    parts = [fields.get(name, "").strip('"') for name in ("ID", "VERSION_ID")]
    return "-".join(part for part in parts if part)
