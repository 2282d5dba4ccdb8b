"""Gives a worker what follows at once from its own results, in the write that makes them durable.

    result -> End on the page -> decide as if it were durable -> Give after that End -> one write

The worker gets the task that waited for its result with one write instead of two, and without the
pass in between. That pass decides the same afterwards: the claim holds only on a page where the
good end does, and both come to be in one write. Whatever is not plain is left to the pass.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ..core.attempts.evidence import Attempt, Kind
from ..core.phase.following import following
from ..core.phase.inputs import InputError, TaskInputs
from ..core.phase.records import PhaseRecord
from ..core.pool.page import End, Ending, Page, attempts_of
from ..kube.resources import Body
from . import claiming
from .claiming import Grant
from .keys import Key
from .parts import Parts
from .phases import PhaseReconciler
from .pictures import picture
from .runs import PhaseRun
from .starts import planned
from .worker_book import WorkerRun

logger = logging.getLogger(__name__)


class Foresight:
    """Knows what results will bring; see `following`."""

    def __init__(self, parts: Parts, phases: PhaseReconciler) -> None:
        self._parts = parts
        self._phases = phases

    def give_what_follows(self, key: Key, run: WorkerRun) -> None:
        """Add the claims that follow from results to what is to be written of a worker."""
        endings = _ends(run)
        if not endings or not run.free or not self._takes_all(key, run):
            return
        ended = attempts_of(Page(endings=endings), key.name, run.agent, run.revision)
        by_phase: dict[Key, list[Attempt]] = defaultdict(list)
        for id_, attempt in ended.items():
            by_phase[Key("Phase", key.namespace, endings[id_].claim.phase)].append(attempt)
        for phase, attempts in by_phase.items():
            try:
                self._give_in(phase, attempts, (key, run))
            except Exception:  # a phase that breaks must not keep results from being recorded
                logger.exception("%s: what follows from results could not be decided", phase)
                self._parts.metrics.reconcile_errors[phase.kind,].inc()

    def _takes_all(self, key: Key, run: WorkerRun) -> bool:
        """Whether nobody else waits, and the worker's revision gets all that its agent is given."""
        parts = self._parts
        if not parts.admitting(key.namespace) or parts.scheduler.waiting(key.namespace):
            return False
        agent = parts.agents.get(Key("Agent", key.namespace, run.agent))
        if agent is None or agent.spec is None or agent.open_places() != [(run.revision, None)]:
            return False
        busy = parts.attempts.by_agent[key.namespace, run.agent]
        return _within(busy, agent.spec.concurrency)

    def _give_in(self, phase: Key, ended: Sequence[Attempt], worker: tuple[Key, WorkerRun]) -> None:
        """Give the tasks of one phase: as many as end, so that no limit is passed.

        What follows where one of the ends is bad, that may forbid it, is for the pass to say.
        """
        key, taker = worker
        run, body = self._parts.phases.get(phase), self._parts.store.get(phase)
        if run is None or body is None or not self._is_current(phase, run, body):
            return
        if not all(_is_good(attempt, run.shape.uid) for attempt in ended):
            return
        children = run.shape.graph.children
        if not any(children.get(attempt.task) for attempt in ended):
            return  # most results of fan-outs, and the ends of chains, bring nothing
        levels = self._phases.levels(phase, run)
        if levels is None:
            return
        snapshot = picture(self._parts, phase, run, levels)
        record, tasks = following(snapshot, ended, taker.agent)
        for task in tasks[: len(ended)]:
            if not taker.free:
                return
            parents = run.shape.graph.parents[task]
            after = tuple(attempt.pod for attempt in ended if attempt.task in parents)
            self._give(phase, run, (task, record), Grant(key, taker, after=after))

    def _is_current(self, phase: Key, run: PhaseRun, body: Body) -> bool:
        """Whether a phase was decided about as it stands, and has not more under way than it may.

        A gate's tasks go to one revision, which is the rollout's to say.
        """
        meta, spec = body["metadata"], run.shape.spec
        changed = run.shape.uid != meta["uid"] or run.shape.generation != meta.get("generation", 0)
        if changed or meta.get("deletionTimestamp") or run.known is None or spec.gate is not None:
            return False
        counts, ref = self._parts.attempts, spec.workflow_ref
        if not _within(counts.by_phase[run.shape.uid], spec.parallelism):
            return False
        flow = ref and self._parts.workflows.get(Key("Workflow", phase.namespace, ref.name))
        limit = flow.shape.spec.parallelism if flow else None
        return ref is None or _within(counts.by_workflow[ref.uid], limit)

    def _give(self, phase: Key, run: PhaseRun, what: tuple[str, PhaseRecord], grant: Grant) -> None:
        task, record = what
        inputs = TaskInputs(run.shape, record.tasks, task, 0)
        try:
            text = inputs.text(0)
        except InputError:
            return  # the pass that comes says so in status
        attempt = planned(run.shape, inputs, 0, 1, (grant.run.agent, ""))
        self._parts.attempts.assume(phase, claiming.give(self._parts, phase, attempt, text, grant))
        self._parts.metrics.queue_seconds.observe(0.0)


def _ends(run: WorkerRun) -> Mapping[str, Ending]:
    """Return the ends that are to be written of a worker's open claims."""
    open_ = run.page.claims
    ends = (op for op in run.ops if isinstance(op, End) and op.id in open_)
    return {op.id: Ending(open_[op.id], op) for op in ends}


def _is_good(attempt: Attempt, phase_uid: str) -> bool:
    good = attempt.outcome is not None and attempt.outcome.kind is Kind.SUCCEEDED
    return good and attempt.phase_uid == phase_uid


def _within(live: int, limit: int | None) -> bool:
    return limit is None or live <= limit
