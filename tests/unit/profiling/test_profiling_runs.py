"""A scenario of the benchmark with a sampler beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.pod_runs import Conditions, nothing
from bench.scenarios import SCENARIOS, START, UNPACED, DispatchScenario, PodScenario, Scenario
from cluster.kwok import A_SECOND
from profiling import runs
from profiling.sampling import Sampler
from profiling.stacks import Frame, Profile

PID = 4711
MAIN, RUNNER = Frame("main", "spectra_operator/__main__.py"), Frame("Runner.run", "asyncio/r.py")
CORE = Frame("decide_phase", "spectra_operator/core/phase/decide.py")


def a_scenario(kind: type[PodScenario] | type[DispatchScenario]) -> Scenario:
    return next(scenario for scenario in SCENARIOS if isinstance(scenario, kind))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Which processes were looked at, and into which files; each look sees the same."""
    seen: list[tuple[int, str]] = []

    @contextmanager
    def sampling(pid: int, path: Path) -> Iterator[Sampler]:
        sampler = Sampler()
        yield sampler
        seen.append((pid, path.name))
        sampler.keep(Profile(Counter({(MAIN, RUNNER, CORE): 30}), 100, 1.0))

    monkeypatch.setattr(runs, "sampling", sampling)
    return seen


RUNS: list[tuple[Scenario, str]] = [
    (a_scenario(PodScenario), "pods"),
    (a_scenario(DispatchScenario), "dispatch"),
    (UNPACED, "dispatch"),
    (START, "start"),
]


@pytest.mark.parametrize(("scenario", "run"), RUNS, ids=[each.name for each, _ in RUNS])
def test_the_operator_is_looked_at_while_the_scenario_runs(
    scenario: Scenario,
    run: str,
    looks: list[tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    ran: list[tuple[Scenario, str]] = []

    def measured(scenario: Scenario, *given: Any) -> None:
        conditions = given[-1]
        with conditions.beside(PID):
            ran.append((scenario, conditions.cluster))

    monkeypatch.setattr(runs, f"run_{run}", measured)

    report = runs.profiled(scenario, "mine", tmp_path)

    assert ran == [(scenario, "mine")]
    assert looks == [(PID, f"{scenario.name}.raw")]
    assert report.startswith(f"{scenario.title}: 30 samples")
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{scenario.name}.md",
        f"{scenario.name}.svg",
    }


def test_a_run_that_fails_is_told_and_leaves_no_report(
    looks: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def measured(*given: Any) -> None:
        with given[-1].beside(PID):
            raise BenchError("tasks are missing")

    monkeypatch.setattr(runs, "run_pods", measured)

    with pytest.raises(BenchError, match="tasks are missing"):
        runs.profiled(a_scenario(PodScenario), "mine", tmp_path)

    assert (looks, list(tmp_path.iterdir())) == ([], [])


def test_a_run_in_which_nothing_ran_has_a_report_and_a_picture_that_say_so(tmp_path: Path) -> None:
    report = runs.written("a run", Profile(Counter(), 100, 3.0), tmp_path / "run")

    assert report == "a run: nothing ran in 3 s\n"
    assert "a run: 0 samples" in (tmp_path / "run.svg").read_text()


def test_the_picture_begins_where_the_work_does(tmp_path: Path) -> None:
    profile = Profile(Counter({(MAIN, RUNNER, CORE): 30}), 100, 1.0)

    runs.written("a run", profile, tmp_path / "run")

    drawn = (tmp_path / "run.svg").read_text()
    assert "decide_phase" in drawn
    assert "__main__" not in drawn


def test_a_benchmark_has_nothing_beside_its_runs() -> None:
    assert Conditions("c", A_SECOND, 0.0, Path()).beside is nothing
    with nothing(PID):
        pass
