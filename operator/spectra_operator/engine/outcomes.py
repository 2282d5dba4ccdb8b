"""What follows from an effect: answers are laid over the caches, refusals are taken in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from ..core.attempts.evidence import Attempt
from ..core.phase.records import PhaseRecord
from ..core.workflow.records import WorkflowRecord
from ..kube.errors import AlreadyExists, Conflict, Forbidden, Invalid, KubeError, NotFound
from ..kube.resources import Body, version_of
from . import agent_effects as agent_fx
from . import effects as fx
from . import plans
from .actions import ActionReconciler
from .agents import AgentReconciler
from .correlation import about
from .history import History
from .keys import Key, is_finished
from .parts import Parts
from .phases import PhaseReconciler
from .pod_beats import PodBeats
from .pools import PoolKeeper
from .rollouts import Written
from .scheduler import Hold
from .schedules import ScheduleReconciler, ToldRecord
from .starts import refuse
from .templates import TemplateReconciler
from .workers import WorkerReconciler
from .workflows import WorkflowReconciler

logger = logging.getLogger(__name__)

HOLD_SECONDS = 10.0
"""How long a refused agent waits before it is tried again, unless a pod ends before."""
TERMINATING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Reconcilers:
    """Who is told how effects ended."""

    phases: PhaseReconciler
    workflows: WorkflowReconciler
    agents: AgentReconciler
    schedules: ScheduleReconciler
    history: History
    actions: ActionReconciler
    templates: TemplateReconciler
    workers: WorkerReconciler
    pools: PoolKeeper
    pod_beats: PodBeats


class Outcomes:
    """Takes in how effects ended."""

    def __init__(
        self,
        parts: Parts,
        put_pod: Callable[[Body], None],
        reconcilers: Reconcilers,
    ) -> None:
        self._parts = parts
        self._put_pod = put_pod
        self._phases = reconcilers.phases
        self._workflows = reconcilers.workflows
        self._agents = reconcilers.agents
        self._schedules = reconcilers.schedules
        self._history = reconcilers.history
        self._templates = reconcilers.templates
        self._takers: dict[type, Callable[[fx.Effect, Body | None, KubeError | None], None]] = {
            fx.CreateWorkflow: self._schedules.done,
            fx.ReplaceWorkflow: self._schedules.done,
            fx.DeleteExpired: self._history.done,
            fx.PruneHistory: self._history.done,
            fx.PinTemplates: self._workflows.pins.done,
            fx.CreateClaim: self._workflows.claims.done,
            fx.DeleteClaim: self._claim_deleted,
            agent_fx.NotePod: reconcilers.pod_beats.done,
            fx.Reopen: reconcilers.actions.done,
            fx.CloseAction: reconcilers.actions.done,
            agent_fx.CreateGate: reconcilers.agents.rollouts.gates.created,
            agent_fx.CreateReplay: reconcilers.agents.rollouts.gates.created,
            agent_fx.LookUpRevision: reconcilers.agents.revisions.looked_up,
            agent_fx.WritePage: reconcilers.workers.done,
            agent_fx.LookUpPage: reconcilers.workers.done,
            agent_fx.DeletePage: reconcilers.workers.done,
            agent_fx.CreateWorker: reconcilers.pools.done,
            agent_fx.DeleteWorker: reconcilers.pools.done,
        }

    def done(self, effect: fx.Effect, body: Body | None, error: KubeError | None) -> None:
        """Take in how an effect ended."""
        if type(effect) in self._takers:
            self._takers[type(effect)](effect, body, error)
        elif error is not None:
            self._failed(effect, error)
        elif isinstance(effect, fx.CreatePod) and body:
            self._pod_created(effect, body)
        elif isinstance(effect, fx.CreatePhase) and body:
            self._phase_created(effect, body)
        elif isinstance(effect, fx.CreatePlan) and body:
            plans.created(self._parts, effect, body)
        elif isinstance(effect, fx.WriteStatus) and body:
            self._status_written(effect, body)
        elif isinstance(effect, agent_fx.StoreRevision):
            self._agents.revisions.stored(effect.key, effect, body)
        elif isinstance(effect, fx.LookUp):
            self._looked_up(effect.key, body)
        elif isinstance(effect, fx.LookUpPod):
            self._phases.pods.looked_up(effect.key, effect.pod, body)
        else:
            self._tidied(effect, body)

    def _tidied(self, effect: fx.Effect, body: Body | None) -> None:
        if isinstance(effect, fx.MarkFinished) and body:
            self._parts.store.drop(effect.key, version_of(body))
            self._parts.queue.add(effect.key)
            self._parts.wake_actions(effect.key)
            self._history.finished(body)
        elif isinstance(effect, fx.ReleasePod):
            self._phases.pods.released(effect.key, effect.pod, effect.uid)
            if body and effect.expires:
                self._history.expires(body)

    def _claim_deleted(self, effect: fx.Effect, body: Body | None, error: KubeError | None) -> None:
        self._workflows.claims.done(effect, body, error)
        for pod in (body or {}).get("items") or ():
            self._history.expires(pod)

    def _pod_created(self, effect: fx.CreatePod, body: Body) -> None:
        parts = self._parts
        if effect.trigger is not None:
            parts.metrics.observe_hop(parts.clock.monotonic() - effect.trigger)
        self._put_pod(body)
        agent = parts.agents.get(Key("Agent", effect.key.namespace, effect.attempt.agent))
        if agent is not None:
            agent.refusals.pop(effect.attempt.revision, None)
        if parts.scheduler.came(effect.key.namespace, effect.attempt.agent):
            parts.hand_on(effect.key.namespace)
        known = parts.attempts.get(effect.key, effect.attempt.pod)
        if known is not None and not known.uid:  # the watch has already told of its removal
            parts.attempts.bury(effect.key, effect.attempt.pod)
            parts.queue.add(effect.key)

    def _phase_created(self, effect: fx.CreatePhase, body: Body) -> None:
        parts = self._parts
        key = Key("Phase", effect.key.namespace, body["metadata"]["name"])
        parts.store.offer(body)
        parts.queue.add_first(key)
        self._workflows.objects.created(effect)

    def _status_written(self, effect: fx.WriteStatus, body: Body) -> None:
        parts, key = self._parts, effect.key
        self._stop_writing(key)
        parts.store.offer(body)
        parts.queue.succeeded(key)
        if key.kind in ("Agent", "Phase"):
            self._parts.wake_actions(key)
        if key.kind == "Phase":
            self._phases.written(key, cast(PhaseRecord, effect.record), body)
        elif key.kind == "Workflow":
            self._workflows.written(key, cast(WorkflowRecord, effect.record), body)
        elif key.kind == "Schedule":
            self._schedules.written(key, cast(ToldRecord, effect.record), body)
        elif key.kind == "WorkflowTemplate":
            self._templates.written(key, body)
        else:
            self._agents.written(key, cast(Written, effect.record), body)

    def _looked_up(self, key: Key, body: Body | None) -> None:
        parts = self._parts
        if body is None or is_finished(body):
            known = parts.store.get(key)
            if known is not None and parts.store.drop(key, version_of(body or known)):
                parts.queue.add(key)
            if key.kind == "Phase":
                self._phases.pods.let_all_go(key)
            return
        parts.store.offer(body)
        if key.kind == "Phase" and body["metadata"].get("deletionTimestamp"):
            self._phases.pods.let_all_go(key)
        parts.queue.add(key)

    def _failed(self, effect: fx.Effect, error: KubeError) -> None:
        key, queue = effect.key, self._parts.queue
        if isinstance(effect, fx.CreatePod):
            self._pod_refused(effect, error)
        elif isinstance(effect, fx.CreatePhase):
            self._phase_refused(effect, error)
        elif isinstance(effect, fx.CreatePlan):
            plans.not_created(self._parts, effect, error)
        elif isinstance(effect, fx.WriteStatus):
            self._stop_writing(key)
            if isinstance(error, (Conflict, NotFound)):
                self._parts.executor.submit(fx.LookUp(key))
            else:
                logger.warning("%s: status not written: %s", key, error)
                queue.back_off(key)
        elif isinstance(effect, agent_fx.StoreRevision):
            self._agents.revisions.store_failed(key, effect, error)
        elif isinstance(effect, fx.ReleasePod):
            self._parts.releasing.discard(effect.uid)
            logger.warning("%s: pod not released: %s", key, error, extra=about(effect))
            queue.back_off(key)
        else:
            logger.warning("%s: %s: %s", key, type(effect).__name__, error, extra=about(effect))
            self._undo(effect)

    def _undo(self, effect: fx.Effect) -> None:
        """Forget that something was asked for that was refused, and ask again later."""
        key, parts = effect.key, self._parts
        phase, workflow = parts.phases.get(key), parts.workflows.get(key)
        if isinstance(effect, fx.LookUpPod) and phase:
            self._phases.pods.not_looked_up(key, phase, effect.pod)
        elif isinstance(effect, fx.DeletePhase) and workflow:
            workflow.discarding.discard(effect.uid)
        elif isinstance(effect, fx.MarkFinished):
            for run in (phase, workflow):
                if run is not None:
                    run.marked = False
        if not isinstance(effect, fx.Announce):
            parts.queue.back_off(key)

    def _pod_refused(self, effect: fx.CreatePod, error: KubeError) -> None:
        """A pod that was not created: the run is over, a limit is reached, or it never can be."""
        parts, key, attempt = self._parts, effect.key, effect.attempt
        if self._is_shunned(effect, error):
            return
        if isinstance(error, (Invalid, AlreadyExists)):
            parts.scheduler.came(key.namespace, attempt.agent)  # no limit kept it from coming
            refuse(parts, key, attempt, "InvalidPod", str(error)[:1024])
            return
        self._forget(key, attempt)
        reason, seconds = "PodRefused", HOLD_SECONDS
        if isinstance(error, Forbidden) and error.namespace_terminating:
            reason, seconds = "NamespaceTerminating", TERMINATING_SECONDS
        elif isinstance(error, Forbidden) and error.quota_exceeded:
            reason = "QuotaExceeded"
        until = parts.clock.monotonic() + seconds
        parts.scheduler.hold(key.namespace, attempt.agent, Hold(reason, str(error)[:512], until))
        parts.queue.add(key)

    def _is_shunned(self, effect: fx.CreatePod, error: KubeError) -> bool:
        """Leave a revision that is not proven alone for a while: the stable one does the task."""
        parts, key, attempt = self._parts, effect.key, effect.attempt
        agent_key = Key("Agent", key.namespace, attempt.agent)
        agent = parts.agents.get(agent_key)
        terminating = isinstance(error, Forbidden) and error.namespace_terminating
        if agent is None or isinstance(error, AlreadyExists) or terminating:
            return False
        if not agent.rollout.exposed or attempt.revision != agent.rollout.preview:
            return False
        self._forget(key, attempt)
        parts.scheduler.came(key.namespace, attempt.agent)
        quota = isinstance(error, Forbidden) and error.quota_exceeded
        until = parts.clock.monotonic() + HOLD_SECONDS
        agent.shun(attempt.revision, until, its_own_fault=not quota)
        told = "%s: a pod of revision %s of %s: %s"
        logger.warning(told, key, attempt.revision, agent_key, error, extra=about(effect))
        parts.queue.add(agent_key)
        parts.queue.add(key)
        return True

    def _forget(self, key: Key, attempt: Attempt) -> None:
        """Forget an attempt that never came to be."""
        self._parts.attempts.forget(key, attempt.pod)
        run = self._parts.phases.get(key)
        if run is not None:
            run.known = None  # it counts the attempt as live

    def _phase_refused(self, effect: fx.CreatePhase, error: KubeError) -> None:
        if isinstance(error, Forbidden) and error.namespace_terminating:
            return
        if isinstance(error, (Invalid, AlreadyExists)) or error.status == 413:
            self._workflows.objects.refuse(effect.key, effect.phase, str(error)[:1024])
            return
        self._workflows.objects.not_created(effect, str(error))

    def _stop_writing(self, key: Key) -> None:
        parts = self._parts
        run = {
            "Phase": parts.phases.get(key),
            "Workflow": parts.workflows.get(key),
            "Agent": parts.agents.get(key),
            "Schedule": parts.schedules.get(key),
            "WorkflowTemplate": parts.templates.get(key),
        }[key.kind]
        if run is not None:
            run.status.writing = False
            parts.statuses.answered(run.status)
