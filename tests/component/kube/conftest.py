"""A fake server and a client of it for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from builders.fake_api.bodies import WIDGETS
from builders.fake_api.server import FakeApi
from spectra_operator.kube.client import AiohttpClient


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        api.register(WIDGETS, short_names=("wd",))
        yield api


@pytest.fixture
async def client(api: FakeApi) -> AsyncIterator[AiohttpClient]:
    async with AiohttpClient(api.access()) as client:
        yield client
