"""Ready tasks of every namespace, and who of them may start: see `core.admission`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from types import MappingProxyType

from ..core.phase.admission import Admission, Candidate, Slots, admit, admit_uncontested
from ..core.selection.figures import Profile
from .attempts import AttemptIndex
from .keys import Key


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing may start for a while: why, and until when (monotonic seconds)."""

    reason: str
    message: str
    until: float


@dataclass(slots=True)
class Probe:
    """How many pods may be asked for after a refusal: one, one, and from then on twice as many.

    Each time all that were asked for must have come. `left` may still be asked for, `pending` have
    no answer yet, `size` may be asked for next.
    """

    hold: Hold
    size: int = 1
    left: int = 1
    pending: int = 0


PROVEN = 64
"""When so many pods were asked for at once and all came, the refusal is over."""


NO_PROFILES: Mapping[str, Profile] = MappingProxyType({})


class Scheduler:
    """Ready tasks by namespace and phase."""

    def __init__(self, attempts: AttemptIndex) -> None:
        self._attempts = attempts
        self._ready: dict[str, dict[Key, tuple[Candidate, ...]]] = defaultdict(dict)
        self._wanted: dict[str, Counter[str]] = defaultdict(Counter)
        self._contested: set[str] = set()
        self._holds: dict[tuple[str, str], Hold] = {}
        self._probes: dict[tuple[str, str], Probe] = {}

    def offer(self, phase: Key, candidates: tuple[Candidate, ...]) -> None:
        """Say which tasks of a phase are ready; none takes the phase off."""
        ready, wanted = self._ready[phase.namespace], self._wanted[phase.namespace]
        for candidate in ready.get(phase, ()):
            wanted[candidate.ready.agent] -= candidate.ready.startable
        for candidate in candidates:
            wanted[candidate.ready.agent] += candidate.ready.startable
        if candidates:
            ready[phase] = candidates
        else:
            ready.pop(phase, None)
        if not ready:
            del self._ready[phase.namespace], self._wanted[phase.namespace]

    def hold(self, namespace: str, agent: str, hold: Hold) -> None:
        """Start nothing for an agent until a time or until a pod of the namespace ends.

        After that its pods are asked for one by one at first: of a fan-out far above a quota, all
        the others would be refused again.
        """
        self._holds[namespace, agent] = hold
        self._probes[namespace, agent] = Probe(hold)

    def asked(self, namespace: str, agent: str) -> None:
        """Count a pod that is asked for."""
        probe = self._probes.get((namespace, agent))
        if probe is not None:
            probe.left -= 1
            probe.pending += 1

    def came(self, namespace: str, agent: str) -> bool:
        """Take in that a pod was created; return whether more may be asked for now than before."""
        probe = self._probes.get((namespace, agent))
        if probe is None or not probe.pending:
            return False
        probe.pending -= 1
        if probe.pending or probe.left > 0:
            return False
        probe.left = probe.size
        probe.size *= 2
        if probe.left > PROVEN:
            del self._probes[namespace, agent]
        return True

    def drop(self, concerns: Callable[[str], bool]) -> None:
        """Forget the refusals in some namespaces."""
        for kept in (self._holds, self._probes):
            for key in [key for key in kept if concerns(key[0])]:
                del kept[key]

    def lift(self, namespace: str) -> None:
        """Try again: something ended, so a quota may have room."""
        for key in [key for key in self._holds if key[0] == namespace]:
            del self._holds[key]

    def waiting(self, namespace: str) -> list[Key]:
        """Return the phases of a namespace that have ready tasks."""
        return list(self._ready.get(namespace, ()))

    def queued(self, namespace: str, agent: str, capabilities: Collection[str] = ()) -> int:
        """Return how many items are ready and wait for an agent, or may be done by it."""
        return sum(
            candidate.ready.startable
            for candidate in self._candidates(namespace)
            if _is_for(candidate, agent, capabilities)
        )

    def agents_of(self, namespace: str) -> dict[tuple[str, str, int], str]:
        """Return the agent of each ready task by phase UID, task and way; empty if not chosen.

        Tasks with a room of their own are left out.
        """
        return {
            (found.phase_uid, found.ready.task, found.ready.way): found.ready.agent
            for found in self._candidates(namespace)
            if not found.room
        }

    def is_choosing(self, namespace: str) -> bool:
        """Whether an agent is to be chosen for some ready task."""
        return any(candidate.ready.requires for candidate in self._candidates(namespace))

    def _candidates(self, namespace: str) -> Iterator[Candidate]:
        return (c for of_phase in self._ready.get(namespace, {}).values() for c in of_phase)

    def next_try(self, phase: Key, monotonic: float) -> float | None:
        """Return when the first hold ends that a phase's ready tasks wait for; None for none."""
        ready = [c.ready for c in self._ready.get(phase.namespace, {}).get(phase, ())]
        agents, any_of_all = {r.agent for r in ready}, any(r.requires for r in ready)
        ends = (
            hold.until
            for (namespace, agent), hold in self._holds.items()
            if namespace == phase.namespace
            and (any_of_all or agent in agents)
            and hold.until > monotonic
        )
        return min(ends, default=None)

    def admit_alone(
        self, phase: Key, limits: Callable[[Iterable[str]], Mapping[str, int | None]]
    ) -> Admission | None:
        """Hand a phase the slots that it can have without a look at the others.

        `limits` returns the limits of those of the agents named that nothing but their concurrency
        limits. None if the slots of the namespace are to be shared out: something is contested, or
        may be now.
        """
        namespace = phase.namespace
        if namespace in self._contested and namespace in self._attempts.freed:
            return None
        own = self._ready.get(namespace, {}).get(phase, ())
        doubtful = {agent for where, agent in (*self._holds, *self._probes) if where == namespace}
        free = {
            agent: inf if limit is None else limit - self._attempts.by_agent[namespace, agent]
            for agent, limit in limits({c.ready.agent for c in own} - doubtful).items()
        }
        return admit_uncontested(own, free, self._wanted.get(namespace, {}))

    def shared_out(self, namespace: str, admission: Admission) -> None:
        """Note that all free slots of a namespace were handed out, and whether some still wait."""
        self._attempts.freed.discard(namespace)
        if admission.blocked:
            self._contested.add(namespace)
        else:
            self._contested.discard(namespace)

    def admit(
        self,
        namespace: str,
        agents: Mapping[str, int | None],
        not_ready: Mapping[str, tuple[str, str]],
        rooms: Mapping[str, tuple[int, str, str]],
        times: tuple[datetime, float],
        profiles: Mapping[str, Profile] = NO_PROFILES,
    ) -> Admission:
        """Hand out the free slots of a namespace, in order, over all of its phases.

        `agents` has the limit of every agent, `not_ready` why one cannot be used, `rooms` what the
        warm workers of some can take, `times` is now by the wall and by the monotonic clock,
        `profiles` has those that may be chosen.
        """
        return admit(
            self._candidates(namespace),
            Slots(
                agents=agents,
                by_agent={a: self._attempts.by_agent.get((namespace, a), 0) for a in agents},
                by_phase=self._attempts.by_phase,
                by_workflow=self._attempts.by_workflow,
                blocked={**self._blocked(namespace, times[1]), **not_ready},
                rooms={**self._probing(namespace), **rooms},
                profiles=profiles,
            ),
            times[0],
        )

    def _probing(self, namespace: str) -> dict[str, tuple[int, str, str]]:
        return {
            agent: (probe.left, probe.hold.reason, probe.hold.message)
            for (where, agent), probe in self._probes.items()
            if where == namespace
        }

    def _blocked(self, namespace: str, monotonic: float) -> dict[str, tuple[str, str]]:
        return {
            agent: (hold.reason, hold.message)
            for (where, agent), hold in self._holds.items()
            if where == namespace and hold.until > monotonic
        }


def _is_for(candidate: Candidate, agent: str, capabilities: Collection[str]) -> bool:
    wanted = candidate.ready.requires
    return set(wanted) <= set(capabilities) if wanted else candidate.ready.agent == agent
