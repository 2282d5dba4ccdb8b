"""An engine that ends before what it is waited for."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.process import OperatorProcess, a_process, ending, while_alive


async def test_a_run_fails_at_once_when_its_engine_has_ended(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    with (
        a_process(["/bin/sh", "-c", "exit 3"], log, dict(os.environ)) as process,
        pytest.raises(BenchError, match="ended with exit code 3") as failed,
    ):
        await while_alive(asyncio.Event().wait(), ending(process, log))
    assert str(log) in str(failed.value)


async def test_what_fails_because_the_engine_ended_is_told_by_its_end() -> None:
    async def read() -> None:
        raise FileNotFoundError("/proc/42/status")

    with pytest.raises(BenchError, match="exit code 1"):
        await while_alive(read(), lambda: "exit code 1")


async def test_work_beside_an_engine_that_lives_comes_to_its_own_end() -> None:
    assert await while_alive(asyncio.sleep(0, "done"), lambda: None) == "done"

    async def fails() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await while_alive(fails(), lambda: None)


def test_a_first_pass_is_not_waited_for_when_the_operator_has_ended() -> None:
    operator = OperatorProcess(1, 1, 0.0, lambda: "exit code 1")

    with pytest.raises(BenchError, match="exit code 1"):
        operator.first_pass()
