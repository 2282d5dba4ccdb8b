"""Which ready tasks may start now: one order for a namespace, and the limit that blocks the rest.

Order: priority of the workflow (raised by waiting, so that nobody starves), then the longest
remaining path, then age, then name. Slots in use are counted from live attempts, never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ...api.task import SelectionPolicy
from ..selection.figures import Contender, Profile
from ..selection.select import Share, select
from .readiness import Ready

AGING_SECONDS = 60.0
"""Seconds of waiting that weigh as much as one point of priority."""
GATE_SURGE = 1
"""Attempts that an agent may have beyond its limit if they try gates: what fills it may be the very
tasks that hang, and the rollout that mends them must not wait for their end."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ready task with what its limits are counted by. Limits are None for none.

    `room` names the room that it takes, which a gate has; empty for its agent's.
    """

    phase_uid: str
    ready: Ready
    workflow_uid: str = ""
    priority: int = 0
    phase_limit: int | None = None
    workflow_limit: int | None = None
    policy: SelectionPolicy = SelectionPolicy.BALANCE
    room: str = ""


@dataclass(frozen=True, slots=True)
class Slots:
    """Live attempts by what limits them, and the agents' limits.

    `agents` has an entry for every agent that can be used; `blocked` maps an agent to why nothing
    can be started for it now (reason, message). `rooms` has how many attempts an agent may start
    now beside its limit, and why no more: after a refusal to find out whether there is room again,
    in mode Pool as many as its workers wait for. `profiles` has the agents that may be chosen for
    tasks that require capabilities.
    """

    agents: Mapping[str, int | None]
    by_agent: Mapping[str, int] = field(default_factory=dict)
    by_phase: Mapping[str, int] = field(default_factory=dict)
    by_workflow: Mapping[str, int] = field(default_factory=dict)
    blocked: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rooms: Mapping[str, tuple[int, str, str]] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a ready task waits: one word and the limit by name, such as `agent database 3/3`."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Admission:
    """Items granted by (phase UID, task, way), and reasons for waiting by (phase UID, task).

    `shares` says for those granted to a task that requires capabilities who does how many.
    """

    granted: Mapping[tuple[str, str, int], int]
    blocked: Mapping[tuple[str, str], Blocked]
    shares: Mapping[tuple[str, str, int], tuple[Share, ...]] = field(default_factory=dict)


def admit(candidates: Iterable[Candidate], slots: Slots, now: datetime) -> Admission:
    """Grant slots in order until the limits are reached."""
    counter = _Counter(slots)
    granted: dict[tuple[str, str, int], int] = {}
    shares: dict[tuple[str, str, int], tuple[Share, ...]] = {}
    blocked: dict[tuple[str, str], Blocked] = {}
    for candidate in sorted(candidates, key=lambda c: _rank(c, now)):
        ready = candidate.ready
        room, why = counter.room(candidate)
        count = min(ready.startable, room)
        if count > 0:
            key = (candidate.phase_uid, ready.task, ready.way)
            granted[key] = count
            if ready.requires:
                shares[key] = counter.choose(candidate, count)
            counter.take(candidate, count, shares.get(key, ()))
        if count < ready.startable:
            blocked[candidate.phase_uid, ready.task] = why
    return Admission(granted, blocked, shares)


def admit_uncontested(
    own: Iterable[Candidate], free: Mapping[str, float], wanted: Mapping[str, int]
) -> Admission | None:
    """Grant a phase all that is ready in it, if there is room for all that is ready anywhere.

    Then no order matters, and what it costs does not grow with the number of phases that wait.

    Args:
        own: What is ready in the phase.
        free: By agent how many more attempts it may start; an agent is missing if more than its
            concurrency limits it.
        wanted: By agent how many items of all phases are ready; those for which one is to be
            chosen count for the agent "".

    Returns:
        None where a limit may keep something back; then `admit` decides.
    """
    granted: dict[tuple[str, str, int], int] = {}
    for candidate in own:
        ready = candidate.ready
        limited = candidate.phase_limit is not None or candidate.workflow_limit is not None
        asked = wanted.get(ready.agent, 0) + wanted.get("", 0)
        if limited or ready.requires or candidate.room or free.get(ready.agent, -1) < asked:
            return None
        granted[candidate.phase_uid, ready.task, ready.way] = ready.startable
    return Admission(granted, {})


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
        self._fitting: dict[tuple[tuple[str, ...], bool], tuple[str, ...]] = {}
        self._full: dict[tuple[tuple[str, ...], bool], Blocked] = {}

    def room(self, candidate: Candidate) -> tuple[int, Blocked]:
        """Return how many items may start, and the limit that allows no more."""
        shared: tuple[tuple[int, Blocked], ...] = (
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
        )
        if candidate.ready.requires:
            return min((self._of_any(candidate.ready), *shared), key=lambda r: r[0])
        own, *more = self._of_agent(candidate.ready.agent, candidate.room)
        return min((own, *shared, *more), key=lambda r: r[0])

    def choose(self, candidate: Candidate, count: int) -> tuple[Share, ...]:
        """Return which agents do the items of a task that requires capabilities."""
        contenders = [self._contender(name) for name in self._fits(candidate.ready)]
        return select(candidate.policy, count, contenders)

    def take(self, candidate: Candidate, count: int, shares: tuple[Share, ...]) -> None:
        """Count items as started."""
        agents = [(share.agent, share.count) for share in shares]
        for agent, number in agents or [(candidate.ready.agent, count)]:
            _add(self._agents, agent, number)
            _add(self._granted, candidate.room or agent, number)
        _add(self._workflows, candidate.workflow_uid, count)
        _add(self._phases, candidate.phase_uid, count)

    def _of_agent(self, agent: str, room: str = "") -> tuple[tuple[int, Blocked], ...]:
        """Return how many items an agent may start, by each of its limits."""
        where = room or agent
        if agent not in self._slots.agents:
            text = f"there is no agent {agent}; the task starts when it is applied"
            return ((0, Blocked("AgentNotFound", text)),)
        if agent in self._slots.blocked:
            return ((0, Blocked(*self._slots.blocked[agent])),)
        name, limit = f"agent {agent}", self._slots.agents[agent]
        if room and limit is not None:
            name, limit = f"{name} and a gate", limit + GATE_SURGE
        own = _room("AgentConcurrency", name, self._agents.get(agent, 0), limit)
        if where not in self._slots.rooms:
            return (own,)
        most, reason, message = self._slots.rooms[where]
        left = max(most - self._granted.get(where, 0), 0)
        return own, (left, Blocked(reason, message))

    def _of_any(self, ready: Ready) -> tuple[int, Blocked]:
        """Return how many items all agents together may start that can do a task."""
        full = self._full.get((ready.requires, ready.mounts))
        if full is not None:  # slots are only handed out here, none comes back
            return 0, full
        total, why = self._all_of(ready)
        if not total:
            self._full[ready.requires, ready.mounts] = why
        return total, why

    def _all_of(self, ready: Ready) -> tuple[int, Blocked]:
        fitting, wanted = self._fits(ready), " and ".join(ready.requires)
        if not fitting:
            mode = " in mode Pod" if ready.mounts else ""
            text = f"no agent of this namespace{mode} has {_plural(ready.requires)} {wanted}"
            return 0, Blocked("NoMatchingAgent", f"{text}; the task starts when one is applied")
        rooms = [min(self._of_agent(name), key=lambda r: r[0]) for name in fitting]
        named = "; ".join(why.message for _, why in rooms[:_NAMED])
        more = f" and {len(rooms) - _NAMED} more" if len(rooms) > _NAMED else ""
        text = f"no agent with {wanted} has a free slot: {named}{more}"
        total = sum(room for room, _ in rooms)
        return min(total, _NO_LIMIT), Blocked("NoFreeAgent", text[:1024])

    def _fits(self, ready: Ready) -> tuple[str, ...]:
        """Return the agents that can do a task."""
        wanted = (ready.requires, ready.mounts)
        if wanted not in self._fitting:
            profiles = self._slots.profiles.items()
            self._fitting[wanted] = tuple(
                name for name, p in profiles if p.fits(ready.requires, mounting=ready.mounts)
            )
        return self._fitting[wanted]

    def _contender(self, name: str) -> Contender:
        busy, width = self._agents.get(name, 0), self._slots.agents.get(name)
        profile = self._slots.profiles[name]
        if profile.slots is not None:
            width = profile.slots if width is None else min(width, profile.slots)
        return Contender(
            name=name,
            busy=busy,
            room=min(room for room, _ in self._of_agent(name)),
            width=width or None,
            begun=profile.begun + self._granted.get(name, 0),
            figures=profile.figures,
        )


def _add(counts: dict[str, int], key: str, number: int) -> None:
    counts[key] = counts.get(key, 0) + number


def _plural(words: tuple[str, ...]) -> str:
    return "the capability" if len(words) == 1 else "the capabilities"


_NAMED = 4
_NO_LIMIT = 1 << 30


def _room(reason: str, name: str, used: int, limit: int | None) -> tuple[int, Blocked]:
    if limit is None:
        return _NO_LIMIT, Blocked(reason, name)
    return max(limit - used, 0), Blocked(reason, f"{name} {max(used, limit)}/{limit}")
