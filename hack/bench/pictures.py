"""The report as pictures: SVG files beside the tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.results import DispatchRun, PodRun, Result, Spread
from bench.scenarios import SCENARIOS
from bench.targets import TARGETS, cpu_a_task, pod_runs

MIB = 1024 * 1024
WIDTH, HEIGHT = 8.0, 4.2
BLUE, ORANGE, GREEN, GREY = "#2b6cb0", "#dd6b20", "#2f855a", "#a0aec0"
COLOURS = (BLUE, ORANGE, GREEN)
FAN_OUTS = ("fan-out-100", "fan-out-1000", "fan-out-10000")

Draw = Callable[[Any, Sequence[Result]], bool]
"""Draws on axes; returns False if there is nothing to draw."""


def draw(folder: Path, results: Sequence[Result]) -> list[Path]:
    """Write all pictures for which something was measured, and return their paths.

    They have no date and ids that do not change, so that equal results give equal files.
    """
    found = []
    with mpl.rc_context({"svg.hashsalt": "spectra", "font.size": 9}):
        for name, paint in PICTURES.items():
            figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
            if paint(figure.subplots(), results):
                path = folder / f"{name}.svg"
                figure.savefig(path, metadata={"Date": None})
                found.append(path)
    return found


def throughput(axes: Any, results: Sequence[Result]) -> bool:
    """Draw pods a second of each engine beside the raw limit."""
    runs = _pod_runs(results)
    bars: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        bars.setdefault(run.engine, {}).setdefault(run.scenario, []).append(run.rate)
        if run.raw_rate:
            bars.setdefault("no engine", {}).setdefault(run.scenario, []).append(run.raw_rate)
    _bars(axes, bars)
    axes.set_title("Pods a second")
    axes.set_xlabel("pods a second, from the first request to the last workflow ended")
    return bool(runs)


def hop_latency(axes: Any, results: Sequence[Result]) -> bool:
    """Draw the hop latency of each scenario that has hops."""
    runs = [run for run in _pod_runs(results) if run.hops is not None]
    bars: dict[str, dict[str, list[float]]] = {"p50": {}, "p95": {}, "p99": {}}
    for run in runs:
        for name, found in bars.items():
            label = run.scenario if run.engine == "spectra" else f"{run.scenario}, {run.engine}"
            found.setdefault(label, []).append(1000 * getattr(run.hops, name))
    _bars(axes, bars)
    axes.set_title("Hop latency: the last predecessor's end to the successor accepted")
    axes.set_xlabel("milliseconds")
    axes.set_xscale("log")
    return bool(runs)


def cost_by_size(axes: Any, results: Sequence[Result]) -> bool:
    """Draw the processor time a task over the size of the fan-out, with the target."""
    points: dict[int, float] = {}
    for runs in (pod_runs(results, name) for name in FAN_OUTS):
        cost = cpu_a_task(runs, runs[0].scenario) if runs else None
        if cost is not None:
            points[runs[0].pods] = 1000 * cost
    if len(points) < 2:
        return False
    axes.plot(list(points), list(points.values()), marker="o", color=BLUE, label="operator")
    first = min(points)
    growth = next(target.limit for target in TARGETS if target.unit == "times")
    axes.axhline(growth * points[first], color=GREY, linestyle="--", label=f"{growth:g} times")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_title("Processor time a task")
    axes.set_xlabel("items of the fan-out")
    axes.set_ylabel("milliseconds")
    axes.legend()
    return True


def memory(axes: Any, results: Sequence[Result]) -> bool:
    """Draw the memory of each engine: at its peak and settled."""
    runs = _pod_runs(results)
    bars: dict[str, dict[str, list[float]]] = {"before": {}, "peak": {}, "settled": {}}
    for run in runs:
        label = run.scenario if run.engine == "spectra" else f"{run.scenario}, {run.engine}"
        for name, found in bars.items():
            found.setdefault(label, []).append(getattr(run.cost, f"rss_{name}") / MIB)
    _bars(axes, bars)
    axes.set_title("Memory")
    axes.set_xlabel("MiB")
    return bool(runs)


def dispatch(axes: Any, results: Sequence[Result]) -> bool:
    """Draw the dispatch latency over the rate."""
    runs = [run for run in results if isinstance(run, DispatchRun)]
    for shape, colour in zip(("chains", "fan-outs"), COLOURS, strict=False):
        for percentile, style in (("p50", "-"), ("p99", "--")):
            points: dict[float, list[float]] = {}
            for one in (paced for run in runs for paced in run.paced if paced.shape == shape):
                if one.wanted is not None and one.dispatch is not None:
                    points.setdefault(one.wanted, []).append(
                        _milliseconds(one.dispatch, percentile)
                    )
            medians = [statistics.median(points[rate]) for rate in sorted(points)]
            label = f"{shape}, {percentile}"
            axes.plot(sorted(points), medians, style, marker="o", color=colour, label=label)
    axes.set_title("Pool dispatch: ready to claimed")
    axes.set_xlabel("tasks that end each second")
    axes.set_ylabel("milliseconds")
    axes.legend()
    return bool(runs)


PICTURES: dict[str, Draw] = {
    "throughput": throughput,
    "hop-latency": hop_latency,
    "cost-by-size": cost_by_size,
    "memory": memory,
    "dispatch": dispatch,
}


def _pod_runs(results: Sequence[Result]) -> list[PodRun]:
    return [run for run in results if isinstance(run, PodRun)]


def _milliseconds(found: Spread, percentile: str) -> float:
    value: float = getattr(found, percentile)
    return 1000 * value


def _bars(axes: Any, bars: dict[str, dict[str, list[float]]]) -> None:
    """Draw horizontal bars: a group for each label, a bar for each series, medians of runs."""
    labels = list(dict.fromkeys(label for found in bars.values() for label in found))
    order = [scenario.name for scenario in SCENARIOS]
    labels.sort(key=lambda label: order.index(label.partition(",")[0]))
    thick = 0.8 / max(len(bars), 1)
    for number, (series, found) in enumerate(bars.items()):
        present = [label for label in labels if label in found]
        places = [labels.index(label) + (number + 0.5) * thick - 0.4 for label in present]
        lengths = [statistics.median(found[label]) for label in present]
        colour = GREY if series == "no engine" else COLOURS[number % len(COLOURS)]
        drawn = axes.barh(places, lengths, height=thick, label=series, color=colour)
        axes.bar_label(drawn, fmt="{:.3g}", padding=2, fontsize=7)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    if bars:
        axes.legend()
