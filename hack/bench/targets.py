"""The targets, as data, and what was reached of each."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.results import DispatchRun, PacedRun, PodRun, Result

MB, KB = 10**6, 10**3
OWN = "spectra"
WIDE = ("fan-out-1000", "fan-out-10000", "named")
MANY = ("small-workflows",)
LOADED = ("layers", "layers-all-to-all")
AMORTISED = ("fan-out-1000", "named", "layers")
"""Where writes of statuses are spread over many tasks; a chain writes its status for each."""
PACE = 200.0
"""The rate at which dispatch latency is promised."""
READY = ("chains", "fan-outs")
"""Where what makes a task ready is the end of another, not the making of a phase."""
WIDE_PODS, MANY_PODS, RUNNING_PODS, CROWD = 400, 5000, 1000, 10_000
CHAIN_HOPS, LOADED_HOPS, PACED_TASKS, UNPACED_TASKS = 90, 400, 2000, 4000
"""A verdict needs at least so much of what its target speaks of: a small run says nothing of it."""
POOL = (("dispatch",),)
GROWN = (("fan-out-100", "fan-out-10000"),)
ENDED = (("fan-out-1000", "fan-out-10000"),)
_NO_WRITES = ("get ", "list ", "watch ")
_OF_THE_POD = ("create pods", "delete pods")

Pick = Callable[[Sequence[Result]], float | None]


@dataclass(frozen=True, slots=True)
class Target:
    """Something promised.

    Attributes:
        what: What is measured.
        unit: The unit of the limit, shown behind it.
        limit: The value that must not be passed.
        least: Whether the limit is the least that must be reached, not the most.
        reached: Finds the value in the results; None if the scenario was not run, or too small.
        groups: Scenarios that it is measured in, together, or those of another group.
    """

    what: str
    unit: str
    limit: float
    least: bool
    reached: Pick
    groups: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what was reached.

    Attributes:
        target: The target.
        reached: None where it was not measured, or where that says nothing.
        small: Whether it was measured, but by runs that are too small.
    """

    target: Target
    reached: float | None
    small: bool = False

    @property
    def met(self) -> bool | None:
        """Whether it was met; None where it was not measured."""
        if self.reached is None:
            return None
        limit = self.target.limit
        return self.reached >= limit if self.target.least else self.reached <= limit

    @property
    def word(self) -> str:
        """The verdict, with how far a target was missed in per cent of its limit."""
        if self.met is None or self.reached is None:
            return "too small to judge" if self.small else "not measured"
        if self.met:
            return "met"
        limit = self.target.limit
        return f"MISSED by {100 * abs(self.reached - limit) / limit:.0f} %"


def pod_runs(results: Sequence[Result], *names: str, engine: str = OWN) -> list[PodRun]:
    """Return the runs of some scenarios, of all without names, by one engine."""
    return [
        run
        for run in results
        if isinstance(run, PodRun) and run.engine == engine and (not names or run.scenario in names)
    ]


def writes(requests: dict[str, int]) -> int:
    """Return how many requests are writes, beyond creating and deleting pods."""
    return sum(
        count
        for what, count in requests.items()
        if not what.startswith(_NO_WRITES) and what not in _OF_THE_POD
    )


