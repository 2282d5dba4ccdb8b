"""Reconciles workflows: one synchronous pass from snapshot to effects."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ..api.task import Task
from ..api.workflow import WorkflowState
from ..core.clean_up import expiry
from ..core.snapshot import WorkflowShape, WorkflowSnapshot
from ..core.spec.compile import compile_workflow
from ..core.workflow.decide import WorkflowDecision, decide_workflow
from ..core.workflow.records import PhaseView, WorkflowRecord
from ..core.workflow.status import parse_workflow, render_workflow
from ..kube.resources import Body, uid_of
from .claims import Claims
from .effects import MarkFinished
from .keys import Key
from .measures import count_workflow
from .parts import Parts
from .phase_views import forecast
from .phases import PhaseReconciler
from .runs import StatusState, WorkflowRun
from .status import COALESCE_SECONDS, SOON_SECONDS
from .templates import TemplatePins
from .workflow_phases import WorkflowPhases

logger = logging.getLogger(__name__)


class WorkflowReconciler:
    """Brings one workflow a step on."""

    def __init__(self, parts: Parts, phases: PhaseReconciler) -> None:
        self._parts = parts
        self._phases = phases
        self.objects = WorkflowPhases(parts)
        self.pins = TemplatePins(parts)
        self.claims = Claims(parts)

    def reconcile(self, key: Key) -> None:
        """Make one pass over a workflow."""
        body = self._parts.store.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._gone(key)
            return
        run = self._run(key, body)
        if run is None:
            return  # its templates are being read
        decision = decide_workflow(self._snapshot(key, run))
        run.record = decision.record
        self._hand_on(key, run, decision)
        trigger, run.trigger = run.trigger, None
        if self._parts.admitting(key.namespace):
            for name in decision.create:
                self.objects.create(key, run, name, trigger)
            if decision.discard:
                self.objects.discard(key, run)
        elif decision.create:
            self._parts.held_back[key] = None
        self._write(key, run, body, decision)
        self._parts.wake_at(key, decision.wake_at)
        self._mark(key, run)

    def _run(self, key: Key, body: Body) -> WorkflowRun | None:
        """Return the run of a workflow, compiled anew when its spec or its templates changed."""
        run = self._parts.workflows.get(key)
        if run is None or run.shape.uid != uid_of(body):
            shape = self._shape(key, body)
            if shape is None:
                return None
            run = WorkflowRun(shape, parse_workflow(body.get("status")), StatusState())
            run.status.take(body)
            self._parts.workflows[key] = run
            self._wake_phases(key, run)
            return run
        changed = run.shape.generation != body["metadata"].get("generation", 0)
        if changed or run.shape.missing_templates:
            run.shape = self._shape(key, body) or run.shape
            self._wake_phases(key, run)
        if run.status.take(body):
            run.persisted = parse_workflow(run.status.stored)
        return run

    def _shape(self, key: Key, body: Body) -> WorkflowShape | None:
        templates = self.pins.of(key, body)
        return None if templates is None else compile_workflow(body, templates)

    def _snapshot(self, key: Key, run: WorkflowRun) -> WorkflowSnapshot:
        parts, views = self._parts, self.objects.views(key, run)
        heard = not run.persisted.ended or key in parts.reopened
        return WorkflowSnapshot(
            shape=run.shape,
            persisted=run.persisted,
            phases=views,
            missing_agents=self._missing_agents(key, run),
            now=parts.clock.now(),
            refused=run.refused,
            delayed={name: delay.why for name, delay in run.delayed.items()},
            outlooks=forecast(parts, key, run, self._unborn(run, views)),
            fallbacks=self.objects.fallbacks(key, run),
            leftovers=frozenset(self.objects.leftovers(key, run)),
            idle=frozenset(run.idle),
            orders=parts.orders.of(key) if heard else (),
            claim=self.claims.wait_for(key, run),
            values=lambda name: self.objects.values(key, run, name),
        )

    def _unborn(self, run: WorkflowRun, views: Mapping[str, PhaseView]) -> list[str]:
        """Return the phases to come, as far as they can come at all."""
        return [name for name in run.shape.task_graphs if name not in views]

    def _missing_agents(self, key: Key, run: WorkflowRun) -> tuple[str, ...]:
        if run.persisted.started_at:
            return ()
        wanted = dict.fromkeys(_agents(run.shape))
        store = self._parts.store
        return tuple(n for n in wanted if store.get(Key("Agent", key.namespace, n)) is None)

    def _hand_on(self, key: Key, run: WorkflowRun, decision: WorkflowDecision) -> None:
        """Let the phases and the Actions know what was decided about them."""
        parts = self._parts
        if len(decision.record.orders) > len(run.persisted.orders):
            run.refused.clear()  # what could not be made is tried again after an action
            run.delayed.clear()
        news = parts.orders.hand_over(key, decision.hand_over)
        if (decision.levels, decision.after) != (run.levels, run.after) or news:
            run.levels, run.after = decision.levels, decision.after
            self._wake_phases(key, run)
        open_orders = parts.orders.of(key)
        if run.settled != decision.settled:
            run.settled = decision.settled
            parts.wake_actions(key)
        if all(order.uid in run.settled for order in open_orders):
            parts.reopened.discard(key)

    def written(self, key: Key, record: WorkflowRecord, body: Body) -> None:
        """Take in that a status was written: tell the story and go on."""
        run = self._parts.workflows.get(key)
        if run is None or run.shape.uid != uid_of(body):
            return
        before, run.persisted = run.persisted, record
        run.status.take(body)
        self._parts.stories.workflow(key, run.shape, before, record)
        count_workflow(self._parts.metrics, before, record)
        self._parts.traces.workflow(run.shape, before, record)
        self._parts.queue.add(key)

    def _write(self, key: Key, run: WorkflowRun, body: Body, decision: WorkflowDecision) -> None:
        record = decision.record
        if record == run.persisted:
            run.status.dirty_since = None
            return
        if record.ended and self.objects.end_is_unwritten(key, run):
            logger.debug("%s: its end waits until those of its phases are written", key)
            return  # who sees a workflow ended finds its phases ended; their writes wake it
        at_once = record.ended or _turned(run.persisted, record)
        if not run.persisted.state and decision.create:
            at_once = False  # the phase that is being created is told of in the same write
        statuses = self._parts.statuses
        least = SOON_SECONDS if _has_new_phase(run.persisted, record) else COALESCE_SECONDS
        within = statuses.pace(run.status, least)
        if not statuses.is_due(key, run.status, at_once=at_once, within=within):
            return
        status = render_workflow(record, self._parts.clock.now())
        if not statuses.write(body, key, run.status, status, record):
            run.persisted = record

    def _wake_phases(self, key: Key, run: WorkflowRun) -> None:
        for phase_key in self.objects.keys(key, run):
            if self._parts.store.get(phase_key):
                self._parts.queue.add(phase_key)

    def _mark(self, key: Key, run: WorkflowRun) -> None:
        """Label an ended workflow's phases and then itself, once no pod is held any more."""
        coming_back = key in self._parts.reopening or key in self._parts.reopened
        if not run.persisted.ended or run.marked or coming_back:
            return
        left = False
        for phase_key in self.objects.keys(key, run):
            if self._parts.store.get(phase_key) is None:
                continue
            left = True
            known = self._parts.phases.get(phase_key)
            if known and not known.marked and self._phases.pods.are_settled(phase_key, known):
                known.marked = True
                state = str(known.persisted.state)
                self._parts.executor.submit(MarkFinished(phase_key, state))
        if not left and self.claims.release(key, run):
            run.marked = True
            expires = expiry(run.persisted.finished_at, run.shape.spec.ttl_seconds_after_finished)
            template = run.persisted.template.partition("@")[0]
            state = str(run.persisted.state)
            self._parts.executor.submit(MarkFinished(key, state, expires, template))

    def _gone(self, key: Key) -> None:
        run = self._parts.workflows.pop(key, None)
        self._parts.reopened.discard(key)
        if run:
            self.pins.forget(key, run.shape.uid)
            self._wake_phases(key, run)
        self._parts.wake_actions(key)


def _agents(shape: WorkflowShape) -> list[str]:
    """Return the agents without which a workflow cannot come to its end."""
    spec = shape.spec
    tasks: list[Task] = [task for phase in spec.all_phases for task in phase.all_tasks]
    tasks += [*(spec.on_failure or ()), *(spec.finally_ or ())]
    undoing = [task.compensate.agent for task in tasks if task.compensate]
    named = [task.agent for task in tasks if task.agent is not None]
    return [*named, *(undoing if _rolls_back(shape) else ())]


def _rolls_back(shape: WorkflowShape) -> bool:
    return shape.spec.failure_policy == "Rollback"


def _turned(before: WorkflowRecord, after: WorkflowRecord) -> bool:
    """Whether people or a restart must know at once.

    That is a new state, an order, or a change of levels.
    """
    if (before.orders, before.changes) != (after.orders, after.changes):
        return True
    if after.state is WorkflowState.PENDING:
        return False  # its agents may be on their way, applied in the same moment
    return (before.state, before.suspended) != (after.state, after.suspended)


def _has_new_phase(before: WorkflowRecord, after: WorkflowRecord) -> bool:
    created = {name for name, step in after.steps.items() if step.object_name}
    return any(not before.steps[n].object_name for n in created if n in before.steps)
