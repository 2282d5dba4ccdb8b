"""What a task really keeps: small fan-outs in a played cluster."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from profiling import retained
from profiling.memory import Memory


@pytest.fixture
def traced() -> Iterator[None]:
    """Python remembers where memory is allocated."""
    tracemalloc.start(retained.FRAMES)
    yield
    tracemalloc.stop()


def of_file(memory: Memory, moment: str, file: str) -> float:
    sizes = memory.moments[moment]
    return sum(size for site, size in sizes.items() if site.file.endswith(file))


@pytest.mark.usefixtures("traced")
async def test_a_running_task_keeps_its_pod_and_lets_go_of_it_at_its_end() -> None:
    memory = await retained.of_a_fan_out(60, 100)

    assert memory.tasks == 40
    running, beside, ended = memory.moments
    assert 200 < of_file(memory, running, "engine/slim.py") < 500
    assert of_file(memory, beside, "engine/slim.py") < 100
    assert of_file(memory, ended, "engine/slim.py") < 100
    assert not [site for site in memory.moments[running] if "builders" in site.file]
