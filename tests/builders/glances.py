"""Somebody who remembers what changed between two decisions about a phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.phase.decide import PhaseDecision
from spectra_operator.core.phase.glance import Glance
from spectra_operator.core.snapshot import PhaseSnapshot


@dataclass
class Watcher:
    """The last decision, and the attempts that it was made about."""

    last: PhaseDecision | None = None
    before: Mapping[str, Attempt] = field(default_factory=dict)

    def saw(self, snapshot: PhaseSnapshot, decision: PhaseDecision) -> None:
        """Note that a decision was made."""
        self.last = decision
        self.before = {attempt.pod: attempt for attempt in snapshot.attempts}

    def going_on(self, snapshot: PhaseSnapshot) -> PhaseSnapshot:
        """Return a picture that goes on from the last decision, without a glance."""
        return replace(snapshot, known=self.last.record if self.last else None, glance=None)

    def glancing(self, snapshot: PhaseSnapshot) -> PhaseSnapshot:
        """Return a picture that goes on from the last decision, with a glance if there is one."""
        snapshot = self.going_on(snapshot)
        attention = self.last.attention if self.last else None
        if attention is None:
            return snapshot
        now = {attempt.pod: attempt for attempt in snapshot.attempts}
        wanted = attention.wanted(snapshot.persisted)
        seen = [a for pod, a in now.items() if self._is_news(a) or pod in wanted]
        gone = [a for pod, a in self.before.items() if pod not in now]
        return replace(snapshot, glance=Glance(attention, tuple(seen), tuple(gone)))

    def _is_news(self, attempt: Attempt) -> bool:
        known = self.before.get(attempt.pod)
        return known is not attempt and known != attempt
