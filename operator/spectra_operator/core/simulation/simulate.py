"""What would happen: a whole workflow on a virtual clock, and what a change would do to it.

The real decisions are made, of phases, of the workflow and of admission; only pods, outputs and
expressions are missing: attempts take the time that is given, observed or planned, conditions are
true unless said otherwise, and what a task returns is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ...api.phase import TaskState
from ...api.workflow import WorkflowSpec, WorkflowState
from ..insight.durations import task_path
from ..phase.records import TaskRecord
from ..spec.compile import compile_workflow
from ..spec.expand import ExpansionError, Templates, expand
from ..spec.validate import Problem
from .run import MOST_STEPS, SimRun
from .spec import Assumptions, notes, runnable

MOST_POINTS = 200
"""Points of the load curve; between two of them the highest load is shown."""
_MOST_NOTES = 50
NO_TEMPLATES: Templates = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Span:
    """When a task ran, in seconds after the start; None if it never did.

    `waited` is how many seconds it could have started earlier, `reason` what kept it waiting last.
    """

    state: TaskState
    start: float | None = None
    end: float | None = None
    attempts: int = 0
    waited: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """Slots in use from this second on, by agent."""

    at: float
    busy: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a workflow would come to.

    `makespan` is in seconds. `critical` are the tasks that decided about it, by `phase/task`, each
    following the one before; `tasks` all of them. `waiting` has the item-seconds spent waiting, by
    what limited them; `busy` the agent-seconds worked. `notes` say what had to be assumed.
    `problems` say why the spec can never work; nothing else is then set.
    """

    state: WorkflowState | None = None
    reason: str = ""
    makespan: float = 0.0
    critical: tuple[str, ...] = ()
    tasks: Mapping[str, Span] = field(default_factory=dict)
    load: tuple[Load, ...] = ()
    peak: Mapping[str, int] = field(default_factory=dict)
    busy: Mapping[str, float] = field(default_factory=dict)
    waiting: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Variation:
    """A change to try: another parallelism of the workflow, other concurrencies of agents."""

    name: str
    parallelism: int | None = None
    agents: Mapping[str, int | None] = field(default_factory=dict)


def simulate(
    spec: WorkflowSpec,
    assumed: Assumptions,
    name: str = "workflow",
    templates: Templates = NO_TEMPLATES,
) -> Simulation:
    """Return what a workflow would come to under these assumptions.

    `templates` has the WorkflowTemplates that it refers to, unless it is expanded already.
    """
    try:
        spec = expand(spec, templates)
    except ExpansionError as error:
        return Simulation(problems=error.problems)
    told = runnable(spec, assumed)
    shape = compile_workflow(_body(told, name))
    if shape.problems:
        return Simulation(problems=shape.problems)
    run = SimRun(shape, assumed)
    run.play()
    return _report(run, notes(spec, assumed))


def what_if(
    spec: WorkflowSpec,
    assumed: Assumptions,
    variations: Iterable[Variation],
    templates: Templates = NO_TEMPLATES,
) -> list[tuple[Variation, Simulation]]:
    """Return what the workflow would come to with each of the changes."""
    return [
        (
            change,
            simulate(
                spec.model_copy(update={"parallelism": change.parallelism or spec.parallelism}),
                replace(assumed, agents={**assumed.agents, **change.agents}),
                templates=templates,
            ),
        )
        for change in variations
    ]


def _body(spec: WorkflowSpec, name: str) -> dict[str, object]:
    return {
        "metadata": {"namespace": "simulated", "name": name, "uid": "simulated"},
        "spec": spec.model_dump(by_alias=True, exclude_unset=True, mode="json"),
    }


def _report(run: SimRun, assumed: tuple[str, ...]) -> Simulation:
    spans = {
        task_path(phase.name, name): _span(run, phase.name, name, record)
        for phase in run.phases.values()
        for name, record in phase.record.tasks.items()
    }
    end = max((span.end for span in spans.values() if span.end is not None), default=0.0)
    return Simulation(
        state=run.record.state,
        reason=_reason(run),
        makespan=end,
        critical=_critical(run, spans),
        tasks=spans,
        load=_thinned(run),
        peak=_peak(run),
        busy=_busy(run),
        waiting={why: ms / 1000 for why, ms in run.traces.waited.most_common()},
        notes=assumed[:_MOST_NOTES],
    )


def _reason(run: SimRun) -> str:
    """Why the simulation ended as it did, in words; empty for a plain success."""
    if run.record.ended:
        return run.record.message
    if run.steps >= MOST_STEPS:
        return f"cut off after {MOST_STEPS} steps"
    waits = ", ".join(run.waiting) or "nothing that the simulation knows of"
    return f"it would wait for ever, for {waits}"


def _span(run: SimRun, phase: str, task: str, record: TaskRecord) -> Span:
    key, traces = (phase, task), run.traces
    if key not in traces.begun:
        return Span(record.state, reason=record.reason)
    start, end = traces.begun[key], traces.ended.get(key, run.now)
    could = max((traces.ended.get(p, 0) for p in _before(run, phase, task)), default=0)
    return Span(
        state=record.state,
        start=start / 1000,
        end=end / 1000,
        attempts=traces.attempts[key],
        waited=(start - could) / 1000,
        reason=traces.blocked.get(key, ""),
    )


def _before(run: SimRun, phase: str, task: str) -> list[tuple[str, str]]:
    """Return the tasks that a task followed: those it depends on, else all of earlier phases."""
    own = [(phase, parent) for parent in run.phases[phase].shape.graph.parents[task]]
    if own:
        return own
    graph = run.shape.graph
    label = run.phases[phase].label
    known = label in graph.parents  # a phase at the end follows all others
    earlier = graph.ancestors(label) if known else frozenset(graph.order)
    if run.phases[phase].fallback:
        earlier |= {label}
    found = [p for p in run.phases.values() if p.label in earlier and p.name != phase]
    return [(p.name, name) for p in found for name in p.shape.tasks]


def _critical(run: SimRun, spans: Mapping[str, Span]) -> tuple[str, ...]:
    """Go back from the task that ended last, each time to the one that it waited for longest."""
    ended = run.traces.ended
    found: list[str] = []
    key = max(ended, key=lambda k: ended[k], default=None)
    while key is not None:
        found.append(task_path(*key))
        known = [before for before in _before(run, *key) if before in ended]
        key = max(known, key=lambda k: ended[k], default=None)
    return tuple(path for path in reversed(found) if path in spans)


def _peak(run: SimRun) -> dict[str, int]:
    peak: dict[str, int] = {}
    for _, load in run.traces.load:
        for agent, count in load.items():
            peak[agent] = max(peak.get(agent, 0), count)
    return peak


def _busy(run: SimRun) -> dict[str, float]:
    busy: dict[str, float] = {}
    points = run.traces.load
    ends = [at for at, _ in points[1:]] + [run.now]
    for (at, load), end in zip(points, ends, strict=True):
        for agent, count in load.items():
            busy[agent] = busy.get(agent, 0.0) + count * (end - at) / 1000
    return busy


def _thinned(run: SimRun) -> tuple[Load, ...]:
    points = run.traces.load
    width = -(-len(points) // MOST_POINTS)
    found = []
    for begin in range(0, len(points), max(width, 1)):
        group = points[begin : begin + width]
        highest: dict[str, int] = {}
        for _, load in group:
            highest |= {agent: max(count, highest.get(agent, 0)) for agent, count in load.items()}
        found.append(Load(group[0][0] / 1000, highest))
    return tuple(found)
