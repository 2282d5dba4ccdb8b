"""The command line: `python -m profiling sample|count|memory`."""

from __future__ import annotations

import argparse
import datetime
import json
import linecache
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import scenarios
from bench.cli import REFUSED
from bench.errors import BenchError
from bench.options import factor, make_folder, scenarios_of
from bench.plane import check_free, owned
from bench.programs import ROOT
from bench.scenarios import Scenario
from cluster.cli import cluster_name
from cluster.console import Console
from cluster.errors import ClusterError
from profiling import counts, memory
from profiling.apart import told
from profiling.counts import Counts
from profiling.errors import ProfileError
from profiling.memory import Memory, Site
from profiling.runs import profiled
from spectra_operator.kube.errors import KubeError

CLUSTER = "spectra-profile"
SCENARIOS = ("fan-out-1000",)
ALL = (*scenarios.SCENARIOS, scenarios.UNPACED, scenarios.START)
WORKLOADS = (
    "one-workflow",
    "fan-out-of-100",
    "chain-of-20",
    "fifty-workflows",
    "warm-chains",
    "warm-fan-out",
)
ABOUT = "Where time goes. Exit code 2: refused, and nothing was started; 1: it failed."
FAILURES = (BenchError, ClusterError, KubeError, ProfileError)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="python -m profiling", description=ABOUT)
    top.add_argument("--output", type=Path, help="folder; default: build/profile/TIME")
    commands = top.add_subparsers(dest="command", required=True)
    sample = commands.add_parser("sample", help="look at an operator in scenarios of the benchmark")
    add = sample.add_argument
    add("--scenario", action="append", default=[], choices=scenarios.names(ALL), help="which one")
    add("--quick", action="store_true", help="small sizes")
    add("--scale", type=factor, default=1.0, help="times the size, such as 0.1")
    add("--name", type=cluster_name, default=CLUSTER, help=f"the cluster's; default: {CLUSTER}")
    count = commands.add_parser("count", help="count what the operator does in fixed workloads")
    add = count.add_argument
    add("--workload", action="append", default=[], choices=WORKLOADS, help="default: all")
    add("--against", type=Path, help="a folder of before, to be compared with")
    commands.add_parser("memory", help="what a task keeps in memory, by line of the operator")
    return top


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    given = parser().parse_args(arguments)
    folder: Path = given.output or ROOT / "build" / "profile" / _now()
    with ExitStack() as held:
        try:
            work = _work(given, folder, held)
        except FAILURES as error:
            print(f"error: {error}", file=sys.stderr)
            return REFUSED
        try:
            work()
        except FAILURES as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            done = "what there was until then" if any(folder.iterdir()) else "nothing was measured"
            print(f"interrupted; {done}: {folder}", file=sys.stderr)
            return 130
    Console().say(f"written: {folder}")
    return 0


def _work(given: argparse.Namespace, folder: Path, held: ExitStack) -> Callable[[], None]:
    """Return what is to be done; what it needs to itself is `held`.

    Raises:
        BenchError: It cannot be done as asked.
        ClusterError: What is known of the cluster cannot be read.
        ProfileError: What is to be compared with is not there.
    """
    make_folder(folder)
    if given.command == "memory":
        return partial(_memory, folder)
    if given.command == "count":
        names = given.workload or list(WORKLOADS)
        before = {name: _read(given.against, name) for name in names} if given.against else {}
        return partial(_count, names, before, folder)
    given.scenario = given.scenario or list(SCENARIOS)
    chosen = scenarios_of(given, ALL)
    held.enter_context(owned(given.name))
    check_free(given.name)
    return partial(_sample, chosen, given.name, folder)


def _sample(chosen: Sequence[Scenario], cluster: str, folder: Path) -> None:
    for scenario in chosen:
        Console().say(scenario.title)
        print(profiled(scenario, cluster, folder))


def _count(names: Sequence[str], before: Mapping[str, Counts], folder: Path) -> None:
    for name in names:
        found = counted(name)
        (folder / f"{name}.json").write_text(json.dumps(found.as_json(), indent=1) + "\n")
        print(counts.render(found, before.get(name)))


def counted(workload: str) -> Counts:
    """Return the counts of a workload, from a process whose hashes have a fixed seed.

    Raises:
        ProfileError: It failed.
    """
    late = "count one workload at a time, on a machine at rest"
    return told(["profiling.workloads", workload], counts.from_json, late)


def remembered() -> Memory:
    """Return what a task keeps in memory, from a process of its own.

    Raises:
        ProfileError: It failed.
    """
    return told(["profiling.retained"], memory.from_json, "measure on a machine at rest")


def _memory(folder: Path) -> None:
    found = remembered()
    (folder / "memory.json").write_text(json.dumps(found.as_json(), indent=1) + "\n")
    report = memory.render(found, _text_of)
    (folder / "memory.md").write_text(report)
    print(report)


def _text_of(site: Site) -> str:
    return linecache.getline(str(ROOT / "operator" / site.file), site.line).strip()


def _read(folder: Path, workload: str) -> Counts:
    path = folder / f"{workload}.json"
    try:
        found = counts.from_json(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ProfileError(
            f"--against: {path.name} holds no counts: {why}; make them by"
            f" `python -m profiling --output {folder} count --workload {workload}`"
        ) from None
    if found.workload != workload:
        raise ProfileError(f"--against: {path.name} has the counts of {found.workload}")
    return found


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
