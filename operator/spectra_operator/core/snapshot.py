"""What decisions are made from: immutable pictures of phases, workflows, agents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..api.agent import AgentSpec
from ..api.common import FailurePolicy
from ..api.phase import PhaseSpec
from ..api.task import Task
from ..api.workflow import PhaseTemplate, WorkflowSpec
from .attempts.evidence import Attempt
from .changes import NOBODY, Editors
from .graph import Graph
from .insight.expectations import Outlook
from .orders import Order
from .phase.glance import Glance
from .phase.records import PhaseRecord
from .policy import TaskPolicy
from .spec.validate import Problem
from .workflow.records import PhaseView, WorkflowRecord


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """An agent as scheduling sees it."""

    name: str
    spec: AgentSpec


SUSPENDED = "Suspended"
"""What holds a run or a phase whose `spec.suspend` is true."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What holds from outside: nothing new (`hold`, `halt`), or stop everything (`cancel`).

    All are reasons, empty for none. What is held may go on later, what is halted is failing.
    `grace` is how many seconds pods that are stopped get; None leaves it to the pod.
    """

    hold: str = ""
    halt: str = ""
    cancel: str = ""
    grace: int | None = None


@dataclass(frozen=True, slots=True)
class PhaseShape:
    """A Phase object's identity and its spec, compiled once per generation.

    `deadlines` has the activeDeadlineSeconds of the tasks that have one; `conditional` names
    those with expressions that are evaluated before they can start.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    spec: PhaseSpec
    tasks: Mapping[str, Task]
    graph: Graph
    problems: tuple[Problem, ...] = ()
    paths: Mapping[str, float] = field(default_factory=dict)
    deadlines: Mapping[str, int] = field(default_factory=dict)
    conditional: frozenset[str] = frozenset()
    editors: Editors = NOBODY

    @property
    def fails_fast(self) -> bool:
        """Whether a failed task stops the start of others."""
        return self.spec.failure_policy is FailurePolicy.FAIL


@dataclass(frozen=True, slots=True)
class Child:
    """The phase that carries out a planner's plan; `outputs` is a JSON object by task name."""

    view: PhaseView
    outputs: str = ""


@dataclass(frozen=True, slots=True)
class PhaseSnapshot:
    """All that a decision about a phase may use.

    `orders` are the actions about it; `children` the phases that carry out its plans, by task.
    `attempts` can be gone by any number of times and stays the same for as long as the snapshot is
    used. `known` may hold the record of the last decision: folding on from it spares folding again
    what is not persisted yet. `glance` may say what became of the attempts since then: it spares
    looking at all of them. Without either the decision is the same.
    """

    shape: PhaseShape
    persisted: PhaseRecord
    attempts: Iterable[Attempt]
    policies: Mapping[str, TaskPolicy]
    levels: Levels
    now: datetime
    known: PhaseRecord | None = None
    orders: tuple[Order, ...] = ()
    children: Mapping[str, Child] = field(default_factory=dict)
    glance: Glance | None = None


@dataclass(frozen=True, slots=True)
class WorkflowShape:
    """A Workflow object's identity and its expanded spec, compiled once per generation.

    `phases` has the phases of the spec by name, `depths` for each the number of tasks on its
    longest path, `task_graphs` the graph of its tasks, `items` the number of its task items as far
    as the spec tells. `template` is
    name@revision of the workflow's template, `missing_templates` what keeps it from being
    expanded.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    spec: WorkflowSpec
    graph: Graph
    problems: tuple[Problem, ...] = ()
    depths: Mapping[str, float] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)
    phases: Mapping[str, PhaseTemplate] = field(default_factory=dict)
    template: str = ""
    missing_templates: tuple[str, ...] = ()
    task_graphs: Mapping[str, Graph] = field(default_factory=dict)
    editors: Editors = NOBODY


def _no_values(_: str) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class WorkflowSnapshot:
    """All that a decision about a workflow may use.

    `phases` holds those whose object exists, those that follow the end too, and `fallbacks` the
    objects of phases' fallbacks; `leftovers` names phases of which a former object exists.
    `refused` says of others why they cannot be made, `delayed` why they could not be made yet;
    a fallback stands in both as `NAME/fallback`. `idle` names what follows the end and has
    nothing to do. `values` gives what expressions see of a phase that has succeeded. `claim` says
    why the workspace is not there yet. `outlooks` has what is expected of phases without an object.
    """

    shape: WorkflowShape
    persisted: WorkflowRecord
    phases: Mapping[str, PhaseView]
    missing_agents: tuple[str, ...]
    now: datetime
    refused: Mapping[str, str] = field(default_factory=dict)
    delayed: Mapping[str, str] = field(default_factory=dict)
    fallbacks: Mapping[str, PhaseView] = field(default_factory=dict)
    leftovers: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()
    orders: tuple[Order, ...] = ()
    claim: str = ""
    outlooks: Mapping[str, Outlook] = field(default_factory=dict)
    values: Callable[[str], Mapping[str, Any]] = _no_values
