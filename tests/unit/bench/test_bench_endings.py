"""Ends before the end: that of an engine, and that of a benchmark which is interrupted."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from bench import cli
from bench.errors import BenchError
from bench.process import OperatorProcess, a_process, ending, while_alive
from bench.results import PodRun
from bench.scenarios import Scenario
from builders.benchmarks import a_pod_run


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


@pytest.mark.parametrize(
    ("scenario", "told"),
    [("chain", "nothing was measured"), ("fan-out-100", "what was measured until then")],
)
def test_an_interrupted_benchmark_says_what_there_is_and_where(
    scenario: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run_pods(asked: Scenario, *_: Any) -> PodRun:
        if asked.name == scenario:
            raise KeyboardInterrupt
        return a_pod_run(asked.name)

    monkeypatch.setenv("SPECTRA_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(cli, "run_pods", run_pods)
    chosen = ["--scenario", "chain", "--scenario", "fan-out-100"]

    assert cli.main(["--output", str(tmp_path), *chosen]) == 130

    assert f"interrupted; {told}: {tmp_path}" in capsys.readouterr().err
