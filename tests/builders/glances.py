"""Somebody who remembers what changed between two decisions about a phase, as the engine does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.phase.decide import PhaseDecision
from spectra_operator.core.phase.glance import Glance
from spectra_operator.core.snapshot import PhaseSnapshot
from spectra_operator.engine.attempt_cell import AttemptCell


@dataclass
class Watcher:
    """The last decision that was adopted, and the book of the phase's attempts."""

    last: PhaseDecision | None = None
    cell: AttemptCell = field(default_factory=AttemptCell)

    def saw(self, snapshot: PhaseSnapshot, decision: PhaseDecision) -> None:
        """Note that a decision was made about a picture."""
        self.hear(snapshot.attempts)
        self.last = decision
        self.cell.all_seen()

    def hear(self, attempts: Iterable[Attempt]) -> None:
        """Take in how all attempts stand, those of a former phase of the same name too."""
        now = {attempt.pod: attempt for attempt in attempts}
        for pod in [pod for pod in self.cell.by_pod if pod not in now]:
            self.cell.take(pod)
        for pod, attempt in now.items():
            if self.cell.by_pod.get(pod) != attempt:
                self.cell.put(attempt)

    def going_on(self, snapshot: PhaseSnapshot) -> PhaseSnapshot:
        """Return a picture that goes on from the last decision, without a glance."""
        return replace(snapshot, known=self.last.record if self.last else None, glance=None)

    def glancing(self, snapshot: PhaseSnapshot, strangers: Iterable[Attempt] = ()) -> PhaseSnapshot:
        """Return a picture that goes on from the last decision, with a glance if there is one."""
        snapshot = self.going_on(snapshot)
        self.hear((*snapshot.attempts, *strangers))
        attention = self.last.attention if self.last else None
        if attention is None:
            return snapshot
        found = self.cell.changes(snapshot.shape.uid, attention.wanted(snapshot.persisted))
        return replace(snapshot, glance=found and Glance(attention, *found))
