"""Reconciles agents: their revisions, their workers, and what their status shows of both."""

from __future__ import annotations

from typing import Any

from ..api.agent import Mode
from ..core.conditions import Condition, render_conditions, timestamp
from ..core.phase.status import render_usage
from ..core.rollout.records import RolloutDecision
from ..core.rollout.stats import counted_of
from ..core.rollout.status import rollout_progressing
from ..kube.resources import Body, uid_of
from .agent_book import AgentRun
from .keys import Key
from .measures import count_scaling
from .parts import Parts
from .pools import PoolKeeper
from .revisions import RevisionKeeper
from .rollouts import RolloutKeeper, Written
from .status import AGENT_COALESCE_SECONDS
from .troubles import note_troubles


class AgentReconciler:
    """Brings one agent a step on."""

    def __init__(self, parts: Parts, pools: PoolKeeper) -> None:
        self._parts = parts
        self._pools = pools
        self.rollouts = RolloutKeeper(parts)
        self.revisions = RevisionKeeper(parts)

    def reconcile(self, key: Key) -> None:
        """Make one pass over an agent."""
        body, known = self._parts.store.get(key), self._parts.agents.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._gone(key, known)
            return
        before = known.generation if known else None
        run = self._parts.agents.take(key, body)
        if known is not run:
            self._let_go(known)
            self._recall(key, run)
        if run.generation != before:
            self._parts.wake_dependents(key)
        self.revisions.ensure(key, run, body)
        if not self._parts.admitting(key.namespace):
            return  # its attempts are not all known yet; the pass after the take-over tells
        note_troubles(self._parts, key, run)
        decision = self.rollouts.reconcile(key, run)
        pool = self._pools.reconcile(key, run, body)
        if decision is not None:
            self._write(key, run, body, (decision, pool))

    def _recall(self, key: Key, run: AgentRun) -> None:
        """Let choices begin with what status counts, as of when the agent was last seen."""
        if run.last_seen is None:
            return
        clock = self._parts.clock
        ago = (clock.now() - run.last_seen).total_seconds()
        self._parts.selection.recall(key, run.stats, clock.monotonic() - max(ago, 0.0))

    def _gone(self, key: Key, known: AgentRun | None) -> None:
        self._parts.agents.drop(key)
        self._parts.selection.drop(key)
        self._let_go(known)
        self._parts.wake_actions(key)

    def _let_go(self, known: AgentRun | None) -> None:
        """Look again at phases that keep proofs for an agent that is no more."""
        for phase in known.holding if known else ():
            self._parts.queue.add(phase)

    def written(self, key: Key, what: Written, body: Body) -> None:
        """Take in that a status was written, and tell what is new in it."""
        run = self._parts.agents.get(key)
        if run and run.uid == uid_of(body):
            before = run.status.stored
            run.status.take(body)
            self._parts.stories.tell_agent(key, run.uid, before, run.status.stored)
            count_scaling(self._parts.metrics, before, run.status.stored)
            self.rollouts.written(key, run, what)

    def _write(
        self, key: Key, run: AgentRun, body: Body, found: tuple[RolloutDecision, dict[str, Any]]
    ) -> None:
        decision, _ = found
        status = self._render(key, run, found)
        if status == run.status.stored:
            run.status.dirty_since = None
            self.rollouts.stands(run, counted_of(decision.stats))
            return
        news = decision.record != run.rollout or bool(run.holding)
        within = AGENT_COALESCE_SECONDS
        if self._parts.statuses.is_due(key, run.status, at_once=news, within=within):
            what = Written(decision.record, counted_of(decision.stats), decision.told)
            self._parts.statuses.write(body, key, run.status, status, what)

    def _render(
        self, key: Key, run: AgentRun, found: tuple[RolloutDecision, dict[str, Any]]
    ) -> dict[str, Any]:
        decision, pool = found
        ended = run.succeeded + run.failed
        ready = self._ready(run)
        rollout = self._condition(run, rollout_progressing(decision.record, run.unjudgeable))
        pooled = run.spec is not None and run.spec.mode is Mode.POOL
        status = {
            "observedGeneration": run.generation,
            "mode": run.spec and run.spec.mode.value,
            "ready": None if pooled else ready["status"],
            "busy": self._parts.attempts.by_agent.get((key.namespace, key.name), 0),
            "queued": self._parts.scheduler.queued(
                key.namespace, key.name, run.spec.capabilities if run.spec else ()
            ),
            "succeeded": run.succeeded,
            "failed": run.failed,
            "successRatio": f"{100 * run.succeeded / ended:.1f}%" if ended else None,
            "lastSeen": run.last_seen and timestamp(run.last_seen),
            "usage": render_usage(run.usage),
            "conditions": [ready, rollout, *pool.pop("conditions", ())],
            **self.rollouts.status(decision),
        } | pool
        return {name: value for name, value in status.items() if value not in (None, "")}

    def _ready(self, run: AgentRun) -> dict[str, Any]:
        reason, message = run.problem or ("RevisionStored", f"revision {run.active} is active")
        return self._condition(run, Condition("Ready", not run.problem, reason, message))

    def _condition(self, run: AgentRun, found: Condition) -> dict[str, Any]:
        stored = run.status.stored.get("conditions") or ()
        now = self._parts.clock.now()
        return next(iter(render_conditions([found], stored, run.generation, now)))
