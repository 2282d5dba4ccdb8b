from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import cli, engines, scenarios
from bench.argo_flavour import ArgoFlavour
from bench.engines import Engine, Operator
from bench.errors import BenchError
from bench.pod_runs import Conditions
from bench.results import DispatchRun, PodRun
from bench.scenarios import Scenario
from builders.benchmarks import a_dispatch_run, a_pod_run
from cluster.kwok import A_SECOND, Lasting
from spectra_operator.kube.errors import Unreachable


def test_without_options_pods_last_a_second_and_all_scenarios_run_once() -> None:
    given = cli.parser().parse_args([])

    assert (given.jitter, given.milliseconds) == (A_SECOND, None)
    assert (given.scenario, given.runs, given.scale, given.quick) == ([], 0, 1.0, False)


def test_jitter_spreads_durations_about_the_same_mean() -> None:
    given = cli.parser().parse_args(["--jitter"])

    assert given.jitter == Lasting(500, 1500)


def test_durations_may_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.parser().parse_args(["--milliseconds", "10-20"]).milliseconds == Lasting(10, 20)
    with pytest.raises(SystemExit):
        cli.parser().parse_args(["--milliseconds", "20-10"])
    assert "is not LEAST-MOST" in capsys.readouterr().err


def test_a_scenario_that_is_not_there_is_refused() -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args(["--scenario", "nothing"])


def test_engines_take_turns_in_alternating_order() -> None:
    own, other = Operator(), Operator(name="other")

    orders = [[engine.name for engine in cli.in_turn([own, other], run)] for run in range(3)]

    assert orders == [["spectra", "other"], ["other", "spectra"], ["spectra", "other"]]


def a_program(folder: Path) -> Path:
    path = folder / "controller"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_another_engine_is_a_program_and_its_manifests(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "README.md"):
        (tmp_path / name).write_text("")

    engine = engines.another(a_program(tmp_path), tmp_path, "argo", "--qps=1000", 1.0)

    assert engine.name == "controller"
    assert isinstance(engine.flavour, ArgoFlavour)
    assert [path.name for path in engine.manifests] == ["a.yml", "b.yaml"]
    assert engine.cpus == 1.0


def test_a_program_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is no program that can be run"):
        engines.another(tmp_path / "missing", tmp_path, "argo", "", 0)


def test_a_folder_without_manifests_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()

    with pytest.raises(BenchError, match=r"--manifests .* no \.yaml files"):
        engines.another(a_program(tmp_path), folder, "argo", "", 0)


def test_a_controller_without_manifests_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--controller", str(a_program(tmp_path))]) == 1

    assert "error: --controller needs --manifests" in capsys.readouterr().err


def test_our_own_engine_brings_its_definitions() -> None:
    (crds,) = Operator().manifests

    assert (crds / "workflows.yaml").is_file()


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception]:
    """Scenarios that are measured at once; those named here fail instead."""
    bad: dict[str, Exception] = {}

    def run_pods(scenario: Scenario, engine: Engine, run: int, _: Conditions) -> PodRun:
        if scenario.name in bad:
            raise bad[scenario.name]
        return a_pod_run(scenario.name, engine=engine.name, run=run)

    def run_dispatch(scenario: Scenario, run: int, _: Conditions) -> DispatchRun:
        return replace(a_dispatch_run(), run=run)

    monkeypatch.setattr(cli, "run_pods", run_pods)
    monkeypatch.setattr(cli, "run_dispatch", run_dispatch)
    monkeypatch.setattr(cli, "draw", lambda *_: [])
    return bad


def figures(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def test_every_scenario_is_run_once_and_reported(
    fakes: dict[str, Exception], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--output", str(tmp_path)]) == 0

    assert [run["scenario"] for run in figures(tmp_path)["runs"]] == scenarios.names()
    assert capsys.readouterr().out.strip() == (tmp_path / "report.md").read_text().strip()


def test_a_run_that_fails_does_not_keep_the_others_from_their_end(
    fakes: dict[str, Exception], tmp_path: Path
) -> None:
    fakes["chain"] = BenchError("no end")
    inner = ExceptionGroup("workers", [Unreachable("refused"), TimeoutError()])
    fakes["named"] = ExceptionGroup("calls", [inner, Unreachable("refused")])

    assert cli.main(["--output", str(tmp_path), "--quick"]) == 1

    told = figures(tmp_path)
    assert told["failures"] == [
        "chain of 100: spectra, run 1: no end",
        "1,000 named tasks in one phase: spectra, run 1: refused; TimeoutError",
    ]
    assert told["runs"][-1]["scenario"] == "dispatch"


def test_two_engines_are_run_five_times_each_but_for_dispatch(
    fakes: dict[str, Exception], tmp_path: Path
) -> None:
    (tmp_path / "crd.yaml").write_text("")
    other = ["--controller", str(a_program(tmp_path)), "--manifests", str(tmp_path)]
    wanted = ["--scenario", "chain", "--scenario", "dispatch", "--output", str(tmp_path / "out")]

    assert cli.main([*other, *wanted]) == 0

    runs = figures(tmp_path / "out")["runs"]
    assert [run.get("engine", "dispatch") for run in runs] == [
        *("spectra", "controller", "controller", "spectra", "spectra"),
        *("controller", "controller", "spectra", "spectra", "controller"),
        *["dispatch"] * 5,
    ]
