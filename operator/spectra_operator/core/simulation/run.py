"""A cluster without pods on a virtual clock: the real decisions, made for a run that is played.

Time is counted in whole milliseconds from the start. At each instant phases, workflow and
admission decide until nothing more is to be done; then the clock jumps to the next end of an
attempt, or to when a decision asked to be made again.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from ...api.constants import RESERVED_PHASES
from .. import indexes
from ..attempts.evidence import Attempt, Kind, Outcome
from ..attempts.results import Result
from ..names import pod_name
from ..phase.admission import Blocked, Candidate, Slots, admit
from ..phase.decide import decide_phase
from ..phase.judging import CLOCK_GRAIN
from ..phase.readiness import startable_mask
from ..policy import agent_of
from ..selection.figures import Profile
from ..selection.select import Share
from ..snapshot import Levels, WorkflowShape, WorkflowSnapshot
from ..workflow.decide import WorkflowDecision, decide_workflow
from ..workflow.records import WorkflowRecord
from .phase import Item, SimPhase, make_phase
from .spec import Assumptions

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
MOST_STEPS = 50_000
"""Instants that a simulation plays; a workflow that needs more is cut off."""
_DONE = Outcome(Kind.SUCCEEDED, result=Result())
_BROKEN = Outcome(Kind.FAILED, "Simulated", "the simulation let it fail")
_STOPPED = Outcome(Kind.LOST, "PodDeleted", "stopped")
_GRAIN = CLOCK_GRAIN // timedelta(milliseconds=1)


@dataclass(slots=True)
class Traces:
    """What a run leaves behind, in milliseconds.

    `load` has the busy slots by agent at each change; `waited` item-milliseconds by what limited
    them; `blocked` what a task waited for last; `begun` and `ended` when a task's first attempt
    began and its last one ended; `attempts` how many it had.
    """

    load: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    waited: Counter[str] = field(default_factory=Counter)
    blocked: dict[tuple[str, str], str] = field(default_factory=dict)
    begun: dict[tuple[str, str], int] = field(default_factory=dict)
    ended: dict[tuple[str, str], int] = field(default_factory=dict)
    attempts: Counter[tuple[str, str]] = field(default_factory=Counter)


class SimRun:
    """Plays one workflow to its end."""

    def __init__(self, shape: WorkflowShape, assumed: Assumptions) -> None:
        self.shape = shape
        self.assumed = assumed
        self.now = 0
        self.steps = 0
        self.record = WorkflowRecord()
        self.phases: dict[str, SimPhase] = {}
        self.traces = Traces()
        self._events: list[tuple[int, int, str, Item | None]] = []
        self._count = 0
        self._dirty: dict[str, None] = {}
        self._busy: Counter[str] = Counter()
        self._begun: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    def play(self) -> None:
        """Play until the workflow has ended, nothing can happen any more, or it takes too long."""
        self._decide_workflow()
        self._settle()
        while self._events and not self.record.ended and self.steps < MOST_STEPS:
            self.steps += 1
            self._advance()
            self._settle()

    @property
    def waiting(self) -> Mapping[str, int]:
        """Items that wait at this instant, by what limits them."""
        return self._waiting

    # Time

    def _advance(self) -> None:
        at = self._events[0][0]
        for why, items in self._waiting.items():
            self.traces.waited[why] += items * (at - self.now)
        self.now = at
        again = False
        while self._events and self._events[0][0] == at:
            _, _, name, item = heapq.heappop(self._events)
            if not name:
                again = True
            elif item is None:
                self.phases[name].whole = True
                self._dirty[name] = None
            else:
                self._due(self.phases[name], item)
        if again:
            self._decide_workflow()

    def _due(self, phase: SimPhase, item: Item) -> None:
        """An attempt ends, or its timeout is to be looked at."""
        attempt = phase.live.get(item)
        if attempt is None:
            return
        self._dirty[phase.name] = None
        phase.news[item] = attempt
        if attempt.finished_at is not None and self._time() >= attempt.finished_at:
            task, index, number = item
            draw = f"{phase.name}/{task}/{index}/{number}"
            fails = self.assumed.fails(phase.label, task, attempt.agent, draw)
            self._end(phase, item, replace(attempt, outcome=_BROKEN if fails else _DONE))

    def _end(self, phase: SimPhase, item: Item, attempt: Attempt) -> None:
        del phase.live[item]
        phase.news[item] = replace(attempt, finished_at=self._time())
        self._busy[attempt.agent] -= 1
        self.traces.ended[phase.name, item[0]] = self.now

    def _at(self, milliseconds: int, name: str, item: Item | None = None) -> None:
        self._count += 1
        heapq.heappush(self._events, (milliseconds, self._count, name, item))

    def _wake_at(self, at: datetime | None, name: str) -> None:
        if at is not None:
            self._at(math.ceil((at - BEGIN) / timedelta(milliseconds=1)), name)

    def _time(self) -> datetime:
        return BEGIN + timedelta(milliseconds=self.now)

    # Decisions

    def _settle(self) -> None:
        """Decide until nothing more is to be done at this instant."""
        self._decide()
        blocked = self._admit()
        self._decide()  # what started is on record from here on, and leaves what waits
        self._note_waiting(blocked)
        load = {agent: count for agent, count in self._busy.items() if count}
        if not self.traces.load or self.traces.load[-1][1] != load:
            self.traces.load.append((self.now, load))

    def _decide(self) -> None:
        turned = True
        while turned:
            turned = False
            while self._dirty:
                name = next(iter(self._dirty))
                del self._dirty[name]
                turned |= self._decide_phase(self.phases[name])
            if turned:
                self._decide_workflow()

    def _decide_phase(self, phase: SimPhase) -> bool:
        """Make a pass over a phase; return whether its state changed."""
        before, seen = phase.record, phase.seen()
        decision = decide_phase(phase.snapshot(seen, self._time()))
        phase.decided(decision, self.shape)
        for attempt in decision.stop:
            item = (attempt.task, attempt.index, attempt.number)
            self._end(phase, item, replace(attempt, deleted_at=self._time(), outcome=_STOPPED))
        if any(a.outcome and a.outcome.kind is not Kind.SUCCEEDED for a in seen) or decision.stop:
            phase.whole = True  # it may mean a stop for others, or another try once it is on record
            self._dirty[phase.name] = None
        self._wake_at(decision.wake_at, phase.name)
        return before.state is not phase.record.state

    def _decide_workflow(self) -> None:
        before = self.record
        decision = decide_workflow(
            WorkflowSnapshot(
                shape=self.shape,
                persisted=before,
                phases={n: p.view() for n, p in self.phases.items() if not p.fallback},
                missing_agents=(),
                now=self._time(),
                fallbacks={p.label: p.view() for p in self.phases.values() if p.fallback},
            )
        )
        self.record = decision.record
        self._wake_at(decision.wake_at, "")
        for phase in self.phases.values():
            levels = _levels_of(decision, phase.name)
            if phase.levels != levels:
                phase.levels, phase.whole = levels, True
                self._dirty[phase.name] = None
        for name in decision.create:
            self._create(name, decision)
        if self.record.outcome is not before.outcome:  # what follows the end waits for that
            self._decide_workflow()

    def _create(self, name: str, decision: WorkflowDecision) -> None:
        fallback = decision.record.steps[name].fallback
        levels = _levels_of(decision, name)
        phase = make_phase(self.shape, name, levels, self.assumed, fallback=fallback)
        self.phases[phase.name] = phase
        self._dirty[phase.name] = None

    # Starts

    def _admit(self) -> Mapping[tuple[str, str], Blocked]:
        """Start what may start; return why the rest waits."""
        candidates = [c for phase in self.phases.values() for c in phase.candidates]
        if not candidates:
            return {}
        admission = admit(candidates, self._slots(candidates), self._time())
        for (name, task, way), count in admission.granted.items():
            shares = admission.shares.get((name, task, way), ())
            self._start(self.phases[name], (task, way), count, shares)
        return admission.blocked

    def _slots(self, candidates: list[Candidate]) -> Slots:
        by_phase = {name: len(phase.live) for name, phase in self.phases.items()}
        agents = {c.ready.agent for c in candidates} - {""}
        if any(candidate.ready.requires for candidate in candidates):
            agents |= self.assumed.profiles.keys()
        return Slots(
            agents={agent: self.assumed.agents.get(agent) for agent in agents},
            by_agent=self._busy,
            by_phase=by_phase,
            by_workflow={self.shape.uid: sum(by_phase.values())},
            profiles=self._profiles(),
        )

    def _profiles(self) -> dict[str, Profile]:
        return {
            name: replace(profile, begun=self._begun[name])
            for name, profile in self.assumed.profiles.items()
        }

    def _start(
        self, phase: SimPhase, what: tuple[str, int], count: int, shares: tuple[Share, ...]
    ) -> None:
        task, way = what
        record = phase.record.tasks[task]
        agents = [share.agent for share in shares for _ in range(share.count)]
        agents = agents or [agent_of(phase.shape.tasks[task], way)] * count
        mask = startable_mask(phase.snapshot((), self._time()), task, record, way)
        for index, agent in zip(islice(indexes.iterate(mask), count), agents, strict=True):
            number = (record.recorded(index) or 0) + 1
            self._begin(phase, (task, index, number), agent)
        self._busy.update(agents)
        self._begun.update(agents)
        self.traces.begun.setdefault((phase.name, task), self.now)
        self.traces.attempts[phase.name, task] += count
        self._dirty[phase.name] = None

    def _begin(self, phase: SimPhase, item: Item, agent: str) -> None:
        task, index, number = item
        spec, policy = phase.shape.tasks[task], phase.policies[task]
        draw = f"{phase.name}/{task}/{index}/{number}"
        seconds = self.assumed.attempt_seconds(phase.label, spec, agent, draw)
        length = max(round(seconds * 1000), 0)
        attempt = Attempt(
            pod=pod_name(phase.shape.name, phase.name, task, index, number),
            phase_uid=phase.name,
            task=task,
            index=index,
            number=number,
            agent=agent,
            uid=draw,
            created_at=self._time(),
            started_at=self._time(),
            finished_at=self._time() + timedelta(milliseconds=length),
        )
        phase.live[item] = phase.news[item] = attempt
        self._at(self.now + length, phase.name, item)
        timeout = policy.of_way(phase.record.tasks[task].way_of(index)).timeout
        if timeout is not None and timeout * 1000 + _GRAIN < length:
            self._at(self.now + timeout * 1000 + _GRAIN, phase.name, item)

    def _note_waiting(self, blocked: Mapping[tuple[str, str], Blocked]) -> None:
        self._waiting = Counter()
        for phase in self.phases.values():
            for ready in phase.ready:
                why = blocked.get((phase.name, ready.task))
                if why:
                    self._waiting[why.message] += ready.startable
                    self.traces.blocked[phase.name, ready.task] = why.message


def _levels_of(decision: WorkflowDecision, phase: str) -> Levels:
    return decision.after if phase in RESERVED_PHASES else decision.levels
