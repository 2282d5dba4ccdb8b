"""The command line: `python -m bench`."""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from bench import engines, options, report
from bench.dispatch_runs import run_dispatch
from bench.engines import Engine
from bench.errors import BenchError
from bench.machine import this_machine
from bench.pictures import draw
from bench.plane import check_free, owned
from bench.pod_runs import Conditions, run_pods
from bench.programs import ROOT
from bench.results import Report, Result
from bench.scenarios import PodScenario, Scenario
from bench.targets import verdicts
from cluster.console import Console
from cluster.errors import ClusterError
from spectra_operator.kube.errors import KubeError

FAILURES = (BenchError, ClusterError, KubeError)
REFUSED = 2
"""The exit code for what cannot be done as asked: nothing was started."""
RUNS_OF_TWO = 5
"""How often each engine does each scenario when two are compared."""


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit code."""
    given = options.parsed(arguments)
    with ExitStack() as held:
        try:
            held.enter_context(owned(given.name))
            bench = Bench(given, shlex.join(["python", "-m", "bench", *arguments]))
        except FAILURES as error:
            print(f"error: {error}", file=sys.stderr)
            return REFUSED
        try:
            return bench.run()
        except FAILURES as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"interrupted; {bench.so_far()}", file=sys.stderr)
            return 130


class Bench:
    """One benchmark: its scenarios, engines and runs, and its report."""

    def __init__(self, given: argparse.Namespace, command: str) -> None:
        """Look at what is asked for.

        Raises:
            BenchError: The other engine's files are not there, the report cannot be written, or
                the cluster is somebody's.
        """
        self._given = given
        self._console = Console()
        self._engines = _engines(given)
        self._folder: Path = given.output or ROOT / "build" / "bench" / _now()
        check_free(given.name)
        options.make_folder(self._folder)
        self._report = Report(this_machine(), command)

    def run(self) -> int:
        """Run everything and report; the report is written again after each run.

        Returns:
            1 if a run came to no end, which does not keep the others from theirs.
        """
        given = self._given
        lasting = given.milliseconds or given.jitter
        conditions = Conditions(given.name, lasting, given.settle, self._folder)
        for scenario in options.scenarios_of(given):
            for engine, run in self._planned(scenario):
                self._measure(scenario, engine, run, conditions)
                write(self._folder, self._report)
        pictures = draw(self._folder, self._report.runs)
        print(report.render(self._report))
        self._console.say(f"report.md, results.json and {len(pictures)} pictures: {self._folder}")
        return 1 if self._report.failures else 0

    def so_far(self) -> str:
        """Return what there is of it now, and where."""
        done = "what was measured until then" if self._report.runs else "nothing was measured"
        return f"{done}: {self._folder}"

    def _planned(self, scenario: Scenario) -> list[tuple[Engine, int]]:
        """Return the runs of a scenario, the engines in turn and in alternating order."""
        runs = self._given.runs or (RUNS_OF_TWO if len(self._engines) > 1 else 1)
        # Warm workers are ours alone.
        able = self._engines if isinstance(scenario, PodScenario) else self._engines[:1]
        return [(engine, run) for run in range(runs) for engine in in_turn(able, run)]

    def _measure(
        self, scenario: Scenario, engine: Engine, run: int, conditions: Conditions
    ) -> None:
        what = f"{scenario.title}: {engine.name}, run {run + 1}"
        self._console.say(what)
        try:
            self._report.runs.append(_measured(scenario, engine, run, conditions))
        except (*FAILURES, ExceptionGroup) as error:
            self._report.failures.append(f"{what}: {'; '.join(causes(error))}")
            self._console.say(self._report.failures[-1])


def _measured(scenario: Scenario, engine: Engine, run: int, conditions: Conditions) -> Result:
    if isinstance(scenario, PodScenario):
        return run_pods(scenario, engine, run, conditions)
    return run_dispatch(scenario, run, conditions)


def causes(error: BaseException) -> list[str]:
    """Return what went wrong, each cause once: those of a group of errors, however deep."""
    if isinstance(error, BaseExceptionGroup):
        return list(dict.fromkeys(cause for one in error.exceptions for cause in causes(one)))
    return [str(error) or type(error).__name__]


def in_turn(found: Sequence[Engine], run: int) -> list[Engine]:
    """Return the engines in the order of a run: the other way round in every second one."""
    return list(found) if run % 2 == 0 else list(reversed(found))


def write(folder: Path, whole: Report) -> None:
    """Write the report: text and JSON."""
    (folder / "report.md").write_text(report.render(whole))
    told = {
        "command": whole.command,
        "machine": asdict(whole.machine),
        "targets": [
            {
                "what": verdict.target.what,
                "limit": verdict.target.limit,
                "unit": verdict.target.unit,
                "reached": verdict.reached,
                "verdict": verdict.word,
            }
            for verdict in verdicts(whole.runs)
        ],
        "runs": [asdict(run) for run in whole.runs],
        "failures": whole.failures,
    }
    (folder / "results.json").write_text(json.dumps(told, indent=2) + "\n")


def _engines(given: argparse.Namespace) -> list[Engine]:
    own = engines.Operator(given.cpus)
    if given.controller is None:
        return [own]
    flavour, arguments = given.flavour or options.FLAVOUR, given.arguments or ""
    other = engines.another(given.controller, given.manifests, flavour, arguments, given.cpus)
    return [own, other]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
