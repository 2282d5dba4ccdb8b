"""The command line: `python -m profiling sample|count`."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import scenarios
from bench.errors import BenchError
from bench.programs import ROOT
from cluster.cli import cluster_name
from cluster.console import Console
from cluster.errors import ClusterError
from profiling import counts
from profiling.counts import Counts
from profiling.errors import ProfileError
from profiling.runs import profiled
from spectra_operator.kube.errors import KubeError

CLUSTER = "spectra-profile"
SCENARIOS = ("fan-out-1000",)
WORKLOADS = (
    "one-workflow",
    "fan-out-of-100",
    "chain-of-20",
    "fifty-workflows",
    "warm-chains",
    "warm-fan-out",
)
COUNT_SECONDS = 600.0
FAILURES = (BenchError, ClusterError, KubeError, ProfileError)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="python -m profiling", description="Where time goes.")
    top.add_argument("--output", type=Path, help="folder; default: build/profile/TIME")
    commands = top.add_subparsers(dest="command", required=True)
    sample = commands.add_parser("sample", help="look at an operator in scenarios of the benchmark")
    add = sample.add_argument
    add("--scenario", action="append", default=[], choices=scenarios.names(), help="which one")
    add("--quick", action="store_true", help="small sizes")
    add("--scale", type=float, default=1.0, help="times the size, such as 0.1")
    add("--name", type=cluster_name, default=CLUSTER, help=f"the cluster's; default: {CLUSTER}")
    count = commands.add_parser("count", help="count what the operator does in fixed workloads")
    add = count.add_argument
    add("--workload", action="append", default=[], choices=WORKLOADS, help="default: all")
    add("--against", type=Path, help="a folder of before, to be compared with")
    return top


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    given = parser().parse_args(arguments)
    folder: Path = given.output or ROOT / "build" / "profile" / _now()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if given.command == "sample":
            _sample(given, folder)
        else:
            _count(given.workload or list(WORKLOADS), given.against, folder)
    except FAILURES as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    Console().say(f"written: {folder}")
    return 0


def _sample(given: argparse.Namespace, folder: Path) -> None:
    wanted = given.scenario or list(SCENARIOS)
    for scenario in scenarios.chosen(wanted, quick=given.quick, factor=given.scale):
        Console().say(scenario.title)
        print(profiled(scenario, given.name, folder))


def _count(names: list[str], against: Path | None, folder: Path) -> None:
    before = {name: _read(against / f"{name}.json") for name in names} if against else {}
    for name in names:
        found = counted(name)
        (folder / f"{name}.json").write_text(json.dumps(found.as_json(), indent=1) + "\n")
        print(counts.render(found, before.get(name)))


def counted(workload: str) -> Counts:
    """Return the counts of a workload, from a process whose hashes have a fixed seed.

    Raises:
        ProfileError: It failed.
    """
    path = os.pathsep.join(filter(None, (str(ROOT / "tests"), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "profiling.workloads", workload],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=COUNT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise ProfileError(f"{workload}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return counts.from_json(json.loads(done.stdout))


def _read(path: Path) -> Counts:
    try:
        return counts.from_json(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError) as error:
        raise ProfileError(f"--against: {path.name} holds no counts: {error}") from None


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
