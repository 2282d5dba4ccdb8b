"""What a simulation is told on the command line and by the cluster, and how its result looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table
from rich.text import Text

from spectra_operator.api.agent import AgentSpec, Mode
from spectra_operator.api.workflow import WorkflowSpec
from spectra_operator.core.insight.durations import Durations, Observed, task_path
from spectra_operator.core.policy import agents_of, required
from spectra_operator.core.selection.figures import NOTHING_SEEN, Figures, Profile
from spectra_operator.core.simulation.simulate import Load, Simulation, Span, Variation
from spectra_operator.core.suggestions import suggestion

from .cluster import Body
from .documents import Invalid
from .errors import NotFound, UsageProblem
from .output import plain_table
from .tree import styled
from .values import pairs
from .words import one_line

WIDTH = 60
"""Columns of the chart of slots."""
SHOWN = 20
"""Rows of a table that are shown without --all."""
_BARS = " ▁▂▃▄▅▆▇█"
_PLAIN_BARS = " .:-=+*#@"


def numbers(texts: Iterable[str], option: str, least: float = 0) -> dict[str, float]:
    """Return NAME=NUMBER options.

    Raises:
        UsageProblem: One is no number, or too small.
    """
    found = {}
    for name, text in pairs(texts, option).items():
        try:
            found[name] = float(text)
        except ValueError:
            raise UsageProblem(f"{option} {name}={text}: {text!r} is no number") from None
        if not found[name] >= least or found[name] == float("inf"):
            raise UsageProblem(f"{option} {name}={text}: must be a number from {least:g}")
    return found


def read_durations(path: str) -> dict[str, float]:
    """Return the seconds that a YAML file gives, by phase/task, by agent, or under `*`.

    Raises:
        NotFound: The file is not there.
        Invalid: It is no such mapping.
    """
    try:
        found = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        raise NotFound(f"{path}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: is no YAML: {one_line(str(error))}") from None
    if not isinstance(found, dict):
        raise Invalid(f"{path}: must map phase/task, agents or '*' to seconds")
    for key, value in found.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value < float("inf"):
            raise Invalid(f"{path}: {key}: {value!r} is no number of seconds")
    return {str(key): float(value) for key, value in found.items()}


@dataclass(frozen=True, slots=True)
class Names:
    """What options may name in a workflow: `phase/task`, phases, agents."""

    tasks: frozenset[str]
    phases: frozenset[str]
    agents: frozenset[str]

    @classmethod
    def of(cls, spec: WorkflowSpec, agents: Iterable[str]) -> Names:
        """Return the names of an expanded spec, and of the agents at hand."""
        tasks = [(phase.name, task) for phase in spec.all_phases for task in phase.tasks or ()]
        asked = (agent for _, task in tasks for agent in agents_of(task))
        return cls(
            frozenset(task_path(phase, task.name) for phase, task in tasks),
            frozenset(phase.name for phase in spec.all_phases),
            frozenset([*agents, *asked]),
        )


def profiles(agents: Mapping[str, AgentSpec], seen: Observed) -> dict[str, Profile]:
    """Return what agents are chosen by; what was observed of them is taken to have succeeded."""
    return {
        name: Profile(
            capabilities=frozenset(spec.capabilities),
            mounts=spec.mode is Mode.POD,
            figures=_figures(seen.agents.get(name)),
        )
        for name, spec in sorted(agents.items())
        if spec.capabilities
    }


def eligible(spec: WorkflowSpec, agents: Mapping[str, Profile]) -> list[str]:
    """Return the agents that may be chosen for some task of an expanded spec."""
    tasks = [task for phase in spec.all_phases for task in phase.all_tasks if task.requires]
    return [
        name
        for name, profile in agents.items()
        if any(
            profile.fits(required(task, 0), mounting=task.workspace is not None) for task in tasks
        )
    ]


def _figures(known: Durations | None) -> Figures:
    if known is None:
        return NOTHING_SEEN
    return Figures(known.count, known.count, known.median)


def check_names(option: str, given: Iterable[str], known: frozenset[str]) -> None:
    """Refuse a name that is in the workflow nowhere: the option would do nothing.

    Raises:
        UsageProblem: One is unknown; the text has the nearest name.
    """
    for name in given:
        if name not in known:
            near = suggestion(name, sorted(known))
            raise UsageProblem(f"{option} {name}: there is no {name} in the workflow; {near}")


def variations(parallelism: Sequence[int], agents: Mapping[str, float]) -> list[Variation]:
    """Return each change by itself and, where they do not exclude each other, all together."""
    found = [Variation(f"parallelism {count}", count) for count in parallelism]
    limits = {name: int(count) for name, count in agents.items()}
    found += [Variation(f"agent {n}={count}", agents={n: count}) for n, count in limits.items()]
    if len(found) > 1 and len(parallelism) <= 1:
        found.append(Variation("all of these", next(iter(parallelism), None), limits))
    return found


def as_data(result: Simulation, compared: Sequence[tuple[Variation, Simulation]]) -> Body:
    """Return a simulation as plain data, for machines."""
    data = {key: value for key, value in asdict(result).items() if key != "problems"}
    data["whatIf"] = [
        {"name": change.name, "makespan": other.makespan, "state": str(other.state)}
        for change, other in compared
    ]
    plain: Body = _plain(data)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def clock(seconds: float) -> str:
    """Return a time of the virtual clock: 7.5s, 2m40s, 3h05m."""
    if seconds < 120:
        return f"{seconds:.4g}s"
    whole = round(seconds)
    if whole < 7200:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


@dataclass(frozen=True, slots=True)
class Chart:
    """Slots in use over time, a line for each agent.

    Attributes:
        result: The simulation.
        limits: Concurrency of each agent; None for no limit.
        ascii: Draw with ASCII only.
    """

    result: Simulation
    limits: Mapping[str, int | None]
    ascii: bool = False

    def table(self) -> Table:
        """Return the chart."""
        end = max(self.result.makespan, 1e-9)
        table = plain_table(["AGENT", f"SLOTS FROM 0s TO {clock(self.result.makespan)}", "PEAK"])
        table.add_column("IN USE", no_wrap=True)
        for agent in sorted(self.result.peak):
            peak = self.result.peak[agent]
            limit = self.limits.get(agent)
            mean = self.result.busy.get(agent, 0.0) / end
            of = f" of {limit}" if limit else ""
            line = Text(self._line(agent, limit or peak, end), "cyan")
            table.add_row(agent, line, f"{peak}{of}", f"{mean:.1f} on average")
        return table

    def _line(self, agent: str, full: int, end: float) -> str:
        columns = [0] * WIDTH
        loads = self.result.load
        for place, load in enumerate(loads):
            until = loads[place + 1].at if place + 1 < len(loads) else end
            first = min(int(load.at / end * WIDTH), WIDTH - 1)
            last = max(first, min(int(until / end * WIDTH - 1e-9), WIDTH - 1))
            for column in range(first, last + 1):
                columns[column] = max(columns[column], _busy(load, agent))
        bars = _PLAIN_BARS if self.ascii else _BARS
        return "".join(bars[_height(count, full, len(bars) - 1)] for count in columns)


def _busy(load: Load, agent: str) -> int:
    return load.busy.get(agent, 0)


def _height(count: int, full: int, most: int) -> int:
    """Return how high a bar is: at least one step for anything at all."""
    return max(min(round(count / full * most), most), 1) if count and full else 0


def task_table(result: Simulation, *, everything: bool) -> tuple[Table, int]:
    """Return when tasks run, and how many are left out: those that waited least."""
    table = plain_table(["TASK", "STATE", "START", "END", "WAITED", "FOR"])
    tasks = list(result.tasks.items())
    critical = set(result.critical)
    if not everything and len(tasks) > SHOWN:
        ranked = sorted(tasks, key=lambda item: (item[0] not in critical, -item[1].waited))
        kept = {path for path, _ in ranked[:SHOWN]}
        tasks = [item for item in tasks if item[0] in kept]
    for path, span in sorted(tasks, key=_start):
        mark = Text(path, "magenta" if path in critical else "")
        times = [clock(t) if t is not None else "" for t in (span.start, span.end)]
        waited = clock(span.waited) if span.waited > 0 else ""
        reason = span.reason if waited or span.start is None else ""
        table.add_row(mark, styled(str(span.state)), *times, waited, reason)
    return table, len(result.tasks) - len(tasks)


def _start(item: tuple[str, Span]) -> tuple[float, str]:
    start = item[1].start
    return (float("inf") if start is None else start, item[0])


def what_if_table(result: Simulation, compared: Sequence[tuple[Variation, Simulation]]) -> Table:
    """Return what each change would make of the makespan."""
    table = plain_table(["WHAT IF", "MAKESPAN", "CHANGE"])
    table.add_row("as it is", clock(result.makespan), "")
    for change, other in compared:
        difference = other.makespan - result.makespan
        sign = "+" if difference > 0 else "-"
        shown = "none" if abs(difference) < 0.001 else f"{sign}{clock(abs(difference))}"
        state = "" if str(other.state) == "Succeeded" else f" ({other.state}: {other.reason})"
        table.add_row(change.name, clock(other.makespan), shown + state)
    return table
