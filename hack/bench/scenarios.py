"""What is measured, as data: change or add a scenario here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench import graphs
from bench.graphs import Graph


@dataclass(frozen=True, slots=True)
class Crowd:
    """Workflows that stand beside those that run, of ten tasks each.

    Attributes:
        suspended: How many are suspended.
        finished: How many have ended.
    """

    suspended: int
    finished: int

    @property
    def workflows(self) -> int:
        """All of them."""
        return self.suspended + self.finished


@dataclass(frozen=True, slots=True)
class PodScenario:
    """Workflows whose tasks are pods.

    Attributes:
        name: As in `--scenario`.
        wording: The title, with the names of sizes in braces.
        shape: Makes the graph of a size.
        size: The size of the graph of each workflow.
        workflows: How many are applied at once.
        quick_size: The size with `--quick`; 0 leaves the scenario out.
        quick_workflows: How many workflows with `--quick`.
        crowd: What stands beside it, from before the engine starts.
        quick_crowd: The same with `--quick`.
        seconds: How long its pods run, if that is what the scenario is about; then there is no
            raw limit beside it. 0 for what the benchmark is told.
    """

    name: str
    wording: str
    shape: Callable[[int], Graph]
    size: int
    workflows: int = 1
    quick_size: int = 0
    quick_workflows: int = 1
    crowd: Crowd | None = None
    quick_crowd: Crowd | None = None
    seconds: int = 0

    @property
    def title(self) -> str:
        """As in the report, with the sizes that it has."""
        crowd = self.crowd or Crowd(0, 0)
        return self.wording.format(
            size=self.size,
            workflows=self.workflows,
            suspended=crowd.suspended,
            finished=crowd.finished,
        )

    @property
    def graph(self) -> Graph:
        """The graph of each workflow."""
        return self.shape(self.size)

    @property
    def pods(self) -> int:
        """Pods of all workflows together."""
        return self.workflows * self.graph.pods

    def quick(self) -> PodScenario | None:
        """Return the scenario as it is with `--quick`, or None if it is left out."""
        if not self.quick_size:
            return None
        size, workflows = self.quick_size, self.quick_workflows
        return replace(self, size=size, workflows=workflows, crowd=self.quick_crowd)

    def scaled(self, factor: float) -> PodScenario:
        """Return the scenario with so many times its load, one of everything at least."""
        if self.workflows > 1:
            scaled = replace(self, workflows=_times(self.workflows, factor))
        else:
            scaled = replace(self, size=_times(self.size, factor))
        if self.crowd is None:
            return scaled
        suspended, finished = self.crowd.suspended, self.crowd.finished
        crowd = Crowd(_times(suspended, factor), _times(finished, factor))
        return replace(scaled, crowd=crowd)


class StartScenario(PodScenario):
    """The start of the operator beside a crowd, up to the end of the workflow that was there."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class DispatchScenario:
    """Warm workers that are given tasks at rates that rise.

    Attributes:
        name: As in `--scenario`.
        title: As in the report.
        rates: Tasks a second, one run after the other; the last run has no pace at all.
        seconds: How long each rate lasts.
        unpaced: Tasks of the last run.
        quick_rates: The rates with `--quick`.
        quick_seconds: How long each lasts then.
        quick_unpaced: Tasks of the last run then.
    """

    name: str
    title: str
    rates: tuple[float, ...]
    seconds: float
    unpaced: int
    quick_rates: tuple[float, ...]
    quick_seconds: float
    quick_unpaced: int

    def quick(self) -> DispatchScenario:
        """Return the scenario as it is with `--quick`."""
        rates, seconds = self.quick_rates, self.quick_seconds
        return replace(self, rates=rates, seconds=seconds, unpaced=self.quick_unpaced)

    def scaled(self, factor: float) -> DispatchScenario:
        """Return the scenario with each rate for so many times as long."""
        unpaced = _times(self.unpaced, factor)
        return replace(self, seconds=self.seconds * factor, unpaced=unpaced)


Scenario = PodScenario | DispatchScenario

CROWD, QUICK_CROWD = Crowd(2000, 8000), Crowd(100, 400)

SCENARIOS: tuple[Scenario, ...] = (
    PodScenario(
        "small-workflows",
        "{workflows:,} one-task workflows at once",
        graphs.single,
        1,
        workflows=500,
        quick_size=1,
        quick_workflows=60,
    ),
    PodScenario("chain", "chain of {size:,}", graphs.chain, 100, quick_size=10),
    PodScenario("fan-out-100", "fan-out of {size:,}", graphs.fan_out, 100, quick_size=20),
    PodScenario("fan-out-1000", "fan-out of {size:,}", graphs.fan_out, 1000, quick_size=200),
    PodScenario("fan-out-10000", "fan-out of {size:,}", graphs.fan_out, 10_000),
    PodScenario(
        "layers",
        "ten layers of {size:,} named tasks, a phase each",
        graphs.layered_steps,
        100,
        quick_size=10,
    ),
    PodScenario(
        "layers-all-to-all",
        "ten layers of {size:,} named tasks, each naming all {size:,} before it",
        graphs.layered_tasks,
        50,
    ),
    PodScenario("named", "{size:,} named tasks in one phase", graphs.named, 1000, quick_size=100),
    PodScenario(
        "crowd",
        "{workflows:,} chains of {size} beside {suspended:,} suspended"
        " and {finished:,} finished workflows",
        graphs.chain,
        3,
        workflows=100,
        quick_size=3,
        quick_workflows=10,
        crowd=CROWD,
        quick_crowd=QUICK_CROWD,
    ),
    PodScenario(
        "running",
        "{size:,} pods that run at the same time",
        graphs.fan_out,
        2000,
        seconds=45,
    ),
    DispatchScenario(
        "dispatch",
        "pool dispatch at rising rates",
        rates=(50.0, 100.0, 200.0, 400.0),
        seconds=15.0,
        unpaced=6000,
        quick_rates=(200.0,),
        quick_seconds=5.0,
        quick_unpaced=1000,
    ),
)
UNPACED = DispatchScenario(
    "dispatch-unpaced",
    "pool dispatch without a pace",
    rates=(),
    seconds=0.0,
    unpaced=6000,
    quick_rates=(),
    quick_seconds=0.0,
    quick_unpaced=1000,
)
"""The last run of pool dispatch alone, to be looked at; the benchmark has it already."""
START = StartScenario(
    "start",
    "the start beside {suspended:,} suspended and {finished:,} finished workflows",
    graphs.single,
    1,
    quick_size=1,
    crowd=CROWD,
    quick_crowd=QUICK_CROWD,
)
"""How `crowd` begins, to be looked at from the first moment of the operator."""


def names(among: Sequence[Scenario] = SCENARIOS) -> list[str]:
    """Return the names of all scenarios."""
    return [scenario.name for scenario in among]


def chosen(
    wanted: list[str], *, quick: bool, factor: float, among: Sequence[Scenario] = SCENARIOS
) -> list[Scenario]:
    """Return the scenarios that are asked for, all without any; small ones for a quick run."""
    found: list[Scenario] = []
    for scenario in among:
        if wanted and scenario.name not in wanted:
            continue
        sized = scenario.quick() if quick else scenario
        if sized is not None:
            found.append(sized.scaled(factor) if factor != 1 else sized)
    return found


def _times(count: int, factor: float) -> int:
    return max(round(count * factor), 1)
