"""Reconciles workflows: one synchronous pass from snapshot to effects."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..api.constants import MAX_SPEC_BYTES
from ..api.workflow import WorkflowState
from ..core.clean_up import expiry
from ..core.compile import compile_workflow
from ..core.decide_workflow import WorkflowDecision, decide_workflow
from ..core.inputs import InputError, freeze_phase, phase_values
from ..core.names import phase_name
from ..core.objects import phase_body
from ..core.phase_status import parse_phase
from ..core.records import PhaseRecord, Tally
from ..core.snapshot import WorkflowSnapshot
from ..core.workflow_records import PhaseView, WorkflowRecord
from ..core.workflow_status import parse_workflow, render_workflow
from ..kube.resources import Body, uid_of
from .effects import CreatePhase, MarkFinished
from .keys import Key
from .parts import Parts
from .phase_views import forecast
from .phases import PhaseReconciler
from .queue import backoff
from .runs import Delay, StatusState, WorkflowRun


class WorkflowReconciler:
    """Brings one workflow a step on."""

    def __init__(self, parts: Parts, phases: PhaseReconciler) -> None:
        self._parts = parts
        self._phases = phases

    def reconcile(self, key: Key) -> None:
        """Make one pass over a workflow."""
        body = self._parts.store.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._gone(key)
            return
        run = self._run(key, body)
        decision = decide_workflow(self._snapshot(key, run))
        run.record = decision.record
        if decision.levels != run.levels:
            run.levels = decision.levels
            self._wake_phases(key, run)
        trigger, run.trigger = run.trigger, None
        if self._parts.admitting(key.namespace):
            for name in decision.create:
                self._create(key, run, name, trigger)
        self._write(key, run, body, decision)
        self._parts.wake_at(key, decision.wake_at)
        self._mark(key, run)

    def _run(self, key: Key, body: Body) -> WorkflowRun:
        run = self._parts.workflows.get(key)
        if run is None or run.shape.uid != uid_of(body):
            persisted = parse_workflow(body.get("status"))
            run = WorkflowRun(compile_workflow(body), persisted, StatusState())
            run.status.take(body)
            self._parts.workflows[key] = run
            self._wake_phases(key, run)
            return run
        if run.shape.generation != body["metadata"].get("generation", 0):
            run.shape = compile_workflow(body)
            self._wake_phases(key, run)
        if run.status.take(body):
            run.persisted = parse_workflow(run.status.stored)
        return run

    def _snapshot(self, key: Key, run: WorkflowRun) -> WorkflowSnapshot:
        views = {p.name: self._view(key, run, p.name) for p in run.shape.spec.all_phases}
        return WorkflowSnapshot(
            shape=run.shape,
            persisted=run.persisted,
            phases={name: view for name, view in views.items() if view},
            missing_agents=self._missing_agents(key, run),
            now=self._parts.clock.now(),
            refused=run.refused,
            delayed={name: delay.why for name, delay in run.delayed.items()},
            outlooks=forecast(self._parts, key, run, self._unborn(run, views)),
        )

    def _unborn(self, run: WorkflowRun, views: Mapping[str, PhaseView | None]) -> list[str]:
        """Return the phases to come, as far as they can come at all."""
        return [name for name in run.shape.task_graphs if views.get(name) is None]

    def _missing_agents(self, key: Key, run: WorkflowRun) -> tuple[str, ...]:
        if run.persisted.started_at:
            return ()
        wanted = dict.fromkeys(t.agent for p in run.shape.spec.all_phases for t in p.all_tasks)
        store = self._parts.store
        return tuple(n for n in wanted if store.get(Key("Agent", key.namespace, n)) is None)

    def _phase_key(self, key: Key, run: WorkflowRun, phase: str) -> Key:
        return Key("Phase", key.namespace, phase_name(key.name, run.shape.uid, phase))

    def _view(self, key: Key, run: WorkflowRun, phase: str) -> PhaseView | None:
        """Return how a phase stands: from its run, or from its status before its first pass."""
        phase_key = self._phase_key(key, run, phase)
        body = self._parts.store.get(phase_key)
        if body is None:
            return None
        known = self._parts.phases.get(phase_key)
        if known and known.view and known.shape.uid == uid_of(body):
            return known.view
        record = parse_phase(body.get("status"))
        return PhaseView(
            object_name=phase_key.name,
            uid=uid_of(body),
            state=record.state,
            reason=record.reason,
            message=record.message,
            tally=record.tally() if record.tasks else _planned(run, phase),
            usage=record.usage(),
            started_at=record.started_at,
            finished_at=record.finished_at,
        )

    def _create(self, key: Key, run: WorkflowRun, phase: str, trigger: float | None) -> None:
        delay = run.delayed.get(phase)
        if delay and delay.until > self._parts.clock.monotonic():
            self._parts.queue.add_at(key, delay.until)
            return
        if phase in run.creating:
            return
        spec = run.shape.spec
        template = next(p for p in spec.all_phases if p.name == phase)
        try:
            frozen = freeze_phase(spec, template, lambda name: self._outputs(key, run, name))
        except InputError as error:
            self.refuse(key, phase, str(error))
            return
        size = len(json.dumps(frozen))
        if size > MAX_SPEC_BYTES:
            text = f"phase {phase} with its inputs has {size} bytes, at most {MAX_SPEC_BYTES} work"
            self.refuse(key, phase, text)
            return
        run.creating.add(phase)
        if trigger is not None:  # the watch may tell of the phase before the create is answered
            self._parts.triggers[self._phase_key(key, run, phase)] = trigger
        body = phase_body(run.shape, phase, frozen, self._parts.shard_label(key.namespace))
        self._parts.executor.submit(CreatePhase(key, phase, body))

    def _outputs(self, key: Key, run: WorkflowRun, phase: str) -> dict[str, object]:
        known = self._parts.phases.get(self._phase_key(key, run, phase))
        if known and known.record:
            return phase_values(known.record)
        body = self._parts.store.get(self._phase_key(key, run, phase))
        record = parse_phase(body.get("status")) if body else PhaseRecord()
        return phase_values(record)

    def refuse(self, key: Key, phase: str, why: str) -> None:
        """Note that a phase can never be created; the workflow fails by it."""
        run = self._parts.workflows.get(key)
        if run:
            run.creating.discard(phase)
            run.refused[phase] = why
            self._parts.queue.add(key)

    def created(self, effect: CreatePhase) -> None:
        """Take in that a phase was created."""
        run = self._parts.workflows.get(effect.key)
        if run:
            run.creating.discard(effect.phase)
            run.delayed.pop(effect.phase, None)
        self._parts.queue.add(effect.key)

    def not_created(self, effect: CreatePhase, why: str) -> None:
        """Take in that a phase was not created this time: try again, ever more slowly."""
        run = self._parts.workflows.get(effect.key)
        if run is None:
            return
        run.creating.discard(effect.phase)
        before = run.delayed.get(effect.phase)
        tries = before.tries + 1 if before else 1
        until = self._parts.clock.monotonic() + backoff(tries)
        run.delayed[effect.phase] = Delay(why, tries, until)
        self._parts.queue.add(effect.key)

    def written(self, key: Key, record: WorkflowRecord, body: Body) -> None:
        """Take in that a status was written: tell the story and go on."""
        run = self._parts.workflows.get(key)
        if run is None or run.shape.uid != uid_of(body):
            return
        before, run.persisted = run.persisted, record
        run.status.take(body)
        self._parts.stories.workflow(key, run.shape, before, record)
        self._parts.queue.add(key)

    def _write(self, key: Key, run: WorkflowRun, body: Body, decision: WorkflowDecision) -> None:
        record = decision.record
        if record == run.persisted:
            run.status.dirty_since = None
            return
        at_once = record.ended or _turned(run.persisted, record)
        if not run.persisted.state and decision.create:
            at_once = False  # the phase that is being created is told of in the same write
        if not self._parts.statuses.is_due(key, run.status, at_once=at_once):
            return
        status = render_workflow(record, self._parts.clock.now())
        if not self._parts.statuses.write(body, key, run.status, status, record):
            run.persisted = record

    def _wake_phases(self, key: Key, run: WorkflowRun) -> None:
        for phase in run.shape.spec.all_phases:
            phase_key = self._phase_key(key, run, phase.name)
            if self._parts.store.get(phase_key):
                self._parts.queue.add(phase_key)

    def _mark(self, key: Key, run: WorkflowRun) -> None:
        """Label an ended workflow's phases and then itself, once no pod is held any more."""
        if not run.persisted.ended or run.marked:
            return
        left = False
        for phase in run.shape.spec.all_phases:
            phase_key = self._phase_key(key, run, phase.name)
            if self._parts.store.get(phase_key) is None:
                continue
            left = True
            known = self._parts.phases.get(phase_key)
            if known and not known.marked and self._phases.pods.are_settled(phase_key, known):
                known.marked = True
                state = str(known.persisted.state)
                self._parts.executor.submit(MarkFinished(phase_key, state))
        if not left:
            run.marked = True
            expires = expiry(run.persisted.finished_at, run.shape.spec.ttl_seconds_after_finished)
            self._parts.executor.submit(MarkFinished(key, str(run.persisted.state), expires))

    def _gone(self, key: Key) -> None:
        run = self._parts.workflows.pop(key, None)
        if run:
            self._wake_phases(key, run)


def _turned(before: WorkflowRecord, after: WorkflowRecord) -> bool:
    """Whether people or a restart must know at once: a new state, or a phase that now exists."""
    if after.state is WorkflowState.PENDING:
        return False  # its agents may be on their way, applied in the same moment
    if (before.state, before.suspended) != (after.state, after.suspended):
        return True
    created = {name for name, step in after.steps.items() if step.object_name}
    return any(not before.steps[n].object_name for n in created if n in before.steps)


def _planned(run: WorkflowRun, phase: str) -> Tally:
    template = next(p for p in run.shape.spec.all_phases if p.name == phase)
    return Tally(total=sum(task.count or 1 for task in template.all_tasks))
