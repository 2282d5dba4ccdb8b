"""What the reconcilers share: caches, queue, scheduler, executor, and what is kept of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from ..api.constants import RESERVED_PHASES
from ..core.phase.admission import Admission
from ..core.phase.readiness import Ready
from ..core.phase.records import PhaseRecord
from ..core.selection.figures import Profile
from ..core.snapshot import AgentFacts, Levels, PhaseShape
from ..kube.clock import Clock
from ..observability.metrics import Metrics
from . import claiming
from .agent_book import AgentBook
from .attempts import AttemptIndex
from .claiming import Room
from .crowd import Crowd
from .duration_book import DurationBook
from .executor import Executor
from .inquiries import Inquiries
from .keys import Key, shard_of
from .order_book import OrderBook
from .queue import WorkQueue
from .runs import PhaseRun, ScheduleRun, TemplateRun, WorkflowRun
from .scheduler import NO_PROFILES, Scheduler
from .selection_book import SelectionBook
from .status import StatusWriter
from .store import ObjectStore
from .story import Storyteller
from .traces import Traces
from .worker_book import WorkerBook


@dataclass(slots=True)
class Parts:
    """The engine's parts.

    `admitting` says of a namespace whether new attempts may start, `settles_in` in how many seconds
    all workers that live will have had the time to call since it was taken over (0.0: they have had
    it), `led_since` when that was; `worker_url` is where the worker API is to be found; `releasing`
    holds the UIDs of pods whose finalizer is being taken off, `triggers` when the event came that a
    new phase follows from. `reopening` has finished objects that are being brought back for an
    action, `reopened` those that were and whose action has yet to be taken in. `held_back` are
    workflows that would have begun something if it might be started already.
    """

    clock: Clock
    shards: int
    store: ObjectStore
    attempts: AttemptIndex
    queue: WorkQueue
    scheduler: Scheduler
    executor: Executor
    crowd: Crowd
    inquiries: Inquiries
    statuses: StatusWriter
    agents: AgentBook
    stories: Storyteller
    traces: Traces
    metrics: Metrics
    admitting: Callable[[str], bool]
    settles_in: Callable[[str], float]
    led_since: Callable[[str], datetime | None]
    worker_url: str = ""
    durations: DurationBook = field(default_factory=DurationBook)
    selection: SelectionBook = field(default_factory=SelectionBook)
    orders: OrderBook = field(default_factory=OrderBook)
    workers: WorkerBook = field(default_factory=WorkerBook)
    phases: dict[Key, PhaseRun] = field(default_factory=dict)
    workflows: dict[Key, WorkflowRun] = field(default_factory=dict)
    schedules: dict[Key, ScheduleRun] = field(default_factory=dict)
    templates: dict[Key, TemplateRun] = field(default_factory=dict)
    reopening: set[Key] = field(default_factory=set)
    reopened: set[Key] = field(default_factory=set)
    releasing: set[str] = field(default_factory=set)
    triggers: dict[Key, float] = field(default_factory=dict)
    held_back: dict[Key, None] = field(default_factory=dict)

    def runs(self) -> tuple[dict[Key, Any], ...]:
        """Return what is kept of runs and templates, by kind."""
        return self.phases, self.workflows, self.schedules, self.templates

    def shard_label(self, namespace: str) -> str:
        """Return the shard of a namespace as a label value."""
        return str(shard_of(namespace, self.shards))

    def tell_spans(
        self, key: Key, shape: PhaseShape, records: tuple[PhaseRecord, PhaseRecord]
    ) -> None:
        """Tell the spans of what of a phase has ended between two records."""
        ref = shape.spec.workflow_ref
        above = self.workflows.get(Key("Workflow", key.namespace, ref.name)) if ref else None
        self.traces.phase(key, shape, records, above.persisted.run if above else 1)

    def wake_at(self, key: Key, at: datetime | None) -> None:
        """Ask for a pass at a time of the wall clock; None asks for nothing."""
        if at is not None:
            pause = (at - self.clock.now()).total_seconds()
            self.queue.add_at(key, self.clock.monotonic() + max(pause, 0.0))

    def wake_phases(self, namespace: str, uids: set[str]) -> list[Key]:
        """Ask for a pass over phases that have ready tasks, by their UIDs, and return them."""
        waiting = [(key, self.phases.get(key)) for key in self.scheduler.waiting(namespace)]
        woken = [key for key, run in waiting if run and run.shape.uid in uids]
        for key in woken:
            self.queue.add(key)
        return woken

    def wake_dependents(self, agent: Key) -> None:
        """Look again at what may have waited for an agent."""
        for phase in self.scheduler.waiting(agent.namespace):
            self.queue.add(phase)
        for workflow, run in self.workflows.items():
            if workflow.namespace == agent.namespace and not run.persisted.started_at:
                self.queue.add(workflow)

    def wake_actions(self, target: Key) -> None:
        """Look again at the Actions that ask something of an object."""
        for order in self.orders.of(target):
            self.queue.add(Key("Action", target.namespace, order.name))

    def hand_on(self, namespace: str) -> float:
        """Wake whoever may start now with slots that have become free; return when all rested."""
        woken = self.scheduler.waiting(namespace) if self.admitting(namespace) else []
        if len(woken) == 1:  # it asks itself what it is granted
            self.queue.add(woken[0])
        elif woken:
            granted = self.admit(namespace, self.clock.now()).granted
            woken = self.wake_phases(namespace, {phase for phase, _, _ in granted})
        return max(map(self.queue.rested_at, woken), default=0.0)

    def admit(self, namespace: str, now: datetime) -> Admission:
        """Hand out the free slots of a namespace."""
        admission = self._admission(namespace, now, claiming.rooms(self, namespace))
        self.scheduler.shared_out(namespace, admission)
        return admission

    def admit_for(self, phase: Key, now: datetime) -> Admission:
        """Hand out free slots on behalf of a phase: to it alone where no other can miss them."""
        limits = partial(self.agents.plain_limits, phase.namespace)
        alone = self.scheduler.admit_alone(phase, limits)
        return self.admit(phase.namespace, now) if alone is None else alone

    def claimable(self, namespace: str, now: datetime) -> Counter[str]:
        """Return how many tasks would start by agent, if there were workers enough."""
        admission = self._admission(namespace, now, {})
        agents = self.scheduler.agents_of(namespace)
        found: Counter[str] = Counter()
        for task, count in admission.granted.items():
            if task in agents and task not in admission.shares:
                found[agents[task]] += count
            for share in admission.shares.get(task, ()):
                found[share.agent] += share.count
        return found

    def _admission(self, namespace: str, now: datetime, rooms: Mapping[str, Room]) -> Admission:
        return self.scheduler.admit(
            namespace,
            self.agents.limits(namespace),
            self.agents.not_ready(namespace),
            rooms,
            (now, self.clock.monotonic()),
            self.profiles(namespace) if self.scheduler.is_choosing(namespace) else NO_PROFILES,
        )

    def profiles(self, namespace: str) -> dict[str, Profile]:
        """Return the agents of a namespace that may be chosen for what they can do."""
        known = self.agents.usable(namespace)
        found = self.selection.profiles(namespace, known, self.clock.monotonic())
        for name in [name for name, profile in found.items() if not profile.mounts]:
            slots = claiming.slots(self, Key("Agent", namespace, name))
            found[name] = replace(found[name], slots=slots)
        return found

    def doers(self, namespace: str, ready: Iterable[Ready]) -> set[str]:
        """Return the agents that are named by ready tasks, or may be chosen for one."""
        tasks = tuple(ready)
        choosing = [task for task in tasks if task.requires]
        profiles = self.profiles(namespace) if choosing else {}
        return {task.agent for task in tasks if task.agent} | {
            name
            for name, profile in profiles.items()
            if any(profile.fits(task.requires, mounting=task.mounts) for task in choosing)
        }

    def levels_for(self, namespace: str, workflow: str, uid: str, phase: str = "") -> Levels | None:
        """Return what a workflow imposes on a phase of it; None while it is not known."""
        run = self.workflows.get(Key("Workflow", namespace, workflow))
        if run is None or run.shape.uid != uid:
            return None
        return run.after if phase in RESERVED_PHASES else run.levels

    def agent(self, namespace: str, name: str) -> AgentFacts | None:
        """Return an agent, or None."""
        return self.agents.facts(namespace, name)

    def forget_assumptions(self, concerns: Callable[[str], bool]) -> None:
        """Drop attempts that are known from our own intentions only, not from a pod."""
        for phase in self.attempts.phases():
            if not concerns(phase.namespace):
                continue
            for attempt in self.attempts.of(phase):
                if not attempt.uid:
                    self.attempts.forget(phase, attempt.pod)
