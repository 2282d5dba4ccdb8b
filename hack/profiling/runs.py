"""Samples the operator while it does a scenario of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.dispatch_runs import run_dispatch
from bench.engines import Operator
from bench.pod_runs import Conditions, run_pods, run_start
from bench.scenarios import DispatchScenario, Scenario, StartScenario
from cluster.kwok import A_SECOND
from profiling import flame, tables
from profiling.sampling import sampling
from profiling.stacks import Profile, below

ABOVE = ("Runner.run", "run_until_complete", "Thread.run")
"""Where a thread's own work begins; what stands above is the same in every stack."""


class Spy:
    """Stands beside a run and keeps what it saw of the operator."""

    def __init__(self, path: Path) -> None:
        """Prepare; the collapsed stacks go into `path`."""
        self._path = path
        self.profile: Profile | None = None

    @contextmanager
    def beside(self, pid: int) -> Iterator[None]:
        """Sample a process until the end of the block."""
        with sampling(pid, self._path) as sampler:
            yield
        self.profile = sampler.profile


def profiled(scenario: Scenario, cluster: str, folder: Path) -> str:
    """Do a scenario once and return the report of its profile.

    The stacks, the report and a flame graph go into the folder, named after the scenario.

    Raises:
        BenchError: The run failed.
        ProfileError: The operator could not be sampled.
    """
    spy = Spy(folder / f"{scenario.name}.raw")
    conditions = Conditions(cluster, A_SECOND, 0.0, folder, spy.beside)
    if isinstance(scenario, DispatchScenario):
        run_dispatch(scenario, 0, conditions)
    elif isinstance(scenario, StartScenario):
        run_start(scenario, Operator(), conditions)
    else:
        run_pods(scenario, Operator(), 0, conditions)
    assert spy.profile is not None, "a run calls what stands beside it"
    return written(scenario.title, spy.profile, folder / scenario.name)


def written(title: str, profile: Profile, path: Path) -> str:
    """Write the report and the flame graph of a profile beside `path`; return the report."""
    report = tables.render(title, profile)
    path.with_suffix(".md").write_text(report)
    path.with_suffix(".svg").write_text(flame.render(title, below(profile.stacks, ABOVE)))
    return report
