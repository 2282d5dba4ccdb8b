"""Carries out what is decided about the revisions of an agent; see `core.rollout`.

A revision that is not proven gets attempts only once its switch stands in status. What is
decided beyond that record and not written yet can only take them away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..api.agent import Mode
from ..api.rollout import Rollout
from ..core.pool.fleet import WorkerState
from ..core.rollout.decide import decide_rollout, hold_rollout
from ..core.rollout.orders import rollout_order
from ..core.rollout.queries import Question, questions
from ..core.rollout.records import (
    RolloutDecision,
    RolloutRecord,
    RolloutSnapshot,
    Told,
    WorkerCounts,
    render_record,
)
from ..core.rollout.stats import render_stats
from .agent_book import NOT_STORED, AgentRun, Places
from .gates import GateKeeper
from .inquiries import Inquiry, Readings
from .keys import Key
from .measures import count_rollout
from .parts import Parts
from .story import Note
from .worker_book import WorkerRun, state_of

REVISION_LOST = "RevisionLost"


@dataclass(frozen=True, slots=True)
class Written:
    """What a status write makes durable of a rollout, and what is told once it is."""

    record: RolloutRecord
    counted: frozenset[str]
    told: tuple[Told, ...]


class RolloutKeeper:
    """Decides about the revisions of an agent, and lets the decision hold."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.gates = GateKeeper(parts)

    def reconcile(self, key: Key, run: AgentRun) -> RolloutDecision | None:
        """Make one pass over the revisions of an agent; None while not all of them are known."""
        if _is_incomplete(run):
            return None
        _look_at_lost(run)
        held = run.spec is None or run.unjudgeable
        decide = hold_rollout if held else decide_rollout
        decision = decide(self._snapshot(key, run))
        run.stats = dict(decision.stats)
        run.keep = decision.keep
        self._let_hold(key, run, decision)
        self._inquire(key, run, decision)
        self.gates.try_them(key, run, decision)
        self._parts.wake_at(key, decision.wake_at)
        return decision

    def status(self, decision: RolloutDecision) -> dict[str, Any]:
        """Return what the status of the agent says of its revisions."""
        shown = [render_stats(revision, stats) for revision, stats in decision.stats.items()]
        return {
            "activeRevision": decision.record.active,
            "rollout": render_record(decision.record),
            "revisions": shown or None,
        }

    def written(self, key: Key, run: AgentRun, what: Written) -> None:
        """Take in that a decision stands in status: tell of it, and let go what waited for it."""
        if what.record.number != run.rollout.number:
            run.refusals.clear()
        count_rollout(self._parts.metrics, run.rollout, what.record)
        run.rollout = what.record
        for told in what.told:
            self._parts.stories.tell(key, run.uid, Note(told.reason, told.message))
        self.stands(run, what.counted)
        self._parts.queue.add(key)

    def stands(self, run: AgentRun, counted: frozenset[str]) -> None:
        """Take in which ends status has counted: their proofs are let go."""
        run.recorded = counted
        for phase in run.holding:
            self._parts.queue.add(phase)
        run.holding.clear()

    def read(self, key: Key, readings: Readings) -> None:
        """Take in the answers to queries."""
        run = self._parts.agents.get(key)
        if run is None:
            return
        run.inquiring, run.readings = False, dict(readings)
        self._parts.queue.add(key)

    def _inquire(self, key: Key, run: AgentRun, decision: RolloutDecision) -> None:
        """Ask the queries that are due.

        Not before status tells since when they are: an answer from before that moment is none.
        """
        at, known = decision.query_at, run.rollout.enough_at
        if at is None or known is None or run.inquiring or at > self._parts.clock.now():
            return
        run.inquiring = True
        asked = _questions(run, decision.record)
        self._parts.inquiries.submit(Inquiry(key, asked))

    def _snapshot(self, key: Key, run: AgentRun) -> RolloutSnapshot:
        record, attempts = run.rollout, self._parts.attempts
        spec, there = run.spec, any(self._parts.workers.of(key))
        pooled = spec.mode is Mode.POOL if spec else there
        return RolloutSnapshot(
            spec=(run.spec and run.spec.rollout) or Rollout(),
            wanted=run.hash,
            now=self._parts.clock.now(),
            pooled=pooled,
            stored=frozenset(run.templates),
            record=record,
            stats=run.stats,
            running={
                revision: attempts.uncounted(key, revision)
                for revision in (record.stable, record.preview)
                if revision
            },
            workers=self._workers(key, run) if pooled else _refused(run),
            desired=(run.past.target if run.past else None) or 1,
            orders=tuple(map(rollout_order, self._parts.orders.of(key))),
            gates=self.gates.results(key, run, record),
            readings={
                each.name: run.readings[each]
                for each in _questions(run, record)
                if each in run.readings
            },
        )

    def _shunned(self, key: Key, run: AgentRun) -> set[str]:
        """Return the revisions whose pods were refused a moment ago, until that is over."""
        now = self._parts.clock.monotonic()
        for until in run.shunned.values():
            self._parts.queue.add_at(key, max(until, now))
        run.shunned = {each: until for each, until in run.shunned.items() if until > now}
        return set(run.shunned)

    def _workers(self, key: Key, run: AgentRun) -> dict[str, WorkerCounts]:
        now = self._parts.clock.monotonic()
        found: dict[str, list[WorkerRun]] = {}
        for _, worker in self._parts.workers.of(key):
            found.setdefault(worker.revision, []).append(worker)
        rounds = {each.revision: each.rounds for each in (run.past.failures if run.past else ())}
        return {
            revision: replace(
                _counts(found.get(revision, []), rounds.get(revision, 0), now),
                trouble=run.troubles.get(revision, ""),
            )
            for revision in {*found, *rounds}
        }

    def _let_hold(self, key: Key, run: AgentRun, decision: RolloutDecision) -> None:
        """Give out the places of a decision, as far as they hold without its record."""
        allowed: Mapping[str, int | None] = decision.allowed
        if run.rollout.stable and _turned(run.rollout, decision.record):
            allowed = {run.rollout.stable: None}
        shunned = self._shunned(key, run)
        places: Places = {
            each: many
            for each, many in allowed.items()
            if each in run.templates and each not in shunned
        }
        opened = set(places) - set(run.places)
        run.places = places
        if opened:
            self._parts.wake_dependents(key)