def _median(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def _ratio(names: Sequence[str]) -> Pick:
    def found(results: Sequence[Result]) -> float | None:
        wide = [run for run in pod_runs(results, *names) if run.pods >= WIDE_PODS]
        each = [_median(run.ratio for run in pod_runs(wide, name)) for name in names]
        ratios = [100 * ratio for ratio in each if ratio is not None]
        return min(ratios) if ratios else None

    return found


def _hop(names: Sequence[str], pick: Callable[[PodRun], float | None], least: int) -> Pick:
    def found(results: Sequence[Result]) -> float | None:
        runs = [run for run in pod_runs(results, *names) if run.hops and run.hops.count >= least]
        each = [_median(map(pick, pod_runs(runs, name))) for name in names]
        return max((value for value in each if value is not None), default=None)

    return found


def _p50(run: PodRun) -> float | None:
    return 1000 * run.hops.p50 if run.hops else None


def _p99(run: PodRun) -> float | None:
    return 1000 * run.hops.p99 if run.hops else None


def _writes(results: Sequence[Result]) -> float | None:
    runs = [run for run in pod_runs(results, *AMORTISED) if run.pods >= WIDE_PODS]
    return max((writes(run.cost.requests) / run.pods for run in runs), default=None)


def cpu_a_task(results: Sequence[Result], name: str) -> float | None:
    """Return the seconds of the engine's processor time for a task in a scenario."""
    return _median(run.cost.cpu / run.pods for run in pod_runs(results, name))


def _growth(results: Sequence[Result]) -> float | None:
    large = [run for run in pod_runs(results) if run.pods >= MANY_PODS]
    few, many = cpu_a_task(results, "fan-out-100"), cpu_a_task(large, "fan-out-10000")
    return many / few if few and many else None


def _idle(results: Sequence[Result]) -> float | None:
    runs = [run for run in pod_runs(results) if run.scenario != "crowd"]
    return _median(run.cost.rss_before / MB for run in runs)


def _finished(results: Sequence[Result]) -> float | None:
    many = [run for run in pod_runs(results, "fan-out-10000") if run.pods >= MANY_PODS]
    some = [run for run in pod_runs(results, "fan-out-1000") if run.pods >= WIDE_PODS]
    if not many or not some:
        return None
    (few, least), (most, largest) = _settled(some), _settled(many)
    return (largest - least) / KB / (most - few)


def _settled(runs: Sequence[PodRun]) -> tuple[int, float]:
    """Return how many pods runs had, and what they added to the idle operator's memory."""
    added = statistics.median(run.cost.rss_settled - run.cost.rss_before for run in runs)
    return runs[0].pods, added


def _running(results: Sequence[Result]) -> float | None:
    runs = [run for run in pod_runs(results, "running") if run.at_once >= RUNNING_PODS]
    return _median(
        (run.cost.rss_peak - run.cost.rss_quarter) / KB / (run.at_once - run.pods // 4)
        for run in runs
    )


def _start(results: Sequence[Result]) -> float | None:
    return _median(run.at_work for run in pod_runs(results, "crowd") if run.beside >= CROWD)


def _cold(results: Sequence[Result]) -> float | None:
    runs = [run for run in pod_runs(results) if run.scenario != "crowd"]
    return _median(run.cold_start for run in runs)


def _paced(pick: Callable[[PacedRun], float | None], *shapes: str) -> Pick:
    def found(results: Sequence[Result]) -> float | None:
        runs = [run for run in results if isinstance(run, DispatchRun)]
        paced = [one for run in runs for one in run.paced if _is_judged(one)]
        each = [_median(pick(one) for one in paced if one.shape == name) for name in shapes]
        return max((value for value in each if value is not None), default=None)

    return found


def _is_judged(run: PacedRun) -> bool:
    return run.wanted == PACE and run.tasks >= PACED_TASKS


def _dispatch_ratio(results: Sequence[Result]) -> float | None:
    runs = [run for run in results if isinstance(run, DispatchRun)]
    return _median(
        100 * run.ratio
        for run in runs
        if any(one.wanted is None and one.tasks >= UNPACED_TASKS for one in run.paced)
    )


def _dispatch_p50(run: PacedRun) -> float | None:
    return 1000 * run.dispatch.p50 if run.dispatch else None


def _dispatch_p99(run: PacedRun) -> float | None:
    return 1000 * run.dispatch.p99 if run.dispatch else None


def _entered_p99(run: PacedRun) -> float | None:
    return 1000 * run.entered.p99 if run.entered else None


def _each(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple((name,) for name in names)


_CHAIN = ("chain",)
_PHASES_P99 = _paced(_entered_p99, "phases")

TARGETS = (
    Target(
        "pods/s to the raw limit, worst wide graph (all tasks ready at once)",
        "%",
        80,
        True,
        _ratio(WIDE),
        _each(WIDE),
    ),
    Target("pods/s to the raw limit, 500 workflows of one", "%", 80, True, _ratio(MANY), (MANY,)),
    Target("hop in a chain, p50", "ms", 20, False, _hop(_CHAIN, _p50, CHAIN_HOPS), (_CHAIN,)),
    Target("hop in a chain, p99", "ms", 100, False, _hop(_CHAIN, _p99, CHAIN_HOPS), (_CHAIN,)),
    Target(
        "hop under full load (layers), p99",
        "ms",
        1000,
        False,
        _hop(LOADED, _p99, LOADED_HOPS),
        _each(LOADED),
    ),
    Target(
        "writes a pod task beyond create and delete, wide graphs and layers",
        "",
        2,
        False,
        _writes,
        _each(AMORTISED),
    ),
    Target("CPU a task at 10,000 to that at 100", "times", 1.2, False, _growth, GROWN),
    Target("operator's memory, idle, empty cluster", "MB", 120, False, _idle),
    Target("memory a finished task", "kB", 1.5, False, _finished, ENDED),
    Target("memory a running task", "kB", 6, False, _running, (("running",),)),
    Target(
        "start beside 10,000 workflows of ten tasks (2,000 open), to the first pod",
        "s",
        10,
        False,
        _start,
        (("crowd",),),
    ),
    Target("dispatch to the raw limit of Lease patches", "%", 80, True, _dispatch_ratio, POOL),
    Target(
        "dispatch of what is ready at 200 a second, worse shape, p50",
        "ms",
        20,
        False,
        _paced(_dispatch_p50, *READY),
        POOL,
    ),
    Target(
        "dispatch of what is ready at 200 a second, worse shape, p99",
        "ms",
        100,
        False,
        _paced(_dispatch_p99, *READY),
        POOL,
    ),
    Target("hop into a new phase at 200 a second, p99", "ms", 1000, False, _PHASES_P99, POOL),
    Target("cold start to the first pass, empty cluster", "s", 2, False, _cold),
)


def verdicts(results: Sequence[Result]) -> list[Verdict]:
    """Return what was reached of every target."""
    return [_verdict(target, results) for target in TARGETS]


def _verdict(target: Target, results: Sequence[Result]) -> Verdict:
    reached = target.reached(results)
    names = {run.scenario for run in results if isinstance(run, DispatchRun) or run.engine == OWN}
    return Verdict(target, reached, reached is None and any(map(names.issuperset, target.groups)))
