"""A cluster with one operator for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from builders.engine import World, a_running_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_running_world() as world:
        yield world
