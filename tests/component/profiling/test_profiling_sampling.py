"""Processes that are really looked at, and a workload that is really counted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from profiling import runs
from profiling.cli import counted
from profiling.errors import ProfileError
from profiling.runs import Spy
from profiling.sampling import RATE, sampling
from profiling.stacks import own

BUSY = """
def spin(turns):
    return sum(number * number for number in range(turns))
def work():
    while True:
        spin(200_000)
        print("a turn", flush=True)
work()
"""
TURNS = 40
"""Enough for some samples on any machine: a turn takes longer than it is between two looks."""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing but work."""
    program = tmp_path / "busy.py"
    program.write_text(BUSY)
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE) as process:
        worked(process, 1)
        yield process
        process.kill()


def worked(process: subprocess.Popen[bytes], turns: int) -> None:
    """Wait until a process has worked for so many turns."""
    assert process.stdout
    for _ in range(turns):
        assert process.stdout.readline()


def test_what_a_process_does_is_seen_from_outside(
    busy: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    spy = Spy(tmp_path / "busy.raw")
    with spy.beside(busy.pid):
        worked(busy, TURNS)

    assert spy.profile is not None
    assert spy.profile.rate == RATE
    assert {"spin", "spin.<locals>.<genexpr>", "<genexpr>"} & {
        frame.name for frame in own(spy.profile.stacks)
    }
    assert spy.profile.cpu is not None
    assert 0 < spy.profile.cpu <= spy.profile.seconds + 0.1
    assert spy.profile.waited >= 0
    report = runs.written("busy", spy.profile, tmp_path / "busy")
    assert (tmp_path / "busy.md").read_text() == report
    assert "spin" in report
    Xml.parse(tmp_path / "busy.svg")


def test_a_process_that_is_not_there_cannot_be_looked_at(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()

    with (
        pytest.raises(ProfileError, match=f"py-spy cannot look at process {gone.pid}"),
        sampling(gone.pid, tmp_path / "gone.raw"),
    ):
        pytest.fail("there is nothing to look at")


def test_the_profile_is_there_only_at_the_end(
    busy: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with sampling(busy.pid, tmp_path / "busy.raw") as sampler:
        with pytest.raises(ProfileError, match="no profile before sampling has ended"):
            _ = sampler.profile
        worked(busy, TURNS)

    assert sampler.profile.samples > 0


def test_a_workload_takes_the_same_each_time() -> None:
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(counted, ["one-workflow"] * 2)

    assert first.tasks == 1
    assert {"core", "engine"} <= set(first.rooms())
    assert first.functions == second.functions