def _questions(run: AgentRun, record: RolloutRecord) -> tuple[Question, ...]:
    rollout = run.spec.rollout if run.spec else None
    if rollout is None or rollout.analysis is None:
        return ()
    return questions(rollout.analysis.prometheus, record.preview, record.stable)


def _is_incomplete(run: AgentRun) -> bool:
    """Whether the answer to a question about a revision is about to come."""
    record = run.rollout
    known = run.problem not in (None, NOT_STORED)  # the spec's own may never come
    return bool(run.asked & {record.stable, record.preview, record.warm, "" if known else run.hash})


def _look_at_lost(run: AgentRun) -> None:
    """Begin anew where the stable revision is gone, unless the spec's own is not to be trusted.

    Not while the spec names no revision: there is nothing to begin with.
    """
    if not run.hash:
        return
    record = run.rollout
    if record.stable not in run.lost:
        if run.problem and run.problem[0] == REVISION_LOST:
            run.problem = None
        return
    if not record.exposed and record.rejected != run.hash:
        run.rollout, run.stats, run.problem = RolloutRecord(), {}, None
        return
    text = (
        f"the ControllerRevision of the stable revision {record.stable} is gone or cannot be read; "
        "promote or retry the spec's own, or change the template"
    )
    run.problem = (REVISION_LOST, text)


def _turned(before: RolloutRecord, after: RolloutRecord) -> bool:
    known = (before.stable, before.active, before.preview)
    return known != (after.stable, after.active, after.preview)


def _refused(run: AgentRun) -> dict[str, WorkerCounts]:
    """Return what stands for failing workers where there are none: pods that were refused."""
    return {revision: WorkerCounts(failing=many) for revision, many in run.refusals.items()}


def _counts(workers: list[WorkerRun], rounds: int, now: float) -> WorkerCounts:
    states = [state_of(each, now) for each in workers if not each.draining]
    failed = states.count(WorkerState.FAILED)
    stuck = sum(each.trouble is not None and each.trouble.lasting for each in workers)
    return WorkerCounts(
        ready=states.count(WorkerState.READY),
        starting=states.count(WorkerState.STARTING) - stuck,
        failing=max(failed + stuck, rounds),
        stuck=stuck,
    )
