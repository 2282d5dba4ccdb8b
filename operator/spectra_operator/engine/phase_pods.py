"""The pods of a phase: stopped, looked up, let go, counted as lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from ..api import constants as c
from ..core.attempts.evidence import Attempt, selection_of
from ..core.clean_up import pod_expiry
from ..core.names import pod_name
from ..core.phase.attention import is_recorded
from ..core.phase.decide import PhaseDecision
from ..kube.resources import Body, uid_of
from . import claiming
from .attempts import VANISHED
from .conduct import count_end
from .effects import DeletePod, LookUpPod, ReleasePod
from .keys import Key
from .parts import Parts
from .runs import PhaseRun

STOP_AGAIN = timedelta(seconds=30)
LOOK_AGAIN_SECONDS = 10.0
"""A pod that somebody took out of the watch by its labels is looked up so often, until it ends."""


class PhasePods:
    """What a pass does with the pods that a phase already has."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._gone: dict[tuple[Key, str], str] = {}
        self._strays: dict[tuple[Key, str], float] = {}

    def carry_out(
        self, key: Key, run: PhaseRun, decision: PhaseDecision, grace: int | None = None
    ) -> None:
        """Stop what must stop, let go what is recorded, look up what is missing."""
        self._stop(key, run, decision, grace)
        cleanup, now = run.shape.spec.pod_cleanup, self._parts.clock.now()
        for attempt in decision.release:
            if attempt.uid in self._parts.releasing:
                continue  # it was counted when that was asked for
            if count_end(self._parts, key, run, attempt):
                self._let_go(key, attempt, pod_expiry(cleanup, attempt, now))
        self._look_up(key, run, decision)
        self._look_again(key, run)

    def purge(self, key: Key, run: PhaseRun) -> None:
        """Forget recorded attempts that no pod of ours stands for; let strangers go."""
        cell = self._parts.attempts.cell(key)
        doubtful = cell.unsettled if cell.are_of(run.shape.uid) else cell.by_pod
        for attempt in tuple(doubtful.values()):
            if attempt.phase_uid != run.shape.uid:
                self._let_go(key, attempt)
            elif not attempt.live and not attempt.held and is_recorded(run.persisted, attempt):
                count_end(self._parts, key, run, attempt)  # nothing keeps its proof
                self._parts.attempts.forget(key, attempt.pod)

    def are_settled(self, key: Key, run: PhaseRun) -> bool:
        """Whether a phase has ended, in status too, and holds no pod any more."""
        if not run.persisted.ended or (run.known and not run.known.ended):
            return False  # an action has brought it back, and status does not know yet
        return not any(a.held or a.live for a in self._parts.attempts.cell(key).by_pod.values())

    def gone(self, key: Key, pod: Body, *, released: bool) -> None:
        """Take in that a pod is gone, or has left the watch; count it as lost only if it is gone.

        A pod leaves the watch when we release it, and when a person changes its labels. A live
        one is looked up; until then it counts as one that is being created.
        """
        name, uid = pod["metadata"]["name"], uid_of(pod)
        known, run = self._parts.attempts.get(key, name), self._parts.phases.get(key)
        if known is not None and known.worker:
            return  # the pod was a double of what a warm worker does
        may_exist = known is not None and known.uid == uid and (known.live or known.held)
        if known is None or run is None or released or not may_exist:
            self._parts.attempts.bury(key, name)
            return
        self._gone[key, name] = uid
        if known.live:
            self._parts.attempts.assume(key, replace(known, uid=""))
        self._submit_look_up(key, run, name)

    def looked_up(self, key: Key, pod: str, body: Body | None) -> None:
        """Take in what the API server says of a pod that was missing: it lives on, or is lost."""
        uid, parts = self._gone.pop((key, pod), ""), self._parts
        run = parts.phases.get(key)
        parts.queue.add(key)
        if run is None:
            parts.attempts.bury(key, pod)
            return
        run.looking_up.discard(pod)
        known = parts.attempts.get(key, pod)
        if known is not None and known.worker:
            return  # no pod of that name says anything of what a warm worker does
        attempt = known or _expected(run, pod)
        if body is None or attempt is None or not _is_of(body, run, uid):
            self._strays.pop((key, pod), None)
            if known is not None:
                parts.attempts.bury(key, pod)
            elif attempt is not None:
                now = parts.clock.now()
                parts.attempts.assume(key, replace(attempt, finished_at=now, outcome=VANISHED))
            return
        if known is None:
            attempt = _as_labelled(attempt, body)
        parts.attempts.adopt(key, attempt, body)
        if not _is_watched(body):
            self._strays[key, pod] = parts.clock.monotonic() + LOOK_AGAIN_SECONDS

    def not_looked_up(self, key: Key, run: PhaseRun, pod: str) -> None:
        """Take in that a pod could not be read: status will miss it, and ask again."""
        run.looking_up.discard(pod)
        self._gone.pop((key, pod), None)
        self._parts.attempts.forget(key, pod)

    def released(self, key: Key, pod: str, uid: str) -> None:
        """Forget a pod out of the watch that was let go: no event will tell of it."""
        if self._strays.pop((key, pod), None) is not None:
            self._parts.releasing.discard(uid)
            self._parts.attempts.forget(key, pod)
            self._parts.queue.add(key)

    def drop(self, concerns: Callable[[str], bool]) -> None:
        """Forget the pods out of the watch of some namespaces."""
        for key, pod in [s for s in (*self._strays, *self._gone) if concerns(s[0].namespace)]:
            self._strays.pop((key, pod), None)
            self._gone.pop((key, pod), None)
            self._parts.attempts.forget(key, pod)

    def let_all_go(self, key: Key) -> None:
        """Release every pod of a phase that is certainly gone."""
        for attempt in self._parts.attempts.of(key):
            count_end(self._parts, key, None, attempt)
            self._let_go(key, attempt)

    def _stop(self, key: Key, run: PhaseRun, decision: PhaseDecision, grace: int | None) -> None:
        now = self._parts.clock.now()
        for attempt in decision.stop:
            if attempt.worker:
                claiming.stop(self._parts, key, attempt, grace)
                continue
            asked = run.stopping.get(attempt.uid)
            if asked is None or now >= asked + STOP_AGAIN:
                asked = run.stopping[attempt.uid] = now
                self._parts.executor.submit(DeletePod(key, attempt.pod, attempt.uid, grace))
            self._parts.wake_at(key, asked + STOP_AGAIN)

    def _let_go(self, key: Key, attempt: Attempt, expires: str = "") -> None:
        releasing = self._parts.releasing
        if attempt.worker:
            claiming.forget(self._parts, key, attempt)
        elif not attempt.uid or not attempt.held:
            self._parts.attempts.forget(key, attempt.pod)
        elif attempt.held and attempt.uid not in releasing:
            releasing.add(attempt.uid)
            self._parts.executor.submit(ReleasePod(key, attempt.pod, attempt.uid, expires))

    def _look_up(self, key: Key, run: PhaseRun, decision: PhaseDecision) -> None:
        for lost in decision.missing:
            index = lost.index if decision.record.tasks[lost.task].fan_out else None
            name = pod_name(run.shape.name, run.shape.uid, lost.task, index, lost.number)
            self._submit_look_up(key, run, name)

    def _look_again(self, key: Key, run: PhaseRun) -> None:
        """Look up the live pods that are out of the watch when their time has come."""
        if not self._strays:
            return
        now = self._parts.clock.monotonic()
        for where, again in [(s, at) for s, at in self._strays.items() if s[0] == key]:
            known = self._parts.attempts.get(*where)
            if known is None:
                del self._strays[where]
            elif known.live and now >= again:
                self._submit_look_up(key, run, where[1])
            elif known.live:
                self._parts.queue.add_at(key, again)

    def _submit_look_up(self, key: Key, run: PhaseRun, pod: str) -> None:
        if pod not in run.looking_up:
            run.looking_up.add(pod)
            self._parts.executor.submit(LookUpPod(key, pod))


