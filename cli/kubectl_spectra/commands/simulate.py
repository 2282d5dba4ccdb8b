"""simulate: a whole workflow on a virtual clock, and what a change would do to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from spectra_operator.core.durations import Observed
from spectra_operator.core.sim_spec import Assumptions
from spectra_operator.core.simulate import Simulation, Variation, simulate, what_if

from .. import errors, simulating
from ..errors import UsageProblem
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
    changes = simulating.variations(asked.parallelism, agents)
    compared = what_if(loaded.spec, assumed, changes)
    if asked.output:
        session.say(machine(simulating.as_data(result, compared), asked.output))
    else:
        _print(session, loaded, result, compared, everything=asked.everything)
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
        seen = simulating.observed(session.cluster, loaded)
    failures = simulating.numbers(asked.fail, "--fail")
    if any(chance > 1 for chance in failures.values()):
        raise UsageProblem("--fail: a chance is a number from 0 to 1")
    items = simulating.numbers(asked.items, "--items")
    return Assumptions(
        agents={name: spec.concurrency for name, spec in agents.items()},
        defaults={name: spec.defaults for name, spec in agents.items()},
        observed=seen,
        seconds=simulating.read_durations(asked.durations) if asked.durations else {},
        items={path: int(count) for path, count in items.items()},
        failures=failures,
        skipped=frozenset(asked.skipped),
        seed=asked.seed,
    )


def _print(
    session: Session,
    loaded: Loaded,
    result: Simulation,
    compared: list[tuple[Variation, Simulation]],
    *,
    everything: bool,
) -> None:
    title = loaded.kind.title(loaded.name)
    session.say(f"{title} would take {simulating.clock(result.makespan)}: {result.state}")
    if result.reason:
        session.say(one_line(result.reason))
    if result.critical:
        path = result.critical if everything else result.critical[:CRITICAL_SHOWN]
        more = len(result.critical) - len(path)
        after = f" -> {more} more" if more else ""
        session.say(f"critical path: {' -> '.join(path)}{after}")
    table, left = simulating.task_table(result, everything=everything)
    session.say()
    print_table(session.console, table)
    if left:
        session.say(f"… {left:,} more tasks that waited less; --all shows them")
    if result.peak:
        session.say()
        limits = {name: spec.concurrency for name, spec in loaded.agents.items()}
        plain = session.console.options.ascii_only
        print_table(session.console, simulating.Chart(result, limits, plain).table())
    _print_rest(session, result, compared, everything=everything)


def _print_rest(
    session: Session,
    result: Simulation,
    compared: list[tuple[Variation, Simulation]],
    *,
    everything: bool,
) -> None:
    for why, seconds in list(result.waiting.items())[: simulating.SHOWN]:
        session.say(f"waiting for {why}: {simulating.clock(seconds)} over all items")
    if compared:
        session.say()
        print_table(session.console, simulating.what_if_table(result, compared))
    if result.notes:
        notes = result.notes if everything else result.notes[:NOTES_SHOWN]
        session.say("\nassumed:")
        for note in notes:
            session.say(f"- {note}")
        if len(result.notes) > len(notes):
            session.say(f"- … {len(result.notes) - len(notes)} more; --all shows them")
