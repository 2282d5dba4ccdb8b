"""Keeps as many warm workers of an agent as there should be; see `core.pool.scaling`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ..api.agent import AgentSpec, Mode
from ..core.conditions import render_conditions, timestamp
from ..core.names import shortened
from ..core.pool.fleet import Why, WorkerState
from ..core.pool.health import health_of, to_quarantine
from ..core.pool.objects import WorkerPlan, worker_body
from ..core.pool.past import Past, parse_history, render_history
from ..core.pool.scale_status import scale_counts
from ..core.pool.scaling import ScalePlan, ScaleSnapshot, WorkerView, decide_scale
from ..kube.errors import KubeError
from ..kube.resources import Body
from .agent_book import AgentRun
from .agent_effects import CreateWorker, DeleteWorker
from .effects import Effect
from .keys import Key
from .parts import Parts
from .troubles import tell_silence
from .worker_book import KIND, WorkerRun, state_of

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 60.0
"""How often the last heartbeat is shown when nothing else happens."""
_LONGEST_AGENT = 40
"""Characters of an agent's name in the names of its workers."""


class PoolKeeper:
    """Makes, drains and deletes the workers of agents in mode Pool."""

    def __init__(
        self, parts: Parts, put_pod: Callable[[Body], None], url: str, new_id: Callable[[], str]
    ) -> None:
        """Prepare; `put_pod` lays the answer to a creation over the cache of pods."""
        self._parts = parts
        self._put_pod = put_pod
        self._url = url
        self._new_id = new_id

    def reconcile(self, key: Key, run: AgentRun, body: Body) -> dict[str, Any]:
        """Make one pass over the workers of an agent; return what its status says of them."""
        if run.spec is None:  # it cannot be read: what there is goes on
            return {}
        if run.spec.mode is not Mode.POOL:
            self._end_all(key)
            return {}
        self._quarantine(key)
        snapshot = self._snapshot(key, run, run.spec)
        plan = decide_scale(snapshot)
        if plan.past.failures != snapshot.past.failures:
            self._parts.queue.add(key)  # failing workers may end a rollout
        run.past = plan.past
        self._carry_out(key, plan)
        for revision, many in ((snapshot.revision, plan.create), *plan.beside):
            for _ in range(many):
                self._create(key, body, run, revision)
        self._parts.wake_at(key, plan.wake_at)
        return self._status(key, run, (snapshot.revision, plan))

    def _snapshot(self, key: Key, run: AgentRun, spec: AgentSpec) -> ScaleSnapshot:
        parts, now = self._parts, self._parts.clock.now()
        if run.past is None:
            run.past = parse_history(run.status.stored.get("scalingPast") or "")
        pause = parts.settles_in(key.namespace)
        if pause:
            parts.queue.add_at(key, parts.clock.monotonic() + pause)
        run.tugs = run.tugs.after(spec.replicas, now)
        pulled = run.tugs.between(now)
        if pulled:
            parts.wake_at(key, run.tugs.over_at())
        active = next((each for each, kept in run.keep.items() if kept.why is Why.ACTIVE), "")
        return ScaleSnapshot(
            spec=spec,
            revision=active,
            claimable=parts.claimable(key.namespace, now)[key.name],
            workers=tuple(self._view(worker, found) for worker, found in parts.workers.of(key)),
            now=now,
            past=run.past or Past(),
            fresh=not pause,
            refused=run.refused,
            beside={
                revision: kept
                for revision, kept in run.keep.items()
                if revision != active and revision in run.templates
            },
            pulled=pulled,
        )

    def _view(self, key: Key, worker: WorkerRun) -> WorkerView:
        return WorkerView(
            name=key.name,
            uid=worker.pod_uid,
            revision=worker.revision,
            state=state_of(worker, self._parts.clock.monotonic()),
            draining=worker.draining,
            claims=len(worker.wanted.claims),
            created_at=worker.created_at or self._parts.clock.now(),
            trouble=worker.trouble,
        )

    def _quarantine(self, key: Key) -> None:
        """Give no more work to workers that fail where others do well; they are replaced."""
        fleets: dict[str, dict[Key, WorkerRun]] = {}
        for worker_key, worker in self._parts.workers.of(key):
            fleets.setdefault(worker.revision, {})[worker_key] = worker
        for fleet in fleets.values():
            failing = to_quarantine({k.name: w.conduct for k, w in fleet.items()})
            for worker_key, worker in fleet.items():
                if worker_key.name in failing and not worker.quarantined:
                    worker.quarantined = True
                    logger.warning("%s: worker %s is put in quarantine", key, worker_key.name)

    def _carry_out(self, key: Key, plan: ScalePlan) -> None:
        for names, draining in ((plan.drain, True), (plan.undrain, False)):
            for name in names:
                worker = self._parts.workers.get(Key(KIND, key.namespace, name))
                if worker is not None:
                    worker.draining = draining
        for name, uid in plan.delete:
            worker = self._parts.workers.get(Key(KIND, key.namespace, name))
            if worker is not None and not worker.deleting:
                if state_of(worker, self._parts.clock.monotonic()) is WorkerState.SILENT:
                    tell_silence(self._parts, key, Key(KIND, key.namespace, name), worker)
                worker.deleting = True
                self._parts.executor.submit(DeleteWorker(key, name, uid))

    def _create(self, key: Key, body: Body, run: AgentRun, revision: str) -> None:
        spec = run.spec_of(revision)
        if spec is None:
            return
        start = shortened(key.name, _LONGEST_AGENT)
        name = f"{start}-{revision[:6]}-{self._new_id()}"
        shard = self._parts.shard_label(key.namespace)
        plan = WorkerPlan(name, spec, revision, self._url, shard)
        worker = self._parts.workers.add(Key(KIND, key.namespace, name), key.name, revision)
        worker.creating, worker.created_at = True, self._parts.clock.now()
        self._parts.executor.submit(CreateWorker(key, worker_body(body, plan)))

    def _end_all(self, key: Key) -> None:
        """Delete the workers of an agent that has none any more; busy ones finish first."""
        for worker_key, worker in self._parts.workers.of(key):
            worker.draining = True
            if worker.pod_uid and not worker.deleting and not worker.wanted.claims:
                worker.deleting = True
                effect = DeleteWorker(key, worker_key.name, worker.pod_uid)
                self._parts.executor.submit(effect)

    def done(self, effect: Effect, body: Body | None, error: KubeError | None) -> None:
        """Take in how a creation or a deletion ended."""
        key, parts = effect.key, self._parts
        run = parts.agents.get(key)
        if isinstance(effect, CreateWorker):
            self._created(effect, body, error)
        elif error is not None and isinstance(effect, DeleteWorker):
            worker = parts.workers.get(Key(KIND, key.namespace, effect.pod))
            if worker is not None:
                worker.deleting = False
        if error is None:
            parts.queue.succeeded(key)
            return
        logger.warning("%s: %s: %s", key, type(effect).__name__, error)
        if run is not None:
            run.refused = str(error)[:512]
        parts.queue.back_off(key)

    def _created(self, effect: CreateWorker, body: Body | None, error: KubeError | None) -> None:
        parts, key = self._parts, effect.key
        worker_key = Key(KIND, key.namespace, effect.body["metadata"]["name"])
        worker, run = parts.workers.get(worker_key), parts.agents.get(key)
        if error is None and body is not None:
            if run is not None:
                run.refused = ""
            self._put_pod(body)
            return
        if worker is not None and not worker.pod_uid:
            parts.workers.drop(worker_key)

    def _status(self, key: Key, run: AgentRun, what: tuple[str, ScalePlan]) -> dict[str, Any]:
        active, plan = what
        workers = dict(self._parts.workers.of(key))
        views = [self._view(worker, found) for worker, found in workers.items()]
        heard = max((w.heard_at for w in workers.values() if w.heard_at is not None), default=None)
        stored = run.status.stored.get("conditions") or ()
        now = self._parts.clock.now()
        warm = {each for each, kept in run.keep.items() if kept.why is Why.WARM}
        judged = [view for view in views if view.revision not in warm]
        given = run.spec is not None and run.spec.replicas == 0
        why_none = "spec.replicas is 0" if given else "no task waits or runs"
        health, healthy = health_of(judged, plan.desired, active, why_none)
        told = (healthy, *plan.conditions)
        return {
            "health": health.value,
            **scale_counts(key.name, views, active, plan.desired),
            "scalingPast": render_history(plan.past),
            "lastHeartbeat": self._wall(key, heard),
            "conditions": render_conditions(told, stored, run.generation, now),
        }

    def _wall(self, key: Key, heard: float | None) -> str | None:
        """Return the minute of a call: a heartbeat alone must cost at most a write a minute."""
        if heard is None:
            return None
        clock = self._parts.clock
        self._parts.queue.add_at(key, clock.monotonic() + HEARTBEAT_SECONDS)
        at = clock.now() - timedelta(seconds=clock.monotonic() - heard)
        return timestamp(at.replace(second=0))
