"""The report as text: tables for the terminal, which are Markdown too."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from bench.results import DispatchRun, Machine, PodRun, Report
from bench.scenarios import SCENARIOS
from bench.targets import Verdict, verdicts, writes

MIB, GIB = 1024**2, 1024**3
NONE = "-"
TOP = 8
"""Kinds of requests that are listed."""

Row = Sequence[str]


def table(head: Row, rows: Iterable[Row]) -> str:
    """Return a Markdown table whose columns line up."""
    whole = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in whole) for column in range(len(head))]

    def line(cells: Row) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = line(["-" * width for width in widths])
    return "\n".join([line(head), rule, *map(line, whole[1:])])


def render(report: Report) -> str:
    """Return the whole report."""
    pods = [run for run in report.runs if isinstance(run, PodRun)]
    dispatch = [run for run in report.runs if isinstance(run, DispatchRun)]
    parts = [_told(report.machine, report.command), target_table(verdicts(report.runs))]
    parts += [f"FAILED: {what}" for what in report.failures]
    if pods:
        parts += [_runs(pods), _costs(pods), _requests(pods)]
    parts += map(_dispatch, dispatch)
    return "\n\n".join(parts) + "\n"


def _told(machine: Machine, command: str) -> str:
    load = " ".join(f"{number:.2f}" for number in machine.load)
    return (
        f"`{command}` at commit {machine.commit}: {machine.cores} cores of {machine.model},"
        f" {machine.memory / GIB:.0f} GiB, Linux {machine.kernel}; load when it began: {load}"
    )


def target_table(found: Sequence[Verdict]) -> str:
    """Return every target with its limit, what was reached and the verdict."""
    rows = []
    for verdict in found:
        target = verdict.target
        sign = "≥" if target.least else "≤"
        limit = f"{sign} {target.limit:g} {target.unit}".rstrip()
        reached = NONE if verdict.reached is None else f"{number(verdict.reached)} {target.unit}"
        rows.append([target.what, limit, reached.rstrip(), verdict.word])
    return table(["Target", "Limit", "Reached", "Verdict"], rows)


def number(value: float) -> str:
    """Return a number with three digits that mean something, never in powers of ten."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _grouped(runs: Sequence[PodRun]) -> list[list[PodRun]]:
    """Return the runs by scenario and engine, in the order of the scenarios."""
    order = [scenario.name for scenario in SCENARIOS]

    def key(run: PodRun) -> tuple[int, str]:
        return order.index(run.scenario), run.engine

    return [list(group) for _, group in groupby(sorted(runs, key=key), key)]


def _of(runs: Sequence[PodRun], pick: Callable[[PodRun], float | None], form: str) -> str:
    """Return the median, with the range where there are several runs."""
    found = [value for value in map(pick, runs) if value is not None]
    if not found:
        return NONE
    middle = format(statistics.median(found), form)
    if len(found) == 1:
        return middle
    return f"{middle} ({format(min(found), form)} to {format(max(found), form)})"


def _hop(percentile: str) -> Callable[[PodRun], float | None]:
    return lambda run: 1000 * getattr(run.hops, percentile) if run.hops else None


def _runs(runs: Sequence[PodRun]) -> str:
    head = ["Scenario", "Engine", "Runs", "Pods", "Makespan s", "Pods/s", "Raw pods/s", "Ratio %"]
    rows = [
        [
            group[0].scenario,
            group[0].engine,
            str(len(group)),
            f"{group[0].pods:,}",
            _of(group, lambda run: run.makespan, ".1f"),
            _of(group, lambda run: run.rate, ".1f"),
            _of(group, lambda run: run.raw_rate, ".1f"),
            _of(group, lambda run: 100 * run.ratio if run.ratio else None, ".0f"),
            *(_of(group, _hop(name), ".0f") for name in ("p50", "p95", "p99")),
            _of(group, lambda run: run.at_work, ".1f"),
            _of(group, lambda run: run.start_cpu, ".2f"),
        ]
        for group in _grouped(runs)
    ]
    return table([*head, "Hop p50 ms", "p95", "p99", "First pod after s", "CPU s till then"], rows)


