"""The pods of a phase: stopped, looked up, let go, counted as lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ..core.clean_up import pod_expiry
from ..core.decide_phase import PhaseDecision
from ..core.evidence import Attempt
from ..core.names import pod_name
from ..core.records import PhaseRecord
from .attempts import VANISHED
from .effects import DeletePod, LookUpPod, ReleasePod
from .keys import Key
from .parts import Parts
from .runs import PhaseRun

STOP_AGAIN = timedelta(seconds=30)


class PhasePods:
    """What a pass does with the pods that a phase already has."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def carry_out(
        self, key: Key, run: PhaseRun, decision: PhaseDecision, grace: int | None = None
    ) -> None:
        """Stop what must stop, let go what is recorded, look up what is missing."""
        self._stop(key, run, decision, grace)
        cleanup, now = run.shape.spec.pod_cleanup, self._parts.clock.now()
        for attempt in decision.release:
            self._let_go(key, attempt, pod_expiry(cleanup, attempt, now))
        self._look_up(key, run, decision)

    def purge(self, key: Key, run: PhaseRun) -> None:
        """Forget recorded attempts that no pod of ours stands for; let strangers go."""
        for attempt in self._parts.attempts.of(key):
            if attempt.phase_uid != run.shape.uid:
                self._let_go(key, attempt)
            elif not attempt.live and not attempt.held and _recorded(run.persisted, attempt):
                self._parts.attempts.forget(key, attempt.pod)

    def are_settled(self, key: Key, run: PhaseRun) -> bool:
        """Whether a phase has ended in status and holds no pod any more."""
        return run.persisted.ended and not any(
            a.held or a.live for a in self._parts.attempts.of(key)
        )

    def lost(self, key: Key, run: PhaseRun, pod: str) -> None:
        """Count an attempt as lost: status calls it running, and its pod does not exist."""
        attempt = _lost(run, pod)
        if attempt is not None:
            now = self._parts.clock.now()
            self._parts.attempts.assume(key, replace(attempt, finished_at=now))

    def let_all_go(self, key: Key) -> None:
        """Release every pod of a phase that is certainly gone."""
        for attempt in self._parts.attempts.of(key):
            self._let_go(key, attempt)

    def _stop(self, key: Key, run: PhaseRun, decision: PhaseDecision, grace: int | None) -> None:
        now = self._parts.clock.now()
        for attempt in decision.stop:
            asked = run.stopping.get(attempt.uid)
            if asked is None or now >= asked + STOP_AGAIN:
                asked = run.stopping[attempt.uid] = now
                self._parts.executor.submit(DeletePod(key, attempt.pod, attempt.uid, grace))
            self._parts.wake_at(key, asked + STOP_AGAIN)

    def _let_go(self, key: Key, attempt: Attempt, expires: str = "") -> None:
        releasing = self._parts.releasing
        if not attempt.uid or not attempt.held:
            self._parts.attempts.forget(key, attempt.pod)
        elif attempt.held and attempt.uid not in releasing:
            releasing.add(attempt.uid)
            self._parts.executor.submit(ReleasePod(key, attempt.pod, attempt.uid, expires))

    def _look_up(self, key: Key, run: PhaseRun, decision: PhaseDecision) -> None:
        for lost in decision.missing:
            task = run.shape.tasks[lost.task]
            index = lost.index if task.count is not None else None
            name = pod_name(run.shape.name, run.shape.uid, lost.task, index, lost.number)
            if name not in run.looking_up:
                run.looking_up.add(name)
                self._parts.executor.submit(LookUpPod(key, name))


def _lost(run: PhaseRun, pod: str) -> Attempt | None:
    """Return the attempt that status calls running under this pod name, as lost."""
    shape = run.shape
    for name, record in run.persisted.tasks.items():
        for index, item in record.open.items():
            shown = index if record.fan_out else None
            if pod_name(shape.name, shape.uid, name, shown, item.attempt) == pod:
                ref = shape.spec.workflow_ref
                return Attempt(
                    pod=pod,
                    phase_uid=shape.uid,
                    task=name,
                    index=index,
                    number=item.attempt,
                    agent=record.agent,
                    revision=record.revision,
                    workflow_uid=ref.uid if ref else "",
                    outcome=VANISHED,
                )
    return None


def _recorded(persisted: PhaseRecord, attempt: Attempt) -> bool:
    if persisted.ended:
        return True
    record = persisted.tasks.get(attempt.task)
    number = record.recorded(attempt.index) if record else 0
    return number is None or attempt.number <= number
