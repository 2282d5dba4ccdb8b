"""Attempts by phase: what pods prove, what is being created, and what is gone unrecorded.

Slots in use are counted here, as attempts come, end and go; they are stored nowhere. So are the
attempts of each revision whose end is not counted yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..core.attempts.evidence import Attempt, Kind, Outcome, attempt_of, is_named_by, seen
from ..kube.resources import Body
from .attempt_cell import AttemptCell
from .keys import Key

VANISHED = Outcome(Kind.LOST, "PodVanished", "the pod was removed before its result was recorded")


class AttemptIndex:
    """Attempts by the key of their phase and the name of their pod.

    `freed` has the namespaces in which slots have come free; who hands them out takes one off.
    """

    def __init__(self) -> None:
        self._by_phase: dict[Key, AttemptCell] = {}
        self._counted: set[tuple[Key, str]] = set()
        self._said: dict[tuple[Key, str], str] = {}
        self._by_revision: Counter[tuple[str, str, str]] = Counter()
        self.freed: set[str] = set()
        self.by_agent: Counter[tuple[str, str]] = Counter()
        self.by_phase: Counter[str] = Counter()
        self.by_workflow: Counter[str] = Counter()

    def of(self, phase: Key) -> tuple[Attempt, ...]:
        """Return the attempts of a phase."""
        cell = self._by_phase.get(phase)
        return tuple(cell.by_pod.values()) if cell else ()

    def cell(self, phase: Key) -> AttemptCell:
        """Return what is kept of a phase's attempts, to be looked at; an empty one for nothing."""
        return self._by_phase.get(phase) or AttemptCell()

    def get(self, phase: Key, pod: str) -> Attempt | None:
        """Return the attempt of a pod."""
        cell = self._by_phase.get(phase)
        return cell.by_pod.get(pod) if cell else None

    def phases(self) -> Iterable[Key]:
        """Return the phases that have attempts."""
        return list(self._by_phase)

    def observe(self, pod: Body) -> tuple[Key, Attempt] | None:
        """Take in a pod as it is now; None if it is not one of ours.

        Which attempt a pod is, is read once from its labels, and only if its name agrees: who
        changes labels moves no attempt. The first sight of an end holds too: with its last write
        of a deleted pod the kubelet drops the grace, and then nothing tells that the deletion
        came before the end. An attempt that a warm worker holds is no pod's.
        """
        phase = owner_of(pod)
        if phase is None:
            return None
        known = self.get(phase, pod["metadata"]["name"])
        attempt = _identified(pod, phase.name, known)
        if attempt is None or (known is not None and known.worker):
            return None
        if known and known.uid == attempt.uid and known.outcome and attempt.outcome:
            attempt = replace(attempt, outcome=known.outcome)
        attempt = self._with_said(phase, attempt)
        self._set(phase, attempt)
        return phase, attempt

    def adopt(self, phase: Key, attempt: Attempt, pod: Body) -> None:
        """Take in a pod that is known to be this attempt, whatever its labels say."""
        now = seen(attempt, pod)
        if attempt.outcome and now.outcome:
            now = replace(now, outcome=attempt.outcome)
        self._set(phase, self._with_said(phase, now))

    def note(self, phase: Key, attempt: Attempt, checkpoint: str) -> None:
        """Take in a checkpoint that a pod told; it is newer than the one that the pod shows."""
        self._said[phase, attempt.pod] = checkpoint
        self._set(phase, replace(attempt, checkpoint=checkpoint))

    def doubt_notes(self, concerns: Callable[[str], bool]) -> None:
        """Believe the pods of some namespaces: from now on they may tell it somebody else."""
        for phase, pod in [each for each in self._said if concerns(each[0].namespace)]:
            del self._said[phase, pod]

    def assume(self, phase: Key, attempt: Attempt) -> None:
        """Count an attempt whose pod is being created."""
        self._set(phase, attempt)

    def bury(self, phase: Key, pod: str) -> None:
        """Keep an attempt whose pod is gone: its outcome if it had one, else a loss."""
        known = self.get(phase, pod)
        if known is None:
            return
        gone = replace(known, uid="", held=False, outcome=known.outcome or VANISHED)
        self._set(phase, gone)

    def forget(self, phase: Key, pod: str) -> None:
        """Drop an attempt: its result is recorded, or it never came to be."""
        cell = self._by_phase.get(phase)
        known = cell.take(pod) if cell else None
        if known is not None:
            self._count(phase, known, -1)
            self._note_freed(phase, known)
        self._counted.discard((phase, pod))
        self._said.pop((phase, pod), None)
        if cell and not cell.by_pod:
            del self._by_phase[phase]

    def uncounted(self, agent: Key, revision: str) -> int:
        """Return how many attempts of a revision there are whose end is not counted yet."""
        return self._by_revision[agent.namespace, agent.name, revision]

    def is_counted(self, phase: Key, pod: str) -> bool:
        """Whether the end of an attempt is counted."""
        return (phase, pod) in self._counted

    def count_off(self, phase: Key, pod: str) -> None:
        """Note that the end of an attempt is counted."""
        known = self.get(phase, pod)
        if known is not None and (phase, pod) not in self._counted:
            self._count_revision(phase, known, -1)
            self._counted.add((phase, pod))

    def recount(self, concerns: Callable[[str], bool]) -> None:
        """Forget which ends are counted, in some namespaces."""
        for phase, pod in [each for each in self._counted if concerns(each[0].namespace)]:
            self._counted.discard((phase, pod))
            self._count_revision(phase, self._by_phase[phase].by_pod[pod], 1)

    def _with_said(self, phase: Key, attempt: Attempt) -> Attempt:
        said = self._said.get((phase, attempt.pod))
        return attempt if said is None else replace(attempt, checkpoint=said)

    def _set(self, phase: Key, attempt: Attempt) -> None:
        cell = self._by_phase.get(phase)
        if cell is None:
            cell = self._by_phase[phase] = AttemptCell()
        known = cell.put(attempt)
        if known is not None:
            self._count(phase, known, -1)
        self._count(phase, attempt, 1)
        if known is not None and not attempt.live:
            self._note_freed(phase, known)

    def _note_freed(self, phase: Key, before: Attempt) -> None:
        if before.live:
            self.freed.add(phase.namespace)

    def _count_revision(self, phase: Key, attempt: Attempt, by: int) -> None:
        if (phase, attempt.pod) not in self._counted:
            _add(self._by_revision, (phase.namespace, attempt.agent, attempt.revision), by)

    def _count(self, phase: Key, attempt: Attempt, by: int) -> None:
        self._count_revision(phase, attempt, by)
        if not attempt.live:
            return
        for counts, key in (
            (self.by_agent, (phase.namespace, attempt.agent)),
            (self.by_phase, attempt.phase_uid),
            (self.by_workflow, attempt.workflow_uid),
        ):
            _add(counts, key, by)


def _add(counts: Counter[Any], key: object, by: int) -> None:
    counts[key] += by
    if not counts[key]:
        del counts[key]


def _identified(pod: Body, phase: str, known: Attempt | None) -> Attempt | None:
    """Return the attempt that a pod is, with what the pod shows of it."""
    if known is not None and known.uid == pod["metadata"].get("uid"):
        return seen(known, pod)
    attempt = attempt_of(pod)
    if attempt is not None and is_named_by(attempt, phase):
        return attempt
    return seen(known, pod) if known is not None and not known.uid else None


def owner_of(pod: Body) -> Key | None:
    """Return the phase that a pod belongs to."""
    meta = pod["metadata"]
    for owner in meta.get("ownerReferences") or ():
        if owner.get("kind") == "Phase":
            return Key("Phase", meta["namespace"], owner["name"])
    return None
