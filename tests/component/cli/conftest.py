"""The program against an API server in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from builders.fake_api.server import FakeApi
from kubectl_spectra.main import program
from spectra_operator.engine.keys import AGENTS, PHASES, WORKFLOWS
from spectra_operator.kube.resources import Resource

ACTIONS = Resource("spectra.dev", "v1alpha1", "actions", "Action")
TEMPLATES = Resource("spectra.dev", "v1alpha1", "workflowtemplates", "WorkflowTemplate")

Run = Callable[..., Coroutine[Any, Any, Result]]


@pytest.fixture
async def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeApi]:
    """A server that the program finds by its kubeconfig."""
    async with FakeApi() as api:
        api.register(AGENTS, PHASES, WORKFLOWS, ACTIONS, TEMPLATES)
        file = tmp_path / "kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": api.url}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
        }
        file.write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(file))
        yield api


@pytest.fixture
def run(api: FakeApi) -> Run:
    """Call the program with words, beside what else happens."""

    async def call(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, program, list(words))

    return call
