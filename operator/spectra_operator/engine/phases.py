"""Reconciles phases: one synchronous pass from snapshot to effects."""

from __future__ import annotations

from dataclasses import replace

from ..core.clean_up import expiry
from ..core.phase.begun import begun
from ..core.phase.conclude import with_blocked
from ..core.phase.decide import PhaseDecision, decide_phase, effective_levels
from ..core.phase.progress import differs_only_in_progress
from ..core.phase.records import PhaseRecord
from ..core.phase.status import parse_phase, render_phase
from ..core.rollout.gate_phase import times_of
from ..core.snapshot import SUSPENDED, Levels, PhaseSnapshot
from ..core.spec.compile import compile_phase
from ..kube.resources import Body, uid_of
from . import claiming, gates, measures, pictures
from .effects import LookUp, MarkFinished
from .keys import Key
from .offers import candidates, reasons
from .parts import Parts
from .phase_pods import PhasePods
from .phase_views import PROGRESS_TOLD_SECONDS, tells_of_progress_alone, view_of
from .plans import (
    DROPPED,
    create_plans,
    is_over,
    is_parent,
    levels_of,
    parent_of,
    plan_levels,
    wake_all_plans,
    wake_plans,
)
from .runs import PhaseRun, StatusState
from .starts import start
from .status import COALESCE_SECONDS, PROGRESS_SECONDS, must_be_known, proven

_ORPHANED = Levels(halt="WorkflowDeleted")


