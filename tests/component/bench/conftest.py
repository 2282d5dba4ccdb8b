"""A fake API server with our kinds, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from builders.fake_api.server import FakeApi
from spectra_operator.engine.keys import AGENTS, PHASES, WORKFLOWS
from spectra_operator.kube.client import AiohttpClient


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        api.register(WORKFLOWS, AGENTS, PHASES)
        yield api


@pytest.fixture
async def client(api: FakeApi) -> AsyncIterator[AiohttpClient]:
    async with AiohttpClient(api.access()) as client:
        yield client
