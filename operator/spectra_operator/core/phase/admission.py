"""Which ready tasks may start now: one order for a namespace, and the limit that blocks the rest.

Order: priority of the workflow (raised by waiting, so that nobody starves), then the longest
remaining path, then age, then name. Slots in use are counted from live attempts, never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .readiness import Ready

AGING_SECONDS = 60.0
"""Seconds of waiting that weigh as much as one point of priority."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ready task with what its limits are counted by. Limits are None for none.

    `room` names the room that it takes; empty for its agent's.
    """

    phase_uid: str
    ready: Ready
    workflow_uid: str = ""
    priority: int = 0
    phase_limit: int | None = None
    workflow_limit: int | None = None
    room: str = ""


@dataclass(frozen=True, slots=True)
class Slots:
    """Live attempts by what limits them, and the agents' limits.

    `agents` has an entry for every agent that can be used; `blocked` maps an agent to why nothing
    can be started for it now (reason, message). `rooms` has how many attempts an agent may start
    now beside its limit, and why no more: after a refusal to find out whether there is room again,
    in mode Pool as many as its workers wait for.
    """

    agents: Mapping[str, int | None]
    by_agent: Mapping[str, int] = field(default_factory=dict)
    by_phase: Mapping[str, int] = field(default_factory=dict)
    by_workflow: Mapping[str, int] = field(default_factory=dict)
    blocked: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rooms: Mapping[str, tuple[int, str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a ready task waits: one word and the limit by name, such as `agent database 3/3`."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Admission:
    """Items granted by (phase UID, task, way), and reasons for waiting by (phase UID, task)."""

    granted: Mapping[tuple[str, str, int], int]
    blocked: Mapping[tuple[str, str], Blocked]


def admit(candidates: Iterable[Candidate], slots: Slots, now: datetime) -> Admission:
    """Grant slots in order until the limits are reached."""
    counter = _Counter(slots)
    granted: dict[tuple[str, str, int], int] = {}
    blocked: dict[tuple[str, str], Blocked] = {}
    for candidate in sorted(candidates, key=lambda c: _rank(c, now)):
        ready = candidate.ready
        room, why = counter.room(candidate)
        count = min(ready.startable, room)
        if count > 0:
            granted[candidate.phase_uid, ready.task, ready.way] = count
            counter.take(candidate, count)
        if count < ready.startable:
            blocked[candidate.phase_uid, ready.task] = why
    return Admission(granted, blocked)


def _rank(candidate: Candidate, now: datetime) -> tuple[float, float, float, str, str]:
    ready = candidate.ready
    waited = (now - ready.since).total_seconds()
    return (
        -(candidate.priority + max(waited, 0.0) // AGING_SECONDS),
        -ready.path,
        ready.since.timestamp(),
        candidate.phase_uid,
        ready.task,
    )


class _Counter:
    """Slots in use while they are handed out; local to one call of `admit`."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._agents = dict(slots.by_agent)
        self._phases = dict(slots.by_phase)
        self._workflows = dict(slots.by_workflow)
        self._granted: dict[str, int] = {}

    def room(self, candidate: Candidate) -> tuple[int, Blocked]:
        """Return how many items may start, and the limit that allows no more."""
        agent = candidate.ready.agent
        if agent not in self._slots.agents:
            text = f"there is no agent {agent}; the task starts when it is applied"
            return 0, Blocked("AgentNotFound", text)
        if agent in self._slots.blocked:
            return 0, Blocked(*self._slots.blocked[agent])
        limit = self._slots.agents[agent]
        rooms = [
            _room("AgentConcurrency", f"agent {agent}", self._agents.get(agent, 0), limit),
            _room(
                "WorkflowParallelism",
                "workflow",
                self._workflows.get(candidate.workflow_uid, 0),
                candidate.workflow_limit,
            ),
            _room(
                "PhaseParallelism",
                "phase",
                self._phases.get(candidate.phase_uid, 0),
                candidate.phase_limit,
            ),
        ]
        where = candidate.room or agent
        if where in self._slots.rooms:
            most, reason, message = self._slots.rooms[where]
            left = max(most - self._granted.get(where, 0), 0)
            rooms.append((left, Blocked(reason, message)))
        return min(rooms, key=lambda r: r[0])

    def take(self, candidate: Candidate, count: int) -> None:
        """Count items as started."""
        for counts, key in (
            (self._agents, candidate.ready.agent),
            (self._granted, candidate.room or candidate.ready.agent),
            (self._workflows, candidate.workflow_uid),
            (self._phases, candidate.phase_uid),
        ):
            counts[key] = counts.get(key, 0) + count


_NO_LIMIT = 1 << 30


def _room(reason: str, name: str, used: int, limit: int | None) -> tuple[int, Blocked]:
    if limit is None:
        return _NO_LIMIT, Blocked(reason, name)
    return max(limit - used, 0), Blocked(reason, f"{name} {max(used, limit)}/{limit}")
