"""The program, called as from a shell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from kubectl_spectra.main import program

Run = Callable[..., Result]
Write = Callable[..., str]

NOWHERE = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "nowhere",
    "clusters": [{"name": "nowhere", "cluster": {"server": "https://127.0.0.1:9"}}],
    "users": [{"name": "nobody", "user": {}}],
    "contexts": [
        {"name": "nowhere", "context": {"cluster": "nowhere", "user": "nobody", "namespace": "x"}}
    ],
}
"""A kubeconfig of a cluster that never answers: nothing listens at that port."""


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig whose cluster is not there; it is the one in use."""
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(NOWHERE))
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.delenv("SPECTRA_DEBUG", raising=False)
    return file


@pytest.fixture
def run(nowhere: Path) -> Run:
    """Call the program with words, and standard input if `stdin` is given."""

    def call(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(program, list(words), input=stdin)

    return call


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write objects into a file and return its name."""

    def save(*bodies: Any, name: str = "flow.yaml") -> str:
        file = tmp_path / name
        file.write_text(yaml.safe_dump_all(bodies))
        return str(file)

    return save
