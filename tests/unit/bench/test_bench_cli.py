from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import cli, engines, options, plane, scenarios
from bench.argo_flavour import ArgoFlavour
from bench.engines import Engine, Operator
from bench.errors import BenchError
from bench.pod_runs import Conditions
from bench.results import DispatchRun, PodRun
from bench.scenarios import Scenario
from builders.benchmarks import a_dispatch_run, a_pod_run
from cluster import paths, state
from cluster.kwok import A_SECOND, Lasting
from spectra_operator.kube.errors import Unreachable


def test_without_options_pods_last_a_second_and_all_scenarios_run_once() -> None:
    given = options.parsed([])

    assert (given.jitter, given.milliseconds) == (A_SECOND, None)
    assert (given.scenario, given.runs, given.scale, given.quick) == ([], None, 1.0, False)


def test_jitter_spreads_durations_about_the_same_mean() -> None:
    given = options.parsed(["--jitter"])

    assert given.jitter == Lasting(500, 1500)


def test_durations_may_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert options.parsed(["--milliseconds", "10-20"]).milliseconds == Lasting(10, 20)
    with pytest.raises(SystemExit):
        options.parsed(["--milliseconds", "20-10"])
    assert "is not LEAST-MOST" in capsys.readouterr().err


def test_a_scenario_that_is_not_there_is_refused() -> None:
    with pytest.raises(SystemExit):
        options.parsed(["--scenario", "nothing"])


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


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--scale", "0"], "'0' is no number above 0, such as 0.1"),
        (["--scale", "-1"], "'-1' is no number above 0"),
        (["--scale", "nan"], "'nan' is no number above 0"),
        (["--scale", "inf"], "'inf' is no number above 0"),
        (["--runs", "0"], "'0' is no whole number above 0"),
        (["--runs", "-1"], "'-1' is no whole number above 0"),
        (["--cpus", "0"], "'0' is no number above 0"),
        (["--cpus", "-2"], "'-2' is no number above 0"),
        (["--settle", "-1"], "'-1' is no number of seconds, 0 or more"),
        (["--settle", "nan"], "'nan' is no number of seconds"),
        (["--name", "Not A Name"], "is no cluster name"),
        (["--jitter", "--milliseconds", "1-2"], "not allowed with argument --jitter"),
        (["--controller", "/bin/true"], "--controller needs --manifests"),
        (["--manifests", "."], "--manifests is about another engine, and needs --controller"),
        (["--flavour", "argo"], "--flavour is about another engine"),
        (["--arguments=--qps=1"], "--arguments is about another engine"),
        (["--quick", "--scenario", "running"], "there is no small running: leave out --quick"),
        (
            ["--quick", "--scenario", "chain", "--scenario", "running"],
            "there is no small running: leave out --quick",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(
    asked: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(asked)

    assert refused.value.code == cli.REFUSED
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("output", ["/proc/report", "taken/report"])
def test_an_output_that_cannot_be_written_is_refused_before_anything_runs(
    output: str,
    fakes: dict[str, Exception],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "taken").write_text("mine")

    assert cli.main(["--output", str(tmp_path / output)]) == cli.REFUSED

    said = capsys.readouterr()
    assert said.err.startswith("error: --output: ")
    assert "run 1" not in said.err + said.out


def test_a_folder_that_is_not_ones_own_is_refused_as_an_output(
    fakes: dict[str, Exception],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))

    assert cli.main(["--output", str(tmp_path)]) == cli.REFUSED

    assert f"error: --output: nothing can be written into {tmp_path}" in capsys.readouterr().err


def test_a_cluster_that_is_no_benchmarks_is_not_taken_down(
    fakes: dict[str, Exception],
    cluster_of: Callable[[str], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster_of("spectra")

    assert cli.main(["--name", "spectra", "--output", str(tmp_path)]) == cli.REFUSED

    said = capsys.readouterr().err
    assert "--name: there is a cluster spectra, which would be removed" in said
    assert "python -m cluster down --name spectra" in said


def test_a_control_plane_does_not_take_the_place_of_somebodys_cluster(
    cluster_of: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plane, "tool", lambda *_: pytest.fail("nothing is taken down"))
    cluster_of("mine")

    with (
        pytest.raises(BenchError, match="there is a cluster mine"),
        plane.a_plane("mine", [], A_SECOND),
    ):
        pytest.fail("there is no control plane")


@pytest.mark.parametrize("name", ["spectra-bench", "spectra-bench-2", "spectra-profile"])
def test_what_a_benchmark_left_is_replaced(name: str, cluster_of: Callable[[str], None]) -> None:
    cluster_of(name)
    plane.check_free(name)


def test_a_name_that_no_cluster_has_is_free(cluster_of: Callable[[str], None]) -> None:
    cluster_of("other")
    plane.check_free("mine")


def test_our_own_engine_brings_its_definitions() -> None:
    (crds,) = Operator().manifests

    assert (crds / "workflows.yaml").is_file()


@pytest.fixture
def cluster_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Lets there be a cluster of a name, as the cluster tool has noted it."""
    monkeypatch.setenv("SPECTRA_STATE", str(tmp_path / "state"))

    def there_is(name: str) -> None:
        noted = state.ClusterState("local", state.boot_id())
        state.save(paths.cluster_paths(name, os.environ).state_file, noted)

    return there_is


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Exception]:
    """Scenarios that are measured at once; those named here fail instead."""
    bad: dict[str, Exception] = {}

    def run_pods(scenario: Scenario, engine: Engine, run: int, _: Conditions) -> PodRun:
        if scenario.name in bad:
            raise bad[scenario.name]
        return a_pod_run(scenario.name, engine=engine.name, run=run)

    def run_dispatch(scenario: Scenario, run: int, _: Conditions) -> DispatchRun:
        return replace(a_dispatch_run(), run=run)

    monkeypatch.setenv("SPECTRA_STATE", str(tmp_path / "state"))
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
        "chain of 10: spectra, run 1: no end",
        "100 named tasks in one phase: spectra, run 1: refused; TimeoutError",
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


def test_two_benchmarks_do_not_share_a_cluster(
    fakes: dict[str, Exception],
    cluster_of: Callable[[str], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with plane.owned("spectra-bench"):
        assert cli.main(["--output", str(tmp_path / "out")]) == cli.REFUSED
        told = f"--name: process {os.getpid()} measures on the cluster spectra-bench; wait"
        assert told in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
    assert cli.main(["--output", str(tmp_path / "out"), "--scenario", "chain"]) == 0
