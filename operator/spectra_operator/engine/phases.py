"""Reconciles phases: one synchronous pass from snapshot to effects."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ..core.admission import Blocked, Candidate
from ..core.compile import compile_phase
from ..core.decide_phase import PhaseDecision, decide_phase, effective_levels
from ..core.estimate import phase_seconds
from ..core.evidence import Attempt
from ..core.names import pod_name
from ..core.phase_status import parse_phase, render_phase
from ..core.policy import TaskPolicy, policy_of
from ..core.records import PhaseRecord
from ..core.settle import with_blocked
from ..core.snapshot import Levels, PhaseSnapshot
from ..core.workflow_records import PhaseView
from ..kube.resources import Body, uid_of
from .attempts import VANISHED
from .effects import DeletePod, LookUp, LookUpPod, MarkFinished, ReleasePod
from .keys import Key
from .parts import Parts
from .runs import PhaseRun, StatusState
from .starts import start
from .status import COALESCE_SECONDS, proven

STOP_AGAIN = timedelta(seconds=30)
_ORPHANED = Levels(halt="WorkflowDeleted")


class PhaseReconciler:
    """Brings one phase a step on."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def reconcile(self, key: Key) -> None:
        """Make one pass over a phase."""
        body = self._parts.store.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._gone(key, body)
            return
        run = self._run(key, body)
        self._purge(key, run)
        levels = self._levels(key, run)
        snapshot = self._snapshot(key, run, levels or Levels())
        decision = decide_phase(snapshot)
        if levels is None:  # the workflow has not been looked at yet: show it how things stand
            self._publish(key, run, decision.record, None)
            return
        run.known = decision.record
        decision = self._admit(key, run, snapshot, decision)
        trigger, run.trigger = run.trigger, None
        self._stop(key, run, decision)
        for attempt in decision.release:
            self._let_go(key, attempt)
        self._look_up(key, run, decision)
        self._publish(key, run, decision.record, trigger)
        self._write(key, run, body, decision.record)
        self._parts.wake_at(key, decision.wake_at)
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
            run.shape, run.known = compile_phase(body), None
        if run.status.take(body):
            run.persisted, run.known = parse_phase(run.status.stored), None
        return run

    def _purge(self, key: Key, run: PhaseRun) -> None:
        """Forget recorded attempts that no pod of ours stands for; let strangers go."""
        for attempt in self._parts.attempts.of(key):
            if attempt.phase_uid != run.shape.uid:
                self._let_go(key, attempt)
            elif not attempt.live and not attempt.held and _recorded(run.persisted, attempt):
                self._parts.attempts.forget(key, attempt.pod)

    def _snapshot(self, key: Key, run: PhaseRun, levels: Levels) -> PhaseSnapshot:
        return PhaseSnapshot(
            shape=run.shape,
            persisted=run.persisted,
            attempts=tuple(a for a in self._parts.attempts.of(key) if a.phase_uid == run.shape.uid),
            policies=self._policies(key, run),
            levels=levels,
            now=self._parts.clock.now(),
            known=run.known,
        )

    def _policies(self, key: Key, run: PhaseRun) -> dict[str, TaskPolicy]:
        """Return the policies of all tasks, made anew when the phase or an agent changed."""
        names = {task.agent for task in run.shape.tasks.values()}
        facts = {name: self._parts.agent(key.namespace, name) for name in names}
        defaults = {name: agent.spec.defaults for name, agent in facts.items() if agent}
        made_from = (run.shape.generation, defaults)
        if run.policies_of != made_from:
            run.policies_of = made_from
            run.policies = {
                name: policy_of(task, defaults.get(task.agent))
                for name, task in run.shape.tasks.items()
            }
        return run.policies

    def _levels(self, key: Key, run: PhaseRun) -> Levels | None:
        """Return what holds from outside; None while the workflow is known but not looked at."""
        ref = run.shape.spec.workflow_ref
        if ref is None:
            return Levels()
        levels = self._parts.levels_for(key.namespace, ref.name, ref.uid)
        if levels is not None:
            return levels
        workflow = self._parts.store.get(Key("Workflow", key.namespace, ref.name))
        return None if workflow and uid_of(workflow) == ref.uid else _ORPHANED

    def _admit(
        self, key: Key, run: PhaseRun, snapshot: PhaseSnapshot, decision: PhaseDecision
    ) -> PhaseDecision:
        """Offer what is ready, start what is granted, and say why the rest waits."""
        parts = self._parts
        levels = effective_levels(snapshot)
        parts.scheduler.offer(key, self._candidates(key, run, decision))
        if not parts.admitting(key.namespace) or not parts.scheduler.waiting(key.namespace):
            return replace(decision, record=with_blocked(decision.record, {}, levels))
        admission = parts.admit(key.namespace, snapshot.now)
        again = parts.scheduler.next_try(key, parts.clock.monotonic())
        if again is not None:
            parts.queue.add_at(key, again)
        uid = run.shape.uid
        parts.wake_phases(key.namespace, {other for other, _ in admission.granted if other != uid})
        mine = {task: n for (phase, task), n in admission.granted.items() if phase == uid}
        if mine:
            start(parts, (key, run), snapshot, decision.record.tasks, mine)
            decision = decide_phase(self._snapshot(key, run, snapshot.levels))
            run.known = decision.record
            parts.scheduler.offer(key, self._candidates(key, run, decision))
        blocked = {task: why for (phase, task), why in admission.blocked.items() if phase == uid}
        record = with_blocked(decision.record, _reasons(blocked), levels)
        return replace(decision, record=record)

    def _candidates(
        self, key: Key, run: PhaseRun, decision: PhaseDecision
    ) -> tuple[Candidate, ...]:
        spec = run.shape.spec
        ref = spec.workflow_ref
        workflow = ref and self._parts.workflows.get(Key("Workflow", key.namespace, ref.name))
        priority = workflow.shape.spec.priority if workflow else spec.priority
        limit = workflow.shape.spec.parallelism if workflow else None
        return tuple(
            Candidate(
                phase_uid=run.shape.uid,
                ready=ready,
                workflow_uid=ref.uid if ref else "",
                priority=priority,
                phase_limit=spec.parallelism,
                workflow_limit=limit,
            )
            for ready in decision.ready
        )

    def _stop(self, key: Key, run: PhaseRun, decision: PhaseDecision) -> None:
        now = self._parts.clock.now()
        for attempt in decision.stop:
            asked = run.stopping.get(attempt.uid)
            if asked is None or now >= asked + STOP_AGAIN:
                asked = run.stopping[attempt.uid] = now
                self._parts.executor.submit(DeletePod(key, attempt.pod, attempt.uid))
            self._parts.wake_at(key, asked + STOP_AGAIN)

    def _let_go(self, key: Key, attempt: Attempt) -> None:
        releasing = self._parts.releasing
        if not attempt.uid or not attempt.held:
            self._parts.attempts.forget(key, attempt.pod)
        elif attempt.held and attempt.uid not in releasing:
            releasing.add(attempt.uid)
            self._parts.executor.submit(ReleasePod(key, attempt.pod, attempt.uid))

    def _look_up(self, key: Key, run: PhaseRun, decision: PhaseDecision) -> None:
        for lost in decision.missing:
            task = run.shape.tasks[lost.task]
            index = lost.index if task.count is not None else None
            name = pod_name(run.shape.name, run.shape.uid, lost.task, index, lost.number)
            if name not in run.looking_up:
                run.looking_up.add(name)
                self._parts.executor.submit(LookUpPod(key, name))

    def _publish(self, key: Key, run: PhaseRun, record: PhaseRecord, trigger: float | None) -> None:
        """Show the workflow how its phase stands; it need not wait for the status write."""
        ref = run.shape.spec.workflow_ref
        if ref is None:
            return
        view = self._view(key, run, record)
        if view == run.view:
            return
        run.view, run.record = view, record
        workflow = Key("Workflow", key.namespace, ref.name)
        owner = self._parts.workflows.get(workflow)
        if owner and view.ended and trigger is not None:
            owner.trigger = trigger
        self._parts.queue.add(workflow)

    def _view(self, key: Key, run: PhaseRun, record: PhaseRecord) -> PhaseView:
        return PhaseView(
            object_name=key.name,
            uid=run.shape.uid,
            state=record.state,
            reason=record.reason,
            message=record.message,
            tally=record.tally(),
            usage=record.usage(),
            started_at=record.started_at,
            finished_at=record.finished_at,
            remaining=0.0 if record.ended else self._remaining(key, run, record),
        )

    def _remaining(self, key: Key, run: PhaseRun, record: PhaseRecord) -> float | None:
        """Estimate the rest, anew about once a second: it walks the whole graph."""
        now, book = self._parts.clock.monotonic(), self._parts.agents
        if now >= run.estimate_again_at:
            run.estimate_again_at = now + COALESCE_SECONDS
            run.remaining = phase_seconds(
                run.shape.graph,
                {name: task.agent for name, task in run.shape.tasks.items()},
                record.tasks,
                lambda agent: book.mean_seconds(key.namespace, agent),
            )
        return run.remaining

    def _write(self, key: Key, run: PhaseRun, body: Body, record: PhaseRecord) -> None:
        record = proven(record, run.persisted, self._parts.attempts.of(key))
        if record == run.persisted:
            run.status.dirty_since = None
            return
        at_once = record.ended or _more_failures(run.persisted, record)
        if not self._parts.statuses.is_due(key, run.status, at_once=at_once):
            return
        status = render_phase(record, self._parts.clock.now())
        if not self._parts.statuses.write(body, key, run.status, status, record):
            run.persisted = record

    def written(self, key: Key, record: PhaseRecord, body: Body) -> None:
        """Take in that a status was written: tell the story, count, and go on."""
        run = self._parts.phases.get(key)
        if run is None or run.shape.uid != uid_of(body):
            return
        before, run.persisted = run.persisted, record
        run.status.take(body)
        self._parts.agents.count(key.namespace, run.shape, before, record)
        self._parts.stories.phase(key, run.shape, before, record)
        self._parts.queue.add(key)

    def _mark(self, key: Key, run: PhaseRun) -> None:
        """Label an ended phase that stands alone; a workflow's phases wait for its end."""
        if run.marked or not self.is_settled(key, run):
            return
        ref = run.shape.spec.workflow_ref
        if ref is not None:  # it may be the last that its ended workflow waits for
            self._parts.queue.add(Key("Workflow", key.namespace, ref.name))
            return
        run.marked = True
        self._parts.executor.submit(MarkFinished(key))

    def is_settled(self, key: Key, run: PhaseRun) -> bool:
        """Whether a phase has ended in status and holds no pod any more."""
        return run.persisted.ended and not any(
            a.held or a.live for a in self._parts.attempts.of(key)
        )

    def lost(self, key: Key, run: PhaseRun, pod: str) -> None:
        """Count an attempt as lost: status calls it running, and its pod does not exist."""
        attempt = _lost(run, pod)
        if attempt is not None:
            now = self._parts.clock.now()
            self._parts.attempts.assume(key, replace(attempt, finished_at=now))

    def _gone(self, key: Key, body: Body | None) -> None:
        """A phase that is missing or being deleted: make sure, then let its pods go."""
        parts = self._parts
        run = parts.phases.pop(key, None)
        parts.scheduler.offer(key, ())
        if run and run.shape.spec.workflow_ref:
            name = run.shape.spec.workflow_ref.name
            parts.queue.add(Key("Workflow", key.namespace, name))
        parts.hand_on(key.namespace)
        if not parts.attempts.of(key):
            return
        if body is None:
            parts.executor.submit(LookUp(key))
        else:
            self.let_all_go(key)

    def let_all_go(self, key: Key) -> None:
        """Release every pod of a phase that is certainly gone."""
        for attempt in self._parts.attempts.of(key):
            self._let_go(key, attempt)


def _lost(run: PhaseRun, pod: str) -> Attempt | None:
    """Return the attempt that status calls running under this pod name, as lost."""
    shape = run.shape
    for name, record in run.persisted.tasks.items():
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
                    outcome=VANISHED,
                )
    return None


def _recorded(persisted: PhaseRecord, attempt: Attempt) -> bool:
    if persisted.ended:
        return True
    record = persisted.tasks.get(attempt.task)
    number = record.recorded(attempt.index) if record else 0
    return number is None or attempt.number <= number


def _more_failures(before: PhaseRecord, after: PhaseRecord) -> bool:
    """Whether an attempt ended badly that status does not know: its successor waits for that."""
    for name, task in after.tasks.items():
        known = before.tasks.get(name)
        if task is not known and task.failures + task.losses > (
            known.failures + known.losses if known else 0
        ):
            return True
    return False


def _reasons(blocked: dict[str, Blocked]) -> dict[str, tuple[str, str]]:
    return {task: (why.reason, why.message) for task, why in blocked.items()}
