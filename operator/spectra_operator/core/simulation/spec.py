"""What a simulation assumes, and the spec that it runs: one without anything that needs outputs.

Conditions and items that depend on parameters alone are evaluated; outputs do not exist, so that
what depends on them is given or assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...api.agent import TaskDefaults
from ...api.common import FailurePolicy
from ...api.phase import PhaseSpec
from ...api.task import Task
from ...api.workflow import PhaseBody, WorkflowSpec
from ..attempts.retry import jitter
from ..graph import build
from ..insight.durations import Observed, planned, task_path
from ..language.expressions import ExpressionError
from ..phase.inputs import InputError, TaskScope, task_items
from ..policy import agent_of, agents_of
from ..selection.figures import Profile
from ..snapshot import PhaseShape
from ..spec.items import has_items

ITEMS_ASSUMED = 3
"""Items of a task whose items depend on outputs, when nobody says how many."""
SECONDS_ASSUMED = 60.0
"""Seconds of an attempt of which nothing is known."""
PHASES_AT_THE_END = ("finally", "on-failure")
"""Names of the phases that follow the end, as paths name them; a rollback is not simulated."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a simulation takes for granted.

    `agents` has the concurrency of each agent, None for no limit; one that is missing has none.
    `profiles` has what agents can do, for tasks that require capabilities.
    `seconds` are given durations, `items` given numbers of items, `failures` chances to fail from
    0 to 1: all by `phase/task`, by agent, or under `*` for all. `skipped` names phases and tasks
    (`phase/task`) whose condition is false; other conditions are true. Without a `seed` every
    attempt takes the median of what was observed; with one, durations are drawn from the samples,
    and the same seed draws the same.
    """

    agents: Mapping[str, int | None] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    defaults: Mapping[str, TaskDefaults] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)
    seconds: Mapping[str, float] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, float] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    seed: str = ""

    def attempt_seconds(self, phase: str, task: Task, agent: str, draw: str) -> float:
        """Return how long an attempt takes: as given, else observed, else planned, else assumed.

        `draw` names the attempt.
        """
        path = task_path(phase, task.name)
        given = self.seconds.get(path, self.seconds.get(agent))
        if given is not None:
            return given
        samples = self.observed.tasks.get(path) or planned(task) or self.observed.agents.get(agent)
        if samples is None:
            return self.seconds.get("*", SECONDS_ASSUMED)
        if not self.seed:
            return samples.median
        place = int(jitter(f"{self.seed}/{draw}") * len(samples.samples))
        return samples.samples[place] / 1000

    def fails(self, phase: str, task: str, agent: str, draw: str) -> bool:
        """Whether an attempt fails; the same attempt always does or always does not."""
        chance = self.failures
        path = task_path(phase, task)
        odds = chance.get(path, chance.get(agent, chance.get("*", 0.0)))
        return bool(odds) and jitter(f"{self.seed}/fails/{draw}") < odds


@dataclass(frozen=True, slots=True)
class Known:
    """What the parameters alone tell of a task; None where outputs would have to."""

    holds: bool | None = None
    items: int | None = None


def known_of(spec: WorkflowSpec, phase: str, task: Task) -> Known:
    """Return what is known of a task before anything ran."""
    template = next((p for p in spec.all_phases if p.name == phase), None)
    given = {p.name: p.default if p.value is None else p.value for p in spec.parameters}
    own = template.parameters if template else None
    shape = PhaseShape(
        namespace="",
        name=phase,
        uid="",
        generation=0,
        spec=PhaseSpec.model_construct(
            parameters=given if own is None else own, phase=phase, tasks=[task]
        ),
        tasks={task.name: task},
        graph=build({}),
    )
    return Known(_holds(shape, task), _items_of(shape, task))


def _holds(shape: PhaseShape, task: Task) -> bool | None:
    if task.when is None:
        return True
    try:
        return TaskScope(shape, {}, task.name).condition(task.when)
    except ExpressionError:
        return None


def _items_of(shape: PhaseShape, task: Task) -> int | None:
    try:
        items = task_items(shape, {}, task.name)
    except InputError:
        return None
    return None if items is None else len(items)


def runnable(spec: WorkflowSpec, assumed: Assumptions) -> WorkflowSpec:
    """Return an expanded spec with conditions decided, items counted, and no expressions left."""
    phases = [
        phase.model_copy(
            update={
                **_body(spec, phase.name, phase, assumed),
                "plan": None,
                "when": "false" if phase.when and phase.name in assumed.skipped else None,
                "fallback": phase.fallback
                and phase.fallback.model_copy(
                    update=_body(spec, phase.name, phase.fallback, assumed)
                ),
            }
        )
        for phase in spec.all_phases
    ]
    return spec.model_copy(
        update={
            "phases": phases,
            "parameters": [],
            "workspace": None,
            "suspend": False,
            "finally_": _tasks(spec, "finally", spec.finally_, assumed),
            "on_failure": _tasks(spec, "on-failure", spec.on_failure, assumed),
        }
    )


def notes(spec: WorkflowSpec, assumed: Assumptions) -> tuple[str, ...]:
    """Return what the simulation had to assume because nobody said it, a sentence each."""
    return tuple(dict.fromkeys(_notes(spec, assumed)))


def _notes(spec: WorkflowSpec, assumed: Assumptions) -> Iterator[str]:
    for phase, task in all_tasks(spec):
        path, known = task_path(phase, task.name), known_of(spec, phase, task)
        if has_items(task) and known.items is None and path not in assumed.items:
            yield f"{path} has {ITEMS_ASSUMED} items: they depend on outputs"
        if known.holds is None and path not in assumed.skipped:
            yield f"{path} runs: its condition is taken to be true"
        if task.planner is not None:
            yield f"{path} returns no tasks of its own"
        if _is_unknown(phase, task, assumed):
            yield f"{path} takes {SECONDS_ASSUMED:g} s: no duration was given, seen or planned"
        for agent in agents_of(task):
            if agent not in assumed.agents:
                yield f"agent {agent} is not known and taken to have no limit"
    yield from _notes_of_phases(spec, assumed)


def _notes_of_phases(spec: WorkflowSpec, assumed: Assumptions) -> Iterator[str]:
    if spec.failure_policy is FailurePolicy.ROLLBACK:
        yield "nothing is undone: a rollback is not simulated"
    for phase in spec.all_phases:
        if phase.when is not None and phase.name not in assumed.skipped:
            yield f"phase {phase.name} runs: its condition is taken to be true"


def all_tasks(spec: WorkflowSpec) -> Iterator[tuple[str, Task]]:
    """Yield every task of a workflow with the name of its phase, those at the end too."""
    for phase in spec.all_phases:
        for task in phase.all_tasks:
            yield phase.name, task
    for name, tasks in zip(PHASES_AT_THE_END, (spec.finally_, spec.on_failure), strict=True):
        for task in tasks or ():
            yield name, task


def _is_unknown(phase: str, task: Task, assumed: Assumptions) -> bool:
    path = task_path(phase, task.name)
    given = {path, agent_of(task, 0), "*"} & assumed.seconds.keys()
    return not given and assumed.observed.of(phase, task) is None


def _body(spec: WorkflowSpec, phase: str, body: PhaseBody, assumed: Assumptions) -> dict[str, Any]:
    return {"parameters": None, "pattern": None, "tasks": _tasks(spec, phase, body.tasks, assumed)}


def _tasks(
    spec: WorkflowSpec, phase: str, tasks: list[Task] | None, assumed: Assumptions
) -> list[Task] | None:
    return tasks and [_task(task, phase, known_of(spec, phase, task), assumed) for task in tasks]


def _task(task: Task, phase: str, known: Known, assumed: Assumptions) -> Task:
    path = task_path(phase, task.name)
    skipped = task.when is not None and (path in assumed.skipped or known.holds is False)
    return task.model_copy(
        update={
            **_items(task, assumed.items.get(path, known.items)),
            "input": {},
            "outputs": {},
            "when": "false" if skipped else None,
            "matrix": None,
            "planner": None,
            "workspace": None,
            "compensate": None,
            "fallback": [way.model_copy(update={"input": None}) for way in task.fallback],
        }
    )


def _items(task: Task, known: int | None) -> dict[str, Any]:
    if not has_items(task):
        return {}
    count = ITEMS_ASSUMED if known is None else known
    return {"count": count, "for_each": None} if count else {"count": None, "for_each": []}
