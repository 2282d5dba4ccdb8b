"""The command line, but for what it starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bench.cli import REFUSED
from bench.errors import BenchError
from bench.plane import owned
from bench.scenarios import SCENARIOS, UNPACED, Scenario, names
from bench.scenarios import chosen as chosen_scenarios
from cluster import paths, state
from cluster.errors import ClusterError
from profiling import cli
from profiling.errors import ProfileError
from profiling.workloads import WORKLOADS
from spectra_operator.kube.errors import Forbidden


@pytest.fixture(autouse=True)
def clusters_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps the lock of a cluster away from what this machine measures."""
    monkeypatch.setenv("SPECTRA_STATE", str(tmp_path.with_name(f"{tmp_path.name}-state")))


def test_a_command_is_asked_for() -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args([])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["sample", "--scenario", "nowhere"], "chain"),
        (["sample", "--scale", "0"], "'0' is no number above 0, such as 0.1"),
        (["sample", "--scale", "-1"], "'-1' is no number above 0"),
        (["sample", "--scale", "nan"], "'nan' is no number above 0"),
        (["sample", "--scale", "inf"], "'inf' is no number above 0"),
        (["sample", "--scale", "much"], "'much' is no number above 0"),
        (["sample", "--name", "Not A Name"], "--name"),
        (["count", "--workload", "nothing"], "one-workflow"),
    ],
)
def test_an_option_that_cannot_be_is_refused_with_what_can_be(
    options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args(options)
    assert told in capsys.readouterr().err


def test_what_is_sampled_by_default_is_a_scenario() -> None:
    assert set(cli.SCENARIOS) <= set(names())


def test_dispatch_without_a_pace_can_be_sampled_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Scenario] = []

    def profiled(scenario: Scenario, *_: Any) -> str:
        asked.append(scenario)
        return ""

    monkeypatch.setattr(cli, "profiled", profiled)

    options = ["sample", "--scenario", "dispatch-unpaced"]
    assert cli.main(["--output", str(tmp_path), *options]) == 0

    assert asked == [UNPACED]
    assert UNPACED.rates == ()
    assert UNPACED.name not in names()


def test_what_can_be_counted_is_there() -> None:
    assert set(cli.WORKLOADS) == set(WORKLOADS)


def test_the_scenarios_that_are_asked_for_are_sampled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[Scenario, str, Path]] = []

    def profiled(*given: Any) -> str:
        asked.append(given)
        return f"report of {given[0].name}"

    monkeypatch.setattr(cli, "profiled", profiled)
    folder = tmp_path / "out"
    options = ["--quick", "--scenario", "chain", "--scenario", "named", "--name", "mine"]

    assert cli.main(["--output", str(folder), "sample", *options]) == 0

    wanted = chosen_scenarios(["chain", "named"], quick=True, factor=1)
    assert asked == [(scenario, "mine", folder) for scenario in wanted]
    assert "report of named" in capsys.readouterr().out


@pytest.mark.parametrize(
    "error",
    [
        ProfileError("py-spy cannot look at process 3"),
        BenchError("the run did not end"),
        ClusterError("no cluster"),
        Forbidden("may not list"),
    ],
)
def test_a_run_that_fails_is_told_in_a_line(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def profiled(*given: Any) -> str:
        raise error

    monkeypatch.setattr(cli, "profiled", profiled)

    assert cli.main(["--output", str(tmp_path), "sample"]) == 1
    said = capsys.readouterr().err
    assert said.endswith(f"error: {error}\n")
    assert "written" not in said


def test_a_scenario_that_has_no_small_size_is_refused_and_not_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "profiled", lambda *_: pytest.fail("nothing is begun"))
    large = next(each.name for each in SCENARIOS if each.quick() is None)

    options = ["sample", "--quick", "--scenario", "chain", "--scenario", large]
    assert cli.main(["--output", str(tmp_path), *options]) == REFUSED

    assert f"there is no small {large}: leave out --quick" in capsys.readouterr().err


def test_a_cluster_that_no_profile_made_is_not_taken_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "profiled", lambda *_: pytest.fail("nothing is begun"))
    monkeypatch.setenv("SPECTRA_STATE", str(tmp_path))
    noted = state.ClusterState("local", state.boot_id())
    state.save(paths.cluster_paths("mine", os.environ).state_file, noted)

    assert cli.main(["--output", str(tmp_path), "sample", "--name", "mine"]) == REFUSED

    assert "--name: there is a cluster mine, which would be removed" in capsys.readouterr().err


def test_an_output_that_is_a_file_is_told_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "profiled", lambda *_: pytest.fail("nothing is begun"))
    (tmp_path / "report").write_text("mine")

    assert cli.main(["--output", str(tmp_path / "report"), "sample"]) == REFUSED

    assert "--output" in capsys.readouterr().err
    assert (tmp_path / "report").read_text() == "mine"


def test_without_an_output_each_run_has_a_folder_of_its_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(cli, "_now", lambda: "20260101-120000")
    monkeypatch.setattr(cli, "profiled", lambda scenario, name, folder: str(folder))

    assert cli.main(["sample", "--quick", "--scenario", "chain"]) == 0
    assert (tmp_path / "build" / "profile" / "20260101-120000").is_dir()


def test_a_profile_does_not_share_a_cluster_with_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "profiled", lambda *_: pytest.fail("nothing is begun"))
    monkeypatch.setenv("SPECTRA_STATE", str(tmp_path))

    with owned(cli.CLUSTER):
        assert cli.main(["--output", str(tmp_path / "out"), "sample"]) == REFUSED

    assert f"measures on the cluster {cli.CLUSTER}" in capsys.readouterr().err


def test_an_interrupted_profile_says_that_nothing_was_measured_and_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def profiled(*_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "profiled", profiled)

    assert cli.main(["--output", str(tmp_path), "sample"]) == 130

    assert f"interrupted; nothing was measured: {tmp_path}" in capsys.readouterr().err
