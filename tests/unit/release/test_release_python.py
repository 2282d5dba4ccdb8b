"""Wheel and source archive are built by the locked backend."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from release import python
from release.errors import ReleaseError

EPOCH = 1_700_000_000
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "spectra-operator"
version = "1.2.3"
requires-python = ">=3.11"
"""


def a_project(root: Path) -> Path:
    (root / "spectra_operator").mkdir(parents=True)
    (root / "spectra_operator" / "__init__.py").write_text('"""All of it."""\n')
    (root / "pyproject.toml").write_text(PROJECT)
    return root


def test_both_packages_are_built_and_are_of_the_time_of_the_commit(tmp_path: Path) -> None:
    wheel, source = python.build(a_project(tmp_path / "root"), tmp_path / "out", EPOCH)

    assert (source.name, wheel.name) == (
        "spectra_operator-1.2.3.tar.gz",
        "spectra_operator-1.2.3-py3-none-any.whl",
    )
    with tarfile.open(source) as archive:
        assert {entry.mtime for entry in archive} == {EPOCH}
    with zipfile.ZipFile(wheel) as archive:
        assert {entry.date_time[:3] for entry in archive.infolist()} == {(2023, 11, 14)}


def test_a_project_that_cannot_be_built_is_told_of_with_the_backends_words(tmp_path: Path) -> None:
    root = a_project(tmp_path / "root")
    (root / "pyproject.toml").write_text(PROJECT.replace('version = "1.2.3"\n', ""))

    with pytest.raises(ReleaseError, match=r"packages could not be built: [\s\S]*version"):
        python.build(root, tmp_path / "out", EPOCH)