def _expected(run: PhaseRun, pod: str) -> Attempt | None:
    """Return the attempt that is called running and whose pod has this name."""
    shape = run.shape
    for name, record in (run.known or run.persisted).tasks.items():
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
                )
    return None


def _as_labelled(attempt: Attempt, pod: Body) -> Attempt:
    """Return an attempt with the agent that its pod names: each item may have another one."""
    labels = pod["metadata"].get("labels") or {}
    return replace(
        attempt,
        agent=labels.get(c.LABEL_AGENT) or attempt.agent,
        revision=labels.get(c.LABEL_REVISION) or attempt.revision,
        selection=selection_of(pod),
    )


def _is_of(pod: Body, run: PhaseRun, uid: str) -> bool:
    """Whether a pod is one of a phase, and the very one that was seen before, if it was."""
    owners = pod["metadata"].get("ownerReferences") or ()
    owned = any(owner.get("uid") == run.shape.uid for owner in owners)
    return owned and uid in ("", uid_of(pod))


def _is_watched(pod: Body) -> bool:
    """Whether a pod's labels let it be in the watch; see `POD_SELECTOR`."""
    labels = pod["metadata"].get("labels") or {}
    ours = labels.get(c.MANAGED_BY) == c.MANAGER and c.LABEL_PHASE_UID in labels
    return ours and c.LABEL_RECORDED not in labels
