"""Starting, recognising and ending real processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import processes
from cluster.processes import ProcessId

ENVIRON = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[ProcessId]:
    process = processes.spawn(["sleep", "600"], tmp_path / "log", ENVIRON)
    yield process
    processes.kill([process])


def stat_line(state: str, started: int) -> str:
    fields = [state, *["0"] * 18, str(started), "0"]
    return f"17 (a (strange) name) {' '.join(fields)}"


def test_the_start_time_is_read_behind_a_name_with_brackets() -> None:
    assert processes.parse_start_ticks(stat_line("S", 4711)) == 4711


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_process_that_is_only_waited_for_does_not_count_as_alive(state: str) -> None:
    assert processes.parse_start_ticks(stat_line(state, 4711)) is None


def test_a_started_process_is_alive_and_in_a_session_of_its_own(sleeper: ProcessId) -> None:
    assert processes.is_alive(sleeper)
    assert os.getsid(sleeper.pid) == sleeper.pid


def test_a_killed_process_is_gone(sleeper: ProcessId) -> None:
    assert processes.kill([sleeper]) == []
    assert not processes.is_alive(sleeper)


def test_a_later_process_with_the_same_number_is_left_alone(sleeper: ProcessId) -> None:
    earlier = ProcessId(sleeper.pid, sleeper.started - 1)

    assert processes.kill([earlier]) == []

    assert processes.is_alive(sleeper)


def test_only_live_processes_are_identified(sleeper: ProcessId) -> None:
    assert processes.identify([sleeper.pid, 2**22 + 1]) == [sleeper]


def test_output_goes_to_the_end_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")

    process = processes.spawn(["sh", "-c", "echo out; echo err >&2"], log, ENVIRON)
    os.waitpid(process.pid, 0)

    assert log.read_text() == "before\nout\nerr\n"


def test_processes_of_a_network_namespace_are_found_by_the_namespace(sleeper: ProcessId) -> None:
    assert sleeper.pid in processes.pids_in_network(Path("/proc/self/ns/net"))


def test_a_file_that_pins_no_namespace_has_no_processes(tmp_path: Path) -> None:
    ordinary = tmp_path / "netns"
    ordinary.touch()

    assert processes.pids_in_network(ordinary) == []
    assert processes.pids_in_network(tmp_path / "absent") == []