def _costs(runs: Sequence[PodRun]) -> str:
    head = [
        "Scenario",
        "Engine",
        "CPU s/1,000",
        "Waited for a core s",
        "RSS before MiB",
        "Peak MiB",
    ]
    rows = [
        [
            group[0].scenario,
            group[0].engine,
            _of(group, lambda run: 1000 * run.cost.cpu / run.pods, ".2f"),
            _of(group, lambda run: run.cost.starved, ".1f"),
            _of(group, lambda run: run.cost.rss_before / MIB, ".0f"),
            _of(group, lambda run: run.cost.rss_peak / MIB, ".0f"),
            _of(group, lambda run: run.cost.rss_settled / MIB, ".0f"),
            _of(group, _requests_a_task, ".2f"),
            _of(group, _writes_a_task, ".2f"),
            _of(group, _bytes_a_task, ".0f"),
            _of(group, lambda run: _plane_a_task(run, "kube-apiserver"), ".2f"),
        ]
        for group in _grouped(runs)
    ]
    last = ["Settled MiB", "Requests/task", "Writes/task", "Bytes/task", "API server CPU s/1,000"]
    return table([*head, *last], rows)


def _requests_a_task(run: PodRun) -> float | None:
    requests = run.cost.requests
    return sum(requests.values()) / run.pods if requests else None


def _writes_a_task(run: PodRun) -> float | None:
    return writes(run.cost.requests) / run.pods if run.cost.requests else None


def _bytes_a_task(run: PodRun) -> float | None:
    return run.cost.sent / run.pods if run.cost.requests else None


def _plane_a_task(run: PodRun, component: str) -> float | None:
    used = run.cost.plane.get(component)
    return None if used is None else 1000 * used / run.pods


def _requests(runs: Sequence[PodRun]) -> str:
    rows = []
    for group in _grouped(runs):
        run = group[-1]
        most = sorted(run.cost.requests.items(), key=lambda entry: -entry[1])[:TOP]
        each = ", ".join(f"{what} {count / run.pods:.2f}" for what, count in most)
        rows.append([run.scenario, run.engine, each or NONE])
    return table(["Scenario", "Engine", "Requests a task, by verb and resource"], rows)


def _dispatch(run: DispatchRun) -> str:
    head = [
        "What flows",
        "Rate",
        "Claims/s",
        "Timed",
        "Ready to claimed p50 ms",
        "p95",
        "p99",
        "Result to successor p50",
        "p95",
        "p99",
        "New phase p50",
    ]
    rows = []
    for paced in run.paced:
        spreads = (paced.dispatch, paced.chained, paced.entered)
        dispatch, chained, entered = (tuple(_ms(one)) for one in spreads)
        rows.append(
            [
                paced.shape,
                NONE if paced.wanted is None else f"{paced.wanted:g}",
                f"{paced.rate:.0f}",
                f"{paced.dispatch.count:,}" if paced.dispatch else NONE,
                *dispatch,
                *chained,
                *entered,
                f"{1000 * paced.cpu / paced.tasks:.2f}",
                f"{sum(paced.requests.values()) / paced.tasks:.2f}",
                str(paced.idle),
            ]
        )
    last = ["p95", "p99", "CPU ms/claim", "Requests/claim", "Nothing in hand"]
    raw = ", ".join(f"{rate:.0f}" for rate in run.raw)
    said = f"{run.scenario}: raw Lease patches a second before and after: {raw}"
    return f"{said}\n\n{table([*head, *last], rows)}"


def _ms(found: object) -> Iterable[str]:
    if found is None:
        return [NONE] * 3
    return [f"{1000 * getattr(found, name):.1f}" for name in ("p50", "p95", "p99")]
