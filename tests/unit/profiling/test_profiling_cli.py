"""The command line, but for what it starts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.scenarios import Scenario, names
from bench.scenarios import chosen as chosen_scenarios
from profiling import cli
from profiling.counting import Count
from profiling.counts import Counts
from profiling.errors import ProfileError
from profiling.stacks import Frame
from profiling.workloads import WORKLOADS

CORE = Frame("decide_phase", "spectra_operator/core/phase/decide.py")


def a_count(bytecodes: int) -> Counts:
    return Counts("warm-chains", 10, {CORE: Count(2, bytecodes)})


def test_a_command_is_asked_for() -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args([])


def test_what_is_sampled_by_default_is_a_scenario() -> None:
    assert set(cli.SCENARIOS) <= set(names())


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


def test_a_run_that_fails_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def profiled(*given: Any) -> str:
        raise ProfileError("py-spy cannot look at process 3")

    monkeypatch.setattr(cli, "profiled", profiled)

    assert cli.main(["--output", str(tmp_path), "sample"]) == 1
    assert "error: py-spy cannot look at process 3" in capsys.readouterr().err


def test_counts_are_kept_and_compared_with_those_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    workload = ["--workload", "warm-chains"]
    monkeypatch.setattr(cli, "counted", lambda name: a_count(100))
    assert cli.main(["--output", str(before), "count", *workload]) == 0
    monkeypatch.setattr(cli, "counted", lambda name: a_count(110))

    options = [*workload, "--against", str(before)]
    assert cli.main(["--output", str(after), "count", *options]) == 0

    assert "+10.0 % to those before" in capsys.readouterr().out
    kept = json.loads((after / "warm-chains.json").read_text())
    assert kept["functions"] == {str(CORE): [2, 110]}


def test_a_workload_that_fails_is_told_with_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert options["env"]["PYTHONHASHSEED"] == "0"
        return subprocess.CompletedProcess(command, 1, "", "KeyError: 'chain'")

    monkeypatch.setattr(subprocess, "run", run)

    with pytest.raises(ProfileError, match=r"chain: exit code 1\nKeyError: 'chain'"):
        cli.counted("chain")


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_a_folder_without_counts_is_refused(
    text: str | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "counted", lambda name: a_count(100))
    if text is not None:
        (tmp_path / "chain-of-20.json").write_text(text)
    options = ["--workload", "chain-of-20", "--against", str(tmp_path)]

    assert cli.main(["--output", str(tmp_path / "new"), "count", *options]) == 1
    assert "--against: chain-of-20.json holds no counts" in capsys.readouterr().err
