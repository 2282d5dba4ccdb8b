"""Reconciles agents: stores their revisions, and shows in status what they do."""

from __future__ import annotations

from typing import Any

from ..api.agent import Mode
from ..core.attempts.objects import revision_body
from ..core.conditions import timestamp
from ..core.phase.status import render_usage
from ..core.pool.scale_status import ScaleCondition, scale_conditions
from ..kube.errors import KubeError
from ..kube.resources import Body, uid_of
from .agent_book import NOT_STORED, AgentRun
from .effects import PruneRevisions, StoreRevision
from .keys import Key
from .parts import Parts
from .pools import PoolKeeper
from .status import AGENT_COALESCE_SECONDS


class AgentReconciler:
    """Brings one agent a step on."""

    def __init__(self, parts: Parts, pools: PoolKeeper) -> None:
        self._parts = parts
        self._pools = pools

    def reconcile(self, key: Key) -> None:
        """Make one pass over an agent."""
        body = self._parts.store.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._parts.agents.drop(key)
            self._parts.selection.drop(key)
            return
        known = self._parts.agents.get(key)
        before = known.generation if known else None
        run = self._parts.agents.take(key, body)
        if run.generation != before:
            self.wake_dependents(key)
        if run.spec and run.hash != run.revision and not run.storing:
            run.storing = True
            number = _next_number(run)
            self._parts.executor.submit(StoreRevision(key, revision_body(body, number)))
        if not self._parts.admitting(key.namespace):
            return  # its workers are not all known yet; the pass after the take-over tells
        self._write(key, run, body, self._pools.reconcile(key, run, body))

    def stored(self, key: Key, effect: StoreRevision, found: Body | None) -> None:
        """Take in that a revision is stored: tasks may start with it."""
        run = self._parts.agents.get(key)
        if run is None or found is None:
            return
        run.storing = False
        if found.get("data") != effect.body["data"]:
            name = effect.body["metadata"]["name"]
            run.problem = ("RevisionConflict", f"ControllerRevision {name} has other content")
            self._parts.queue.back_off(key)
            return
        run.revision = effect.body["metadata"]["name"].removeprefix(f"{key.name}-")
        if run.revision == run.hash:
            run.problem = None
        live = {a.revision for p in self._parts.attempts.phases() for a in _live(self._parts, p)}
        self._parts.executor.submit(PruneRevisions(key, frozenset(live | {run.revision})))
        self._parts.queue.succeeded(key)
        self.wake_dependents(key)
        self._parts.queue.add(key)

    def store_failed(self, key: Key, error: KubeError) -> None:
        """Try to store the revision again later, and say why it did not work."""
        run = self._parts.agents.get(key)
        if run is None:
            return
        run.storing = False
        run.problem = ("AgentNotReady", f"its revision cannot be stored: {error}"[:1024])
        self._parts.queue.back_off(key)

    def wake_dependents(self, key: Key) -> None:
        """Look again at what may have waited for this agent."""
        for phase in self._parts.scheduler.waiting(key.namespace):
            self._parts.queue.add(phase)
        for workflow, run in self._parts.workflows.items():
            if workflow.namespace == key.namespace and not run.persisted.started_at:
                self._parts.queue.add(workflow)

    def written(self, key: Key, body: Body) -> None:
        """Take in that a status was written."""
        run = self._parts.agents.get(key)
        if run and run.uid == uid_of(body):
            run.status.take(body)

    def _write(self, key: Key, run: AgentRun, body: Body, pool: dict[str, Any]) -> None:
        if run.problem == NOT_STORED and run.status.stored.get("activeRevision"):
            return  # after a take-over or a change: what stands there holds until the store answers
        status = self._render(key, run, pool)
        if status == run.status.stored:
            run.status.dirty_since = None
            return
        news = run.status.stored.get("activeRevision") != status.get("activeRevision")
        within = AGENT_COALESCE_SECONDS
        if self._parts.statuses.is_due(key, run.status, at_once=news, within=within):
            self._parts.statuses.write(body, key, run.status, status, None)

    def _render(self, key: Key, run: AgentRun, pool: dict[str, Any]) -> dict[str, Any]:
        ended = run.succeeded + run.failed
        ready = self._ready(run)
        pooled = run.spec is not None and run.spec.mode is Mode.POOL
        status = {
            "observedGeneration": run.generation,
            "mode": run.spec and run.spec.mode.value,
            "ready": None if pooled else ready["status"],
            "activeRevision": run.revision,
            "busy": self._parts.attempts.by_agent.get((key.namespace, key.name), 0),
            "queued": self._parts.scheduler.queued(
                key.namespace, key.name, run.spec.capabilities if run.spec else ()
            ),
            "succeeded": run.succeeded,
            "failed": run.failed,
            "successRatio": f"{100 * run.succeeded / ended:.1f}%" if ended else None,
            "lastSeen": run.last_seen and timestamp(run.last_seen),
            "usage": render_usage(run.usage),
            "conditions": [ready, *pool.pop("conditions", ())],
        } | pool
        return {name: value for name, value in status.items() if value not in (None, "")}

    def _ready(self, run: AgentRun) -> dict[str, Any]:
        ready = run.problem is None
        reason, message = run.problem or ("RevisionStored", f"revision {run.revision} is active")
        stored = run.status.stored.get("conditions") or ()
        found = ScaleCondition("Ready", ready, reason, message)
        now = self._parts.clock.now()
        return next(iter(scale_conditions([found], stored, run.generation, now)))


def _live(parts: Parts, phase: Key) -> list[Any]:
    return [attempt for attempt in parts.attempts.of(phase) if attempt.live]


def _next_number(run: AgentRun) -> int:
    """ControllerRevisions are ordered by number; the agent's generation grows with each change."""
    return max(run.generation, 1)
