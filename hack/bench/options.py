"""The options of `python -m bench`; what cannot be asked for is refused before anything starts."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from pathlib import Path

from bench import engines, scenarios
from bench.errors import BenchError
from bench.plane import CLUSTER
from bench.scenarios import Scenario
from cluster.cli import cluster_name, span
from cluster.kwok import A_SECOND, Lasting

JITTERED = Lasting(500, 1500)
SETTLE_SECONDS = 3.0
FLAVOUR = "argo"


def factor(text: str) -> float:
    """Return what a size is to be multiplied by, or a number of cores; for argparse."""
    found = _number(text)
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0, such as 0.1")
    return found


def times(text: str) -> int:
    """Return how often something is to be done; for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def seconds(text: str) -> float:
    """Return a time to wait; for argparse."""
    found = _number(text)
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, 0 or more")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the operator on fake nodes, beside what a plain client can do.",
    )
    add = top.add_argument
    add("--scenario", action="append", default=[], choices=scenarios.names(), help="default: all")
    add("--runs", type=times, help="of each; default: 1, and 5 with --controller")
    add("--scale", type=factor, default=1.0, help="times the size of every scenario, such as 0.1")
    add("--quick", action="store_true", help="small sizes: under five minutes for all")
    either = top.add_mutually_exclusive_group().add_argument
    jitter = "pods run half a second to one and a half, not one second each"
    either("--jitter", action="store_const", const=JITTERED, default=A_SECOND, help=jitter)
    lasting = "how long pods run, in milliseconds; default: 1000-1000"
    either("--milliseconds", type=span, metavar="LEAST-MOST", help=lasting)
    add("--settle", type=seconds, default=SETTLE_SECONDS, help="seconds of quiet after each run")
    add("--output", type=Path, help="folder of the report; default: build/bench/TIME")
    add("--name", type=cluster_name, default=CLUSTER, help=f"the cluster's; default: {CLUSTER}")
    add(
        "--cpus",
        type=factor,
        default=0.0,
        help="cores' time that each engine may use; default: all",
    )
    add("--controller", type=Path, help="another engine's controller, to be compared")
    add("--manifests", type=Path, help="its folder of CustomResourceDefinitions and the like")
    add("--flavour", choices=sorted(engines.FLAVOURS), help=f"its objects; default: {FLAVOUR}")
    add("--arguments", help="its command line; {namespace} is where workflows are")
    return top


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what is asked for.

    Raises:
        SystemExit: It cannot be; a sentence on standard error says why.
    """
    top = parser()
    given = top.parse_args(arguments)
    if given.controller is None:
        for name in ("manifests", "flavour", "arguments"):
            if getattr(given, name) is not None:
                top.error(f"--{name} is about another engine, and needs --controller")
    elif given.manifests is None:
        top.error("--controller needs --manifests: the folder of its definitions")
    try:
        scenarios_of(given)
    except BenchError as error:
        top.error(str(error))
    return given


def scenarios_of(
    given: argparse.Namespace, among: Sequence[Scenario] = scenarios.SCENARIOS
) -> list[Scenario]:
    """Return the scenarios that are asked for, in their sizes.

    Raises:
        BenchError: One that is named has no small size.
    """
    wanted, quick, scale = given.scenario, given.quick, given.scale
    found = scenarios.chosen(wanted, quick=quick, factor=scale, among=among)
    missing = sorted(set(wanted) - {scenario.name for scenario in found})
    if missing:
        raise BenchError(f"there is no small {', '.join(missing)}: leave out --quick")
    return found


def make_folder(folder: Path) -> None:
    """Make the folder of a report.

    Raises:
        BenchError: It cannot be made, or nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"--output: {folder} cannot be a folder: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise BenchError(f"--output: nothing can be written into {folder}")
