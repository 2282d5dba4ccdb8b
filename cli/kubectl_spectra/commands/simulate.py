"""simulate: a whole workflow on a virtual clock, and what a change would do to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
from rich.table import Table

from spectra_operator.core.insight.durations import Observed
from spectra_operator.core.simulation.simulate import Simulation, Variation, simulate, what_if
from spectra_operator.core.simulation.spec import Assumptions

from .. import errors, simulating
from ..errors import UsageProblem
from ..observing import observed
from ..output import machine, machine_option, print_table
from ..session import Session, cluster_options
from ..specs import Loaded, agents_of_cluster, load
from ..words import one_line
from .common import ALL, end
from .understand import SOURCE

CRITICAL_SHOWN = 12
"""Tasks of the critical path that are named without --all."""
NOTES_SHOWN = 5
"""Assumptions that are named without --all."""


@click.command(name="simulate")
@SOURCE
@click.option(
    "--parallelism",
    type=click.IntRange(min=1),
    multiple=True,
    metavar="COUNT",
    help="What if the workflow had this parallelism? May come often.",
)
@click.option(
    "--agent",
    "agents",
    multiple=True,
    metavar="NAME=COUNT",
    help="What if the agent had this concurrency? May come often.",
)
@click.option(
    "--durations",
    metavar="FILE",
    help="YAML: seconds of an attempt by phase/task, by agent, or under '*'.",
)
@click.option("--from-observed", is_flag=True, help="Take durations and agents of the cluster.")
@click.option(
    "--items",
    multiple=True,
    metavar="PHASE/TASK=COUNT",
    help="Items of a task whose items depend on outputs.",
)
@click.option(
    "--skip",
    "skipped",
    multiple=True,
    metavar="PHASE[/TASK]",
    help="Take this condition (when) to be false.",
)
@click.option(
    "--fail",
    multiple=True,
    metavar="PHASE/TASK=CHANCE",
    help="Chance from 0 to 1 that an attempt fails; also by agent, or under '*'.",
)
@click.option("--seed", default="", help="Draw durations from all that were observed.")
@ALL
@machine_option()
@cluster_options
@click.pass_obj
def simulate_(session: Session, /, sources: tuple[str, ...], **options: Any) -> None:
    """Run a workflow on a virtual clock: how long it takes, what decides, what a change would do.

    The operator's own decisions are made; attempts take the time that is given, observed, planned
    (task.plan.durationSeconds), or else 60 s. The exit code is 1 if it would not succeed.
    """
    asked = _Asked(**options)
    loaded = load(session, sources)
    assumed = _assumptions(session, loaded, asked)
    result = simulate(loaded.spec, assumed, loaded.name)
    if result.problems:
        for problem in result.problems:
            session.note(f"error: {loaded.name}: {problem}")
        end(errors.FAILED)
    agents = simulating.numbers(asked.agents, "--agent", 1)
    known = simulating.Names.of(loaded.spec, simulating.eligible(loaded.spec, assumed.profiles))
    simulating.check_names("--agent", agents, known.agents)
    changes = simulating.variations(asked.parallelism, agents)
    compared = what_if(loaded.spec, assumed, changes)
    if asked.output:
        session.say(machine(simulating.as_data(result, compared), asked.output))
    else:
        title = loaded.kind.title(loaded.name)
        _Report(session, title, result, compared, assumed.agents, asked.everything).show()
    end(errors.OK if str(result.state) == "Succeeded" else errors.FAILED)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options as they were given."""

    parallelism: tuple[int, ...]
    agents: tuple[str, ...]
    durations: str | None
    from_observed: bool
    items: tuple[str, ...]
    skipped: tuple[str, ...]
    fail: tuple[str, ...]
    seed: str
    everything: bool
    output: str | None


def _assumptions(session: Session, loaded: Loaded, asked: _Asked) -> Assumptions:
    agents = dict(loaded.agents)
    seen = Observed()
    if asked.from_observed:
        agents = agents_of_cluster(session.cluster) | agents
        seen = observed(session.cluster, loaded)
    failures = simulating.numbers(asked.fail, "--fail")
    if any(chance > 1 for chance in failures.values()):
        raise UsageProblem("--fail: a chance is a number from 0 to 1")
    items = simulating.numbers(asked.items, "--items")
    names = simulating.Names.of(loaded.spec, agents)
    simulating.check_names("--items", items, names.tasks)
    simulating.check_names("--skip", asked.skipped, names.tasks | names.phases)
    simulating.check_names("--fail", failures, names.tasks | names.agents | {"*"})
    seconds = simulating.read_durations(asked.durations) if asked.durations else {}
    simulating.check_names("--durations", seconds, names.tasks | names.agents | {"*"})
    return Assumptions(
        agents={name: spec.concurrency for name, spec in agents.items()},
        profiles=simulating.profiles(agents, seen),
        defaults={name: spec.defaults for name, spec in agents.items()},
        observed=seen,
        seconds=seconds,
        items={path: int(count) for path, count in items.items()},
        failures=failures,
        skipped=frozenset(asked.skipped),
        seed=asked.seed,
    )


@dataclass(frozen=True, slots=True)
class _Report:
    """What is printed of a simulation."""

    session: Session
    title: str
    result: Simulation
    compared: list[tuple[Variation, Simulation]]
    limits: Mapping[str, int | None]
    everything: bool

    def show(self) -> None:
        """Print all of it."""
        self._show_result()
        self._show_tasks()
        self._show_slots()
        self._show_changes()
        self._show_notes()

    def _show_result(self) -> None:
        result, say = self.result, self.session.say
        say(f"{self.title} would take {simulating.clock(result.makespan)}: {result.state}")
        if result.reason:
            say(one_line(result.reason))
        if result.critical:
            path = result.critical if self.everything else result.critical[:CRITICAL_SHOWN]
            more = len(result.critical) - len(path)
            say(f"critical path: {' -> '.join(path)}{f' -> {more} more' if more else ''}")

    def _show_tasks(self) -> None:
        table, left = simulating.task_table(self.result, everything=self.everything)
        self._table(table)
        if left:
            self.session.say(f"… {left:,} more tasks that waited less; --all shows them")

    def _show_slots(self) -> None:
        if self.result.peak:
            plain = self.session.console.options.ascii_only
            self._table(simulating.Chart(self.result, self.limits, plain).table())
        waiting = list(self.result.waiting.items())
        for why, seconds in waiting if self.everything else waiting[: simulating.SHOWN]:
            self.session.say(f"waiting for {why}: {simulating.clock(seconds)} over all items")

    def _show_changes(self) -> None:
        if self.compared:
            self._table(simulating.what_if_table(self.result, self.compared))

    def _show_notes(self) -> None:
        notes = self.result.notes if self.everything else self.result.notes[:NOTES_SHOWN]
        if notes:
            self.session.say("\nassumed:")
        for note in notes:
            self.session.say(f"- {note}")
        if len(self.result.notes) > len(notes):
            self.session.say(f"- … {len(self.result.notes) - len(notes)} more; --all shows them")

    def _table(self, table: Table) -> None:
        self.session.say()
        print_table(self.session.console, table)
