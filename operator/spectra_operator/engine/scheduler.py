"""Ready tasks of every namespace, and who of them may start: see `core.admission`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..core.admission import Admission, Candidate, Slots, admit
from .attempts import AttemptIndex
from .keys import Key


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing may start for a while: why, and until when (monotonic seconds)."""

    reason: str
    message: str
    until: float


class Scheduler:
    """Ready tasks by namespace and phase."""

    def __init__(self, attempts: AttemptIndex) -> None:
        self._attempts = attempts
        self._ready: dict[str, dict[Key, tuple[Candidate, ...]]] = defaultdict(dict)
        self._holds: dict[tuple[str, str], Hold] = {}

    def offer(self, phase: Key, candidates: tuple[Candidate, ...]) -> None:
        """Say which tasks of a phase are ready; none takes the phase off."""
        if candidates:
            self._ready[phase.namespace][phase] = candidates
        else:
            self._ready[phase.namespace].pop(phase, None)
            if not self._ready[phase.namespace]:
                del self._ready[phase.namespace]

    def hold(self, namespace: str, agent: str, hold: Hold) -> None:
        """Start nothing for an agent until a time or until a pod of the namespace ends."""
        self._holds[namespace, agent] = hold

    def lift(self, namespace: str) -> None:
        """Try again: something ended, so a quota may have room."""
        for key in [key for key in self._holds if key[0] == namespace]:
            del self._holds[key]

    def waiting(self, namespace: str) -> list[Key]:
        """Return the phases of a namespace that have ready tasks."""
        return list(self._ready.get(namespace, ()))

    def queued(self, namespace: str, agent: str) -> int:
        """Return how many items are ready and wait for an agent."""
        return sum(
            candidate.ready.startable
            for candidates in self._ready.get(namespace, {}).values()
            for candidate in candidates
            if candidate.ready.agent == agent
        )

    def next_try(self, phase: Key, monotonic: float) -> float | None:
        """Return when the first hold ends that a phase's ready tasks wait for; None for none."""
        agents = {c.ready.agent for c in self._ready[phase.namespace].get(phase, ())}
        ends = (
            hold.until
            for (namespace, agent), hold in self._holds.items()
            if namespace == phase.namespace and agent in agents and hold.until > monotonic
        )
        return min(ends, default=None)

    def admit(
        self,
        namespace: str,
        agents: Mapping[str, int | None],
        not_ready: Mapping[str, tuple[str, str]],
        times: tuple[datetime, float],
    ) -> Admission:
        """Hand out the free slots of a namespace, in order, over all of its phases.

        `agents` has the limit of every agent, `not_ready` why one cannot be used, `times` is now
        by the wall and by the monotonic clock.
        """
        return admit(
            (c for candidates in self._ready.get(namespace, {}).values() for c in candidates),
            Slots(
                agents=agents,
                by_agent={a: self._attempts.by_agent.get((namespace, a), 0) for a in agents},
                by_phase=self._attempts.by_phase,
                by_workflow=self._attempts.by_workflow,
                blocked={**self._blocked(namespace, times[1]), **not_ready},
            ),
            times[0],
        )

    def _blocked(self, namespace: str, monotonic: float) -> dict[str, tuple[str, str]]:
        return {
            agent: (hold.reason, hold.message)
            for (where, agent), hold in self._holds.items()
            if where == namespace and hold.until > monotonic
        }
