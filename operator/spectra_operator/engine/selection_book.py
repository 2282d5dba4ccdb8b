"""What agents are chosen by: how their newest attempts went, and how often each was chosen.

It lives in memory alone. After a restart of the operator it begins with what the agents' statuses
count of their revisions.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ..api.agent import AgentSpec, Mode
from ..core.attempts.evidence import Attempt, Kind, Outcome
from ..core.rollout.stats import RevisionStats
from ..core.selection.figures import NOTHING_SEEN, Figures, Profile, Seen, figures_of, recalled
from .keys import Key

KEPT = 64
"""Attempts of an agent's revision that are looked back on, the newest."""
KEPT_SECONDS = 3600.0
"""How long they count: an agent that did badly is tried again after that."""
_MOST_REVISIONS = 4


@dataclass(slots=True)
class _Past:
    """Attempts of one revision with when they ended (monotonic seconds), oldest first."""

    seen: deque[tuple[float, Seen]] = field(default_factory=lambda: deque(maxlen=KEPT))
    figures: Figures | None = None

    def add(self, at: float, one: Seen) -> None:
        self.seen.append((at, one))
        self.figures = None

    def at(self, now: float) -> Figures:
        while self.seen and self.seen[0][0] <= now - KEPT_SECONDS:
            self.seen.popleft()
            self.figures = None
        if self.figures is None:
            self.figures = figures_of(one for _, one in self.seen)
        return self.figures


class SelectionBook:
    """Agents by key, as choices see them."""

    def __init__(self) -> None:
        self._past: dict[Key, dict[str, _Past]] = {}
        self._begun: Counter[Key] = Counter()

    def begun(self, namespace: str, agent: str) -> None:
        """Count an attempt that an agent was chosen for."""
        self._begun[Key("Agent", namespace, agent)] += 1

    def note(self, namespace: str, attempt: Attempt, outcome: Outcome | None, now: float) -> None:
        """Take in how an attempt ended; a loss says nothing about its agent."""
        if outcome is None or outcome.kind is Kind.LOST or not attempt.agent:
            return
        past = self._past.setdefault(Key("Agent", namespace, attempt.agent), {})
        known = past.pop(attempt.revision, None) or _Past()
        past[attempt.revision] = known
        known.add(now, _seen(attempt, outcome))
        while len(past) > _MOST_REVISIONS:
            del past[next(iter(past))]

    def recall(self, agent: Key, stats: Mapping[str, RevisionStats], at: float) -> None:
        """Begin with what a status counts of an agent's revisions, as if all had ended at a time.

        The stable revision stands first in a status, so that it is never one too many.
        """
        known = [(revision, each) for revision, each in stats.items() if each.judged]
        for revision, each in reversed(known[:_MOST_REVISIONS]):
            past = self._past.setdefault(agent, {})[revision] = _Past()
            seconds = [millis / 1000 for millis in each.sample]
            counts = (each.succeeded, each.failed)
            for one in recalled(counts, each.cost, seconds, KEPT):
                past.add(at, one)

    def profiles(
        self, namespace: str, agents: Iterable[tuple[str, AgentSpec, str]], now: float
    ) -> dict[str, Profile]:
        """Return the agents of a namespace that have capabilities, in the order of their names.

        `agents` has name, spec, and the revision that new attempts use.
        """
        return {
            name: self._profile(Key("Agent", namespace, name), spec, revision, now)
            for name, spec, revision in sorted(agents, key=lambda agent: agent[0])
            if spec.capabilities
        }

    def _profile(self, key: Key, spec: AgentSpec, revision: str, now: float) -> Profile:
        past = self._past.get(key, {}).get(revision)
        return Profile(
            capabilities=frozenset(spec.capabilities),
            mounts=spec.mode is Mode.POD,
            figures=past.at(now) if past else NOTHING_SEEN,
            begun=self._begun[key],
        )

    def drop(self, agent: Key) -> None:
        """Forget an agent that is gone."""
        self._past.pop(agent, None)
        self._begun.pop(agent, None)

    def drop_all(self, concerns: Callable[[str], bool]) -> None:
        """Forget the agents of the namespaces that a test chooses."""
        for key in [k for k in {*self._past, *self._begun} if concerns(k.namespace)]:
            self.drop(key)


def _seen(attempt: Attempt, outcome: Outcome) -> Seen:
    begin, end = attempt.created_at or attempt.started_at, attempt.finished_at
    return Seen(
        good=outcome.kind is Kind.SUCCEEDED,
        seconds=(end - begin).total_seconds() if begin and end else None,
        cost=outcome.result.usage.cost,
    )
