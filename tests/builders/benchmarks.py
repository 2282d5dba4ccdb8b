"""Results of the benchmark, and pods as it sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.results import (
    DispatchRun,
    EngineCost,
    Machine,
    PacedRun,
    PodRun,
    RawRun,
    Spread,
)
from spectra_operator.api import constants as c
from spectra_operator.kube.resources import Body

MIB = 1024 * 1024

MACHINE = Machine(2, "Model 1", 24 * 1024**3, "6.1", (0.5, 0.25, 0.125), "abcdef1234")


def a_spread(p50: float, p99: float, count: int = 900) -> Spread:
    """Return a distribution in seconds."""
    return Spread(count, p50, p99, p99, p99)


def a_cost(**fields: Any) -> EngineCost:
    """Return what an engine used: two seconds, 100 MiB that grow by two, one write a pod."""
    requests = {"create pods": 1000, "patch pods": 1000}
    cost = EngineCost(2.0, 0.1, 100 * MIB, 102 * MIB, 101 * MIB, 0, requests, 2e6, {})
    return replace(cost, **fields)


def a_pod_run(scenario: str = "fan-out-1000", **fields: Any) -> PodRun:
    """Return a run of a thousand pods in ten seconds, beside a raw limit of eight seconds."""
    run = PodRun(
        scenario=scenario,
        engine="spectra",
        run=0,
        pods=1000,
        makespan=10.0,
        hops=None,
        cold_start=1.5,
        at_work=1.8,
        start_cpu=1.4,
        cost=a_cost(),
        beside=0,
        at_once=500,
        raw=(RawRun(1000, 8.0, 3.0, 2.0), RawRun(1000, 8.0, 3.0, 2.0)),
    )
    return replace(run, **fields)


def a_paced_run(**fields: Any) -> PacedRun:
    """Return chains at 200 tasks a second, for ten seconds."""
    run = PacedRun(
        shape="chains",
        wanted=200.0,
        tasks=2000,
        seconds=10.0,
        dispatch=a_spread(0.010, 0.090),
        chained=a_spread(0.030, 0.120),
        entered=a_spread(0.060, 0.200),
        refilled=None,
        cpu=6.0,
        requests={"update leases": 1000},
        sent=6e6,
        idle=0,
    )
    return replace(run, **fields)


def a_dispatch_run(*paced: PacedRun, raw: tuple[float, ...] = (500.0, 500.0)) -> DispatchRun:
    """Return pool dispatch beside a raw limit of 500 patches a second."""
    return DispatchRun("dispatch", 0, paced or (a_paced_run(),), raw)


def a_pod(
    name: str = "flow-a",
    *,
    workflow: str = "flow",
    step: str = "only",
    task: str = "a",
    index: int | None = None,
    phase: str = "Pending",
    held: bool = True,
) -> Body:
    """Return a pod of our operator; `held` by its finalizer."""
    labels = {
        c.MANAGED_BY: c.MANAGER,
        c.LABEL_WORKFLOW: workflow,
        c.LABEL_PHASE: step,
        c.LABEL_TASK: task,
    }
    if index is not None:
        labels[c.LABEL_INDEX] = str(index)
    meta: Body = {"name": name, "labels": labels}
    if held:
        meta["finalizers"] = [c.RESULT_FINALIZER]
    container = {"name": "task", "image": "none"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [container], "restartPolicy": "Never"},
        "status": {"phase": phase},
    }
