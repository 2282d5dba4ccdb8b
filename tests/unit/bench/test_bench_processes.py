"""What is read of processes, and how they are limited."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from bench import proc
from bench.errors import BenchError
from bench.machine import this_machine
from bench.process import Usage, parse_usage
from bench.quota import join, leave, limited

METRICS = """\
# HELP spectra_api_requests_total Requests
spectra_api_requests_total{code="201",resource="pods",verb="create"} 100.0
spectra_api_requests_total{code="409",resource="pods",verb="create"} 2.0
spectra_api_requests_total{code="200",resource="phases",verb="patch"} 7.0
spectra_api_request_bytes_total{resource="pods",verb="create"} 1000.0
spectra_api_request_bytes_total{resource="phases",verb="patch"} 24.0
spectra_reconciles_total{kind="Phase"} 5.0
spectra_hop_latency_seconds_count 3.0
"""


def a_stat(pid: int, user: int, system: int) -> str:
    return f"{pid} (a b) c) S {' '.join(['0'] * 10)} {user} {system} {' '.join(['0'] * 30)}"


@pytest.fixture
def process(tmp_path: Path) -> Path:
    folder = tmp_path / "42"
    folder.mkdir()
    (folder / "stat").write_text(a_stat(42, 250, 50))
    (folder / "schedstat").write_text("1500000000 2500000000 77\n")
    (folder / "status").write_text("Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n")
    return tmp_path


def test_processor_time_is_that_of_user_and_system(process: Path) -> None:
    assert proc.cpu_seconds(42, process) == 300 / os.sysconf("SC_CLK_TCK")


def test_a_process_tells_how_long_it_waited_for_a_core(process: Path) -> None:
    assert proc.starved_seconds(42, process) == 2.5


def test_memory_is_that_of_now_and_the_most_there_was(process: Path) -> None:
    assert proc.memory(42, process) == proc.Memory(1024 * 1024, 2048 * 1024)


def test_this_very_process_has_used_something() -> None:
    assert proc.cpu_seconds(os.getpid()) > 0
    assert proc.memory(os.getpid()).peak >= proc.memory(os.getpid()).now // 2 > 0


def test_usage_adds_up_all_answers_to_a_kind_of_request() -> None:
    usage = parse_usage(METRICS, 1.5, 0.5)

    assert usage.requests == {"create pods": 102, "patch phases": 7}
    assert usage.sent == 1024
    assert usage.passes == {"Phase": 5}
    assert (usage.cpu, usage.starved, usage.hops) == (1.5, 0.5, 3)


def test_usage_between_two_moments_is_the_difference() -> None:
    before = Usage(1.0, 0.1, Counter({"create pods": 2}), 10.0, Counter({"Phase": 1}), 1)

    used = parse_usage(METRICS, 1.5, 0.5) - before

    assert used.requests == {"create pods": 100, "patch phases": 7}
    assert used.cpu == 0.5
    assert used.hops == 2


def test_the_machine_is_described() -> None:
    machine = this_machine()

    assert machine.cores > 0
    assert machine.memory > 0
    assert machine.commit


def test_a_quota_of_version_two_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory")

    group = join(42, 1.5, "bench", tmp_path)

    assert group == tmp_path / "bench"
    assert (group / "cpu.max").read_text() == "150000 100000"
    assert (group / "cgroup.procs").read_text() == "42"


def test_a_quota_of_version_one_is_two_files(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()

    group = join(42, 0.5, "bench", tmp_path)

    assert group == tmp_path / "cpu" / "bench"
    assert (group / "cpu.cfs_period_us").read_text() == "100000"
    assert (group / "cpu.cfs_quota_us").read_text() == "50000"


def test_a_process_goes_back_and_its_group_goes(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()

    leave(42, tmp_path / "bench")

    assert (tmp_path / "cgroup.procs").read_text() == "42"
    assert not (tmp_path / "bench").exists()


def test_without_a_quota_nothing_is_written(tmp_path: Path) -> None:
    with limited(42, 0, "bench", tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_control_groups_that_cannot_be_written_are_named_with_a_way_out(tmp_path: Path) -> None:
    with (
        pytest.raises(BenchError, match=r"no CPU quota: .*without --cpus"),
        limited(42, 1, "bench", tmp_path / "missing"),
    ):
        pass
