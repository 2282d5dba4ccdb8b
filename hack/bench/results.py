"""What was measured, as it stands in the JSON file. Times are seconds, sizes bytes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution.

    Attributes:
        count: How many values there were.
        p50: The median; the others likewise.
    """

    count: int
    p50: float
    p95: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True)
class RawRun:
    """What a plain client did without an engine, on the same plane.

    Attributes:
        pods: How many pods it made.
        makespan: From the first create to the last pod ended and without finalizer.
        created: From the first create to the last pod accepted.
        deleted: How long the deletes took that came afterwards.
    """

    pods: int
    makespan: float
    created: float
    deleted: float

    @property
    def rate(self) -> float:
        """Pods a second."""
        return self.pods / self.makespan


@dataclass(frozen=True, slots=True)
class EngineCost:
    """What an engine used during a run.

    Attributes:
        cpu: Seconds of its processor time.
        starved: Seconds that it could have run and others did.
        rss_before: Its memory just before.
        rss_peak: The most that it ever had.
        rss_quarter: Its memory when a quarter of the pods were there; 0 where nobody looked.
        rss_settled: Its memory some seconds after the end.
        requests: Its requests by verb and resource; empty for an engine that does not tell.
        sent: Bytes in their bodies.
        plane: Seconds of processor time of each component of the control plane.
    """

    cpu: float
    starved: float
    rss_before: int
    rss_peak: int
    rss_settled: int
    rss_quarter: int
    requests: dict[str, int] = field(default_factory=dict)
    sent: float = 0.0
    plane: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PodRun:
    """One run of a scenario whose tasks are pods.

    Attributes:
        scenario: Its name.
        engine: Which engine did it.
        run: Number of the run, from 0.
        pods: How many pods it took.
        makespan: From the first request that applied a workflow to the last one seen finished.
        hops: From the last predecessor's end to the successor accepted, as one watch saw both.
        cold_start: From the engine's start to its first pass; None if it does not tell.
        at_work: From the engine's start to the first pod of a workflow that was there already.
        start_cpu: Seconds of processor time that the engine had used when that pod was seen.
        cost: What the engine used during the scenario.
        beside: How many other workflows there were before the engine started.
        at_once: How many pods there were at the same time that had not ended, at most.
        raw: The raw limit before and after, on the same plane.
        gaps: How often the harness's watch had to list again.
    """

    scenario: str
    engine: str
    run: int
    pods: int
    makespan: float
    hops: Spread | None
    cold_start: float | None
    at_work: float
    start_cpu: float
    cost: EngineCost
    beside: int
    at_once: int
    raw: tuple[RawRun, ...] = ()
    gaps: int = 0

    @property
    def rate(self) -> float:
        """Pods a second."""
        return self.pods / self.makespan

    @property
    def raw_rate(self) -> float | None:
        """Pods a second of the plain client: the mean of before and after."""
        return statistics.mean(raw.rate for raw in self.raw) if self.raw else None

    @property
    def ratio(self) -> float | None:
        """The engine's rate to the plain client's."""
        return self.rate / self.raw_rate if self.raw_rate else None


@dataclass(frozen=True, slots=True)
class PacedRun:
    """Warm workers given tasks at one rate.

    Attributes:
        shape: What flows: `chains`, where each end makes a task ready, `fan-outs`, where it makes
            room for one, or `phases`, where every tenth end makes a phase ready.
        wanted: Tasks a second that should have ended; None for as many as can.
        tasks: How many ended.
        seconds: How long that took.
        dispatch: Ready to claimed, inside the operator.
        chained: From sending a result to the arrival of the claim that follows from it.
        entered: From the answer to the last result of a phase to the first claims of the next one.
        refilled: From sending a result to the next claim for its slot.
        cpu: Seconds of the operator's processor time.
        requests: Its requests by verb and resource.
        sent: Bytes in their bodies.
        idle: How often a task should have ended and none was in hand.
    """

    shape: str
    wanted: float | None
    tasks: int
    seconds: float
    dispatch: Spread | None
    chained: Spread | None
    entered: Spread | None
    refilled: Spread | None
    cpu: float
    requests: dict[str, int]
    sent: float
    idle: int

    @property
    def rate(self) -> float:
        """Tasks a second."""
        return self.tasks / self.seconds


@dataclass(frozen=True, slots=True)
class DispatchRun:
    """Pool dispatch at rising rates, and the raw limit of Lease patches before and after.

    Attributes:
        scenario: Its name.
        run: Number of the run, from 0.
        paced: One for each rate, and at last one without a pace.
        raw: Lease patches a second of a plain client, before and after.
    """

    scenario: str
    run: int
    paced: tuple[PacedRun, ...]
    raw: tuple[float, ...]

    @property
    def raw_rate(self) -> float:
        """Lease patches a second of the plain client."""
        return statistics.mean(self.raw)

    @property
    def ratio(self) -> float:
        """Tasks a second without a pace, to the plain client's patches."""
        return max(run.rate for run in self.paced) / self.raw_rate


Result = PodRun | DispatchRun


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured.

    Attributes:
        cores: Processor cores.
        model: What they are called.
        memory: Bytes of memory.
        kernel: The kernel's release.
        load: Load averages when the benchmark began.
        commit: The commit of this checkout.
    """

    cores: int
    model: str
    memory: int
    kernel: str
    load: tuple[float, float, float]
    commit: str


@dataclass(slots=True)
class Report:
    """All of a benchmark up to now.

    Attributes:
        machine: Where it runs.
        command: How it was asked for.
        runs: What was measured.
        failures: Runs that came to no end, with the reason.
    """

    machine: Machine
    command: str
    runs: list[Result] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def spread(values: Sequence[float]) -> Spread | None:
    """Return the distribution of values; None without any."""
    if not values:
        return None
    found = sorted(values)
    last = len(found) - 1
    p50, p95, p99 = (found[min(len(found) * p // 100, last)] for p in (50, 95, 99))
    return Spread(len(found), p50, p95, p99, found[last])