class PhaseReconciler:
    """Brings one phase a step on."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.pods = PhasePods(parts)

    def reconcile(self, key: Key) -> None:
        """Make one pass over a phase."""
        body = self._parts.store.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._gone(key, body)
            return
        run = self._run(key, body)
        self.pods.purge(key, run)
        levels = self.levels(key, run)
        snapshot = pictures.picture(self._parts, key, run, levels or self._levels_ahead(key, run))
        decision = decide_phase(snapshot)
        run.levels = levels and plan_levels(snapshot, decision.record)
        if levels is None:  # the workflow has not been looked at yet: show it how things stand
            held = effective_levels(snapshot, decision.record)
            self._publish(key, run, with_blocked(decision.record, {}, held), None)
            return
        pictures.adopt(self._parts, key, run, decision)
        decision = self._admit(key, run, snapshot, decision)
        if decision.ready or run.ready_since:  # what was begun at once did not wait
            measures.note_ready(run, decision.ready, self._parts.clock.monotonic())
        trigger, run.trigger = run.trigger, None
        self.pods.carry_out(key, run, decision, levels.grace)
        create_plans(self._parts, key, run, decision.spawn)
        self._publish(key, run, decision.record, trigger)
        self._write(key, run, body, decision.record)
        wake_plans(self._parts, key, run, snapshot)
        self._parts.wake_at(key, decision.wake_at)
        if decision.again:
            self._parts.queue.add(key)
        self._mark(key, run)

    def _run(self, key: Key, body: Body) -> PhaseRun:
        """Return the run of a phase, compiled anew when its spec changed."""
        run = self._parts.phases.get(key)
        if run is None or run.shape.uid != uid_of(body):
            run = PhaseRun(compile_phase(body), parse_phase(body.get("status")), StatusState())
            run.status.take(body)
            run.trigger = self._parts.triggers.pop(key, None)
            self._parts.phases[key] = run
            return run
        if run.shape.generation != body["metadata"].get("generation", 0):
            run.shape, run.known, run.agents = compile_phase(body), None, frozenset()
        if run.status.take(body):
            run.persisted, run.known = parse_phase(run.status.stored), None
        return run

    def levels(self, key: Key, run: PhaseRun) -> Levels | None:
        """Return what holds from outside; None while the workflow is known but not looked at."""
        ref = run.shape.spec.workflow_ref
        if run.shape.spec.parent is not None:
            return self._levels_of_plan(key, run)
        if ref is None:
            return gates.levels_of(self._parts, key, run) or Levels()
        phase = run.shape.spec.phase or ""
        levels = self._parts.levels_for(key.namespace, ref.name, ref.uid, phase)
        if levels is not None:
            return levels
        above = Key("Workflow", key.namespace, ref.name)
        workflow = self._parts.store.get(above)
        known = above in self._parts.reopening or (workflow and uid_of(workflow) == ref.uid)
        return None if known else _ORPHANED

    def _levels_ahead(self, key: Key, run: PhaseRun) -> Levels:
        """Return what will hold once the workflow is looked at, as far as its spec tells."""
        ref = run.shape.spec.workflow_ref
        above = ref and self._parts.store.get(Key("Workflow", key.namespace, ref.name))
        suspended = above and above["spec"].get("suspend") is True
        return Levels(hold=SUSPENDED) if suspended else Levels()

    def _levels_of_plan(self, key: Key, run: PhaseRun) -> Levels | None:
        """Return what the planner's phase imposes on its plan."""
        above = parent_of(key, run)
        body = above and self._parts.store.get(above)
        going = body and is_parent(run, body) and not body["metadata"].get("deletionTimestamp")
        if above is None or body is None or not going:
            return DROPPED
        planner = self._run(above, body)
        planner.plans.add(key.name)
        return levels_of(planner, key, run)

    def _admit(
        self, key: Key, run: PhaseRun, snapshot: PhaseSnapshot, decision: PhaseDecision
    ) -> PhaseDecision:
        """Offer what is ready, start what is granted, and say why the rest waits."""
        parts = self._parts
        levels = effective_levels(snapshot, decision.record)
        parts.scheduler.offer(key, candidates(parts, key, run, decision))
        if not parts.admitting(key.namespace) or not parts.scheduler.waiting(key.namespace):
            return replace(decision, record=with_blocked(decision.record, {}, levels))
        admission = parts.admit_for(key, snapshot.now)
        again = parts.scheduler.next_try(key, parts.clock.monotonic())
        if again is not None:
            parts.queue.add_at(key, again)
        uid = run.shape.uid
        claiming.call_for_workers(parts, key.namespace, parts.doers(key.namespace, decision.ready))
        parts.wake_phases(key.namespace, {g[0] for g in admission.granted if g[0] != uid})
        mine = {
            (task, way): n for (phase, task, way), n in admission.granted.items() if phase == uid
        }
        if mine:
            shares = {
                (t, way): s for (phase, t, way), s in admission.shares.items() if phase == uid
            }
            made = start(parts, (key, run), snapshot, decision.record.tasks, mine, shares)
            if all(attempt.live for attempt in made):
                decision = begun(snapshot, decision, made)
                run.known, run.attention = decision.record, decision.attention
            else:
                decision = decide_phase(pictures.picture(parts, key, run, snapshot.levels))
                pictures.adopt(self._parts, key, run, decision)
            parts.scheduler.offer(key, candidates(parts, key, run, decision))
        blocked = {task: why for (phase, task), why in admission.blocked.items() if phase == uid}
        record = with_blocked(decision.record, reasons(key, blocked), levels)
        return replace(decision, record=record)

    def _publish(self, key: Key, run: PhaseRun, record: PhaseRecord, trigger: float | None) -> None:
        """Show the workflow how its phase stands; it need not wait for the status write."""
        ref = run.shape.spec.workflow_ref
        above = parent_of(key, run)
        if ref is None and above is None:
            return
        view = view_of(self._parts, key, run, record)
        if view == run.view:
            return
        gradual = run.view is not None and tells_of_progress_alone(run.view, view)
        run.view, run.record = view, record
        if above is not None or ref is None:
            if above is not None:
                self._parts.queue.add(above)
            return
        workflow = Key("Workflow", key.namespace, ref.name)
        owner = self._parts.workflows.get(workflow)
        if owner and view.ended and trigger is not None:
            owner.trigger = trigger
        if gradual:  # nothing follows from it but what is shown, about once a second
            due = self._parts.clock.monotonic() + PROGRESS_TOLD_SECONDS
            self._parts.queue.add_at(workflow, due)
        elif view.ended:
            self._parts.queue.add_first(workflow)
        else:
            self._parts.queue.add(workflow)

    def _write(self, key: Key, run: PhaseRun, body: Body, record: PhaseRecord) -> None:
        unsettled = self._parts.attempts.cell(key).unsettled.values()
        statuses = self._parts.statuses
        record = proven(record, run.persisted, unsettled)
        if record == run.persisted:
            run.status.dirty_since, run.crowds_pages = None, False
            return
        at_once = record.ended or must_be_known(run.persisted, record)
        if run.crowds_pages and not self._parts.queue.is_failing(key):
            at_once = True
        quiet = not at_once and differs_only_in_progress(record, run.persisted)
        waited_for = any(not attempt.live for attempt in unsettled)  # its proof may go then
        within = COALESCE_SECONDS if waited_for else statuses.pace(run.status)
        within = PROGRESS_SECONDS if quiet else within
        if not statuses.is_due(key, run.status, at_once=at_once, within=within):
            return
        run.crowds_pages = False
        status = render_phase(record, self._parts.clock.now(), times_of(run.shape))
        if not statuses.write(body, key, run.status, status, record):
            run.persisted = record

    def written(self, key: Key, record: PhaseRecord, body: Body) -> None:
        """Take in that a status was written: tell the story, count, and go on."""
        run = self._parts.phases.get(key)
        if run is None or run.shape.uid != uid_of(body):
            return
        before, run.persisted = run.persisted, record
        run.status.take(body)
        self._parts.agents.count(key.namespace, run.shape, before, record)
        measures.count_phase(self._parts.metrics, before, record)
        self._parts.stories.phase(key, run.shape, before, record)
        self._parts.tell_spans(key, run.shape, (before, record))
        self._parts.queue.add(key)
        ref, above = run.shape.spec.workflow_ref, parent_of(key, run)
        if above:
            self._parts.queue.add(above)
        elif ref and record.ended:  # the workflow's own end may wait for that
            self._parts.queue.add(Key("Workflow", key.namespace, ref.name))
        gates.written(self._parts, key, run, body)

    def _mark(self, key: Key, run: PhaseRun) -> None:
        """Label an ended phase that stands alone; a workflow's phases wait for its end."""
        if run.marked or not self.pods.are_settled(key, run):
            return
        ref = run.shape.spec.workflow_ref
        if run.shape.spec.parent and not self._plan_is_over(key, run):
            return
        workflow = ref and not run.shape.spec.parent and Key("Workflow", key.namespace, ref.name)
        if workflow and self.levels(key, run) is not _ORPHANED:
            self._parts.queue.add(workflow)  # it may wait for this as its last phase
            return
        run.marked = True
        ttl = run.shape.spec.ttl_seconds_after_finished
        expires = expiry(run.persisted.finished_at, ttl)
        self._parts.executor.submit(MarkFinished(key, str(run.persisted.state), expires))

    def _plan_is_over(self, key: Key, run: PhaseRun) -> bool:
        """Whether the planner's status holds what came of this plan."""
        above = parent_of(key, run)
        planner = above and self._parts.phases.get(above)
        return not planner or self.levels(key, run) is DROPPED or is_over(planner, key)

    def _gone(self, key: Key, body: Body | None) -> None:
        """A phase that is missing or being deleted: make sure, then let its pods go."""
        parts = self._parts
        run = parts.phases.pop(key, None)
        parts.scheduler.offer(key, ())
        above = run and parent_of(key, run)
        if above:
            parts.queue.add(above)
            if above in parts.phases:
                parts.phases[above].plans.discard(key.name)
        if run:
            wake_all_plans(parts, key, run)
            gates.gone(parts, key, run)
        if run and run.shape.spec.workflow_ref:
            name = run.shape.spec.workflow_ref.name
            parts.queue.add(Key("Workflow", key.namespace, name))
        parts.hand_on(key.namespace)
        if not parts.attempts.of(key):
            return
        if body is None:
            parts.executor.submit(LookUp(key))
        else:
            self.pods.let_all_go(key)
