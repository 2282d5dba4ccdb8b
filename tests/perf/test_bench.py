"""The benchmark itself, at a tiny scale but for real: every scenario, the report, the pictures.

Part of `make test-all`. Asserted are counts and that all figures are there, never times.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import cli
from bench.pictures import PICTURES
from bench.scenarios import PodScenario, chosen

pytestmark = pytest.mark.timeout(900)

CLUSTER = "spectra-bench-test"
SCALE = 0.2
OPTIONS = ["--quick", "--scale", str(SCALE), "--settle", "0", "--milliseconds", "50-100"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one whole report."""
    folder = tmp_path_factory.mktemp("bench") / "report"
    assert cli.main([*OPTIONS, "--name", CLUSTER, "--output", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    """All figures."""
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def test_every_scenario_runs_once_with_all_its_pods(told: dict[str, Any]) -> None:
    wanted = chosen([], quick=True, factor=SCALE)

    assert [run["scenario"] for run in told["runs"]] == [scenario.name for scenario in wanted]
    runs = dict(zip((scenario.name for scenario in wanted), told["runs"], strict=True))
    for scenario in wanted:
        if isinstance(scenario, PodScenario):
            assert runs[scenario.name]["pods"] == scenario.pods
            assert [raw["pods"] for raw in runs[scenario.name]["raw"]] == [scenario.pods] * 2


def test_hops_are_measured_where_tasks_wait_for_tasks(told: dict[str, Any]) -> None:
    hops = {run["scenario"]: run.get("hops") for run in told["runs"]}

    assert hops["chain"]["count"] == 1
    assert hops["layers"]["count"] == 18
    assert hops["crowd"]["count"] == 4
    assert hops["fan-out-1000"] is None


def test_requests_are_counted_for_each_task(told: dict[str, Any]) -> None:
    run = next(run for run in told["runs"] if run["scenario"] == "fan-out-1000")

    assert run["cost"]["requests"]["create pods"] == run["pods"]
    assert run["cost"]["sent"] > 0
    assert set(run["cost"]["plane"]) >= {"etcd", "kube-apiserver", "kwok"}


def test_dispatch_has_every_rate_and_one_run_without(told: dict[str, Any]) -> None:
    run = told["runs"][-1]

    found = [(paced["shape"], paced["wanted"]) for paced in run["paced"]]
    shapes = ("chains", "fan-outs", "phases")
    assert found == [*((shape, 200.0) for shape in shapes), ("fan-outs", None)]
    assert min(run["raw"]) > 0


def test_the_report_has_its_verdicts_and_its_pictures(folder: Path, told: dict[str, Any]) -> None:
    text = (folder / "report.md").read_text()

    assert all(target["what"] in text for target in told["targets"])
    drawn = {path.stem for path in folder.glob("*.svg")}
    assert drawn == set(PICTURES)
