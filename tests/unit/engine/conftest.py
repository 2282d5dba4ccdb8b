"""What several tests of the engine's parts begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from unit.engine.executor_bench import Bench, a_bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with a_bench() as bench:
        yield bench
