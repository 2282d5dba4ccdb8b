"""Heartbeats of attempts in mode Pod: progress stays in memory, checkpoints go on their pods.

    heartbeat -> attempt in memory -> key in queue -> pass: one write -> annotation of the pod

Nobody waits for the write. What comes meanwhile goes into the next one, a second later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..core.attempts.checkpoint import is_checkpoint
from ..core.attempts.evidence import Attempt
from ..kube.errors import Conflict, Invalid, KubeError, NotFound
from ..kube.resources import Body
from .agent_effects import NotePod
from .attempts import owner_of
from .beats import NOTE_SECONDS, show
from .desk_calls import Beat, Caller, Orders, StrangerError
from .effects import Effect
from .keys import Key
from .parts import Parts

logger = logging.getLogger(__name__)

KIND = "Checkpoint"
"""Kind of the keys of pods whose checkpoint is to be written; their names are those of the pods."""

EPOCH = 1
"""A pod does its one attempt from its start to its end, so that nothing is ever fenced."""


class PodBeats:
    """Takes in what the pods of attempts say of themselves."""

    def __init__(self, parts: Parts, pod_of: Callable[[str, str], Body | None]) -> None:
        """Prepare; `pod_of` returns a pod as last seen, by namespace and name."""
        self._parts = parts
        self._pod_of = pod_of
        self._phases: dict[Key, Key] = {}
        self._writing: set[Key] = set()

    def knows(self, caller: Caller) -> bool:
        """Whether a caller is the pod of an attempt."""
        return self._attempt(caller) is not None

    def refuse(self, caller: Caller) -> None:
        """Do nothing but refuse what the pod of an attempt has no business with.

        Raises:
            StrangerError: The caller is the pod of an attempt.
        """
        if self.knows(caller):
            text = f"pod {caller.pod} does one attempt and ends with it; it may send heartbeats"
            raise StrangerError("NotAWorker", f"{text}, its result is its termination message")

    def beat(self, caller: Caller, beats: Sequence[Beat]) -> Orders:
        """Take in how an attempt is getting on; `cancel` has what it should not work on.

        Raises:
            StrangerError: The attempt has ended, or the caller is no attempt's pod.
        """
        found = self._attempt(caller)
        if found is None or not found[1].live:
            text = f"the attempt of pod {caller.pod} has ended, and its checkpoint with it"
            raise StrangerError("AttemptEnded", text)
        phase, attempt = found
        for beat in beats:
            if _is_of(beat, attempt):
                self._take_in(phase, attempt, beat)
        stopped = attempt.deleted_at is not None
        cancel = [beat.claim for beat in beats if stopped or not _is_of(beat, attempt)]
        return Orders(tuple(cancel), stopped)

    def _attempt(self, caller: Caller) -> tuple[Key, Attempt] | None:
        pod = self._pod_of(caller.namespace, caller.pod)
        phase = owner_of(pod) if pod else None
        known = phase and self._parts.attempts.get(phase, caller.pod)
        if phase is None or known is None or known.worker or known.uid != caller.uid:
            return None
        return phase, known

    def _take_in(self, phase: Key, attempt: Attempt, beat: Beat) -> None:
        if is_checkpoint(beat.checkpoint) and beat.checkpoint != attempt.checkpoint:
            self._parts.attempts.note(phase, attempt, beat.checkpoint)
            self._later(Key(KIND, phase.namespace, attempt.pod), phase)
        now = self._parts.attempts.get(phase, attempt.pod)
        if beat.progress and now is not None:
            show(self._parts, phase, now, beat.progress)

    def _later(self, key: Key, phase: Key) -> None:
        if key not in self._phases:
            self._phases[key] = phase
            self._parts.queue.add_at(key, self._parts.clock.monotonic() + NOTE_SECONDS)

    def reconcile(self, key: Key) -> None:
        """Write the checkpoint of a pod if there is a newer one than stands there."""
        phase = self._phases.get(key)
        if phase is None or key in self._writing:
            return
        known = self._parts.attempts.get(phase, key.name)
        if known is None or not known.uid or not known.checkpoint:
            self._forget(key)
            return
        self._writing.add(key)
        self._parts.executor.submit(NotePod(key, known.uid, known.checkpoint))

    def done(self, effect: Effect, _: Body | None, error: KubeError | None) -> None:
        """Take in how a write ended; of a pod that is gone nothing more is to be written."""
        key = effect.key
        phase = self._phases.get(key)
        if phase is None or not isinstance(effect, NotePod):
            return
        self._writing.discard(key)
        if error is not None and not isinstance(error, (NotFound, Conflict, Invalid)):
            logger.warning("%s: not written: %s", key, error)
            self._parts.queue.back_off(key)
            return
        self._forget(key)
        self._parts.queue.succeeded(key)
        known = self._parts.attempts.get(phase, key.name)
        if error is None and known is not None and known.checkpoint != effect.checkpoint:
            self._later(key, phase)

    def _forget(self, key: Key) -> None:
        self._phases.pop(key, None)
        self._writing.discard(key)

    def drop(self, concerns: Callable[[str], bool]) -> None:
        """Forget what is to be written in some namespaces: another replica runs them."""
        for key in [key for key in self._phases if concerns(key.namespace)]:
            self._forget(key)
        self._parts.attempts.doubt_notes(concerns)


def _is_of(beat: Beat, attempt: Attempt) -> bool:
    return beat.claim == attempt.pod and beat.epoch == EPOCH
