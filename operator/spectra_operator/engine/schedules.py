"""Reconciles schedules: one synchronous pass from snapshot to effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import ValidationError

from ..api.schedule import ScheduleSpec
from ..api.workflow import WorkflowState
from ..core.attempts.evidence import instant
from ..core.schedule.cron import Cron, CronError, parse_cron
from ..core.schedule.decide import decide_schedule
from ..core.schedule.records import (
    RunView,
    ScheduleDecision,
    ScheduleRecord,
    ScheduleSnapshot,
    Told,
)
from ..core.schedule.runs import owner_of, run_body, run_of_workflow
from ..core.schedule.status import parse_schedule, render_schedule
from ..core.workflow.records import WORKFLOW_ENDED
from ..kube.errors import Forbidden, Invalid, KubeError
from ..kube.resources import Body, uid_of
from .effects import CreateWorkflow, Effect, ReplaceWorkflow
from .history import History
from .keys import Key, key_of
from .parts import Parts
from .queue import backoff
from .runs import Delay, ScheduleRun, StatusState
from .story import Note

_ENDS = frozenset(map(str, WORKFLOW_ENDED))


@dataclass(frozen=True, slots=True)
class ToldRecord:
    """A schedule's record and what is told once it stands in status."""

    record: ScheduleRecord
    told: tuple[Told, ...]


@dataclass(slots=True)
class _Runs:
    """The workflows of one schedule object that are known, and when one last succeeded."""

    by_name: dict[str, RunView] = field(default_factory=dict)
    last_successful: datetime | None = None


class ScheduleReconciler:
    """Brings one schedule a step on."""

    def __init__(self, parts: Parts, history: History) -> None:
        self._parts = parts
        self._history = history
        self._runs: dict[tuple[Key, str], _Runs] = {}
        self._made_by: dict[Key, tuple[Key, str]] = {}

    def reconcile(self, key: Key) -> None:
        """Make one pass over a schedule."""
        body = self._parts.store.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._gone(key)
            return
        run = self._run(key, body)
        decision = decide_schedule(self._snapshot(key, run, body))
        if self._parts.admitting(key.namespace):
            self._carry_out(key, run, body, decision)
        self._write(key, run, body, decision)
        self._parts.wake_at(key, decision.wake_at)

    def saw(self, key: Key) -> None:
        """Take in how a workflow stands after a pass over it; its schedule may wait for it."""
        body = self._parts.store.get(key)
        if body is None:
            self._left(key)
            return
        owner = owner_of(body)
        view = run_of_workflow(body, ended=_state(body) in _ENDS) if owner else None
        if owner is None or view is None:
            return
        place = (Key("Schedule", key.namespace, owner[0]), owner[1])
        self._made_by[key] = place
        self._note(place, view, body)

    def done(self, effect: Effect, body: Body | None, error: KubeError | None) -> None:
        """Take in whether a run was created or replaced."""
        if isinstance(effect, CreateWorkflow):
            self._created(effect, body, error)
        elif isinstance(effect, ReplaceWorkflow) and error is not None:
            for run in self._parts.schedules.values():
                run.replacing.discard(effect.uid)
            self._parts.queue.back_off(effect.key)

    def written(self, key: Key, told: ToldRecord, body: Body) -> None:
        """Take in that a status was written: tell the story and go on."""
        run = self._parts.schedules.get(key)
        if run is None or run.uid != uid_of(body):
            return
        run.persisted = told.record
        run.status.take(body)
        for note in told.told:
            self._parts.stories.tell(key, run.uid, Note(note.reason, note.message))
        self._forget_decided(key, run)
        self._parts.queue.add(key)

    def drop(self, concerns: Callable[[str], bool]) -> None:
        """Forget the runs in the namespaces of a shard that was given up."""
        for place in [p for p in self._runs if concerns(p[0].namespace)]:
            del self._runs[place]
        for key in [k for k in self._made_by if concerns(k.namespace)]:
            del self._made_by[key]

    def _run(self, key: Key, body: Body) -> ScheduleRun:
        run = self._parts.schedules.get(key)
        if run is None or run.uid != uid_of(body):
            run = ScheduleRun(uid_of(body), parse_schedule(body.get("status")), StatusState())
            self._parts.schedules[key] = run
        if run.generation != body["metadata"].get("generation", 0):
            run.generation = body["metadata"].get("generation", 0)
            run.spec, run.cron, run.problem = _read(body)
            self._history.prune_later(key)
        if run.status.take(body):
            run.persisted = parse_schedule(run.status.stored)
        return run

    def _snapshot(self, key: Key, run: ScheduleRun, body: Body) -> ScheduleSnapshot:
        meta = body["metadata"]
        runs = self._runs.get((key, run.uid)) or _Runs()
        now = self._parts.clock.now()
        return ScheduleSnapshot(
            name=key.name,
            generation=run.generation,
            created_at=instant(meta.get("creationTimestamp")) or now,
            spec=run.spec,
            cron=run.cron,
            problem=run.problem,
            persisted=run.persisted,
            runs=runs.by_name,
            creating=run.creating,
            last_successful=runs.last_successful,
            now=now,
        )

    def _carry_out(
        self, key: Key, run: ScheduleRun, body: Body, decision: ScheduleDecision
    ) -> None:
        executor, shard = self._parts.executor, self._parts.shard_label(key.namespace)
        waits = run.delay is not None and run.delay.until > self._parts.clock.monotonic()
        if run.delay is not None and waits:
            self._parts.queue.add_at(key, run.delay.until)
        for wanted in () if waits else decision.create:
            run.creating[wanted.name] = wanted
            executor.submit(CreateWorkflow(key, wanted, run_body(body, wanted, shard)))
        for old in decision.cancel:
            if old.uid not in run.replacing:
                run.replacing.add(old.uid)
                executor.submit(ReplaceWorkflow(Key("Workflow", key.namespace, old.name), old.uid))

    def _write(self, key: Key, run: ScheduleRun, body: Body, decision: ScheduleDecision) -> None:
        record = decision.record
        if run.delay is not None and record.ready:
            record = replace(record, message=run.delay.why)
        if record == run.persisted:
            run.status.dirty_since = None
            return
        started = record.decided_until != run.persisted.decided_until
        at_once = not run.creating and (started or not run.persisted.reason)
        if not self._parts.statuses.is_due(key, run.status, at_once=at_once):
            return
        status = render_schedule(record, run.status.stored, self._parts.clock.now())
        told = ToldRecord(record, decision.told)
        if not self._parts.statuses.write(body, key, run.status, status, told):
            run.persisted = record

    def _created(self, effect: CreateWorkflow, body: Body | None, error: KubeError | None) -> None:
        key, name = effect.key, effect.run.name
        run = self._parts.schedules.get(key)
        owner = effect.body["metadata"]["ownerReferences"][0]["uid"]
        if run is None or run.uid != owner:
            return
        run.creating.pop(name, None)
        if error is None and body is not None:
            run.delay = None
            ended = _state(body) in _ENDS
            if not ended:
                self._parts.store.offer(body)
                self._parts.queue.add(key_of(body))
            self._note((key, owner), replace(effect.run, uid=uid_of(body), ended=ended), body)
        elif isinstance(error, Invalid):
            self._note((key, owner), replace(effect.run, refused=str(error)[:512]), {})
        else:
            self._not_created(run, error)
        self._parts.queue.add(key)

    def _not_created(self, run: ScheduleRun, error: KubeError | None) -> None:
        if isinstance(error, Forbidden) and error.namespace_terminating:
            return
        tries = run.delay.tries + 1 if run.delay else 1
        until = self._parts.clock.monotonic() + backoff(tries)
        run.delay = Delay(f"a run is not created yet: {error}"[:1024], tries, until)

    def _note(self, place: tuple[Key, str], view: RunView, body: Mapping[str, object]) -> None:
        """Keep how a run stands, and look at its schedule if that is news."""
        runs = self._runs.setdefault(place, _Runs())
        if runs.by_name.get(view.name) == view:
            return
        runs.by_name[view.name] = view
        status = body.get("status")
        if view.ended and isinstance(status, Mapping):
            self._note_end(runs, status)
        self._parts.queue.add(place[0])

    def _note_end(self, runs: _Runs, status: Mapping[str, object]) -> None:
        if status.get("state") != WorkflowState.SUCCEEDED:
            return
        at = instant(str(status.get("finishedAt") or ""))
        if at and (runs.last_successful is None or at > runs.last_successful):
            runs.last_successful = at

    def _left(self, key: Key) -> None:
        """A workflow has left the store: it is finished, or somebody deleted it."""
        place = self._made_by.pop(key, None)
        runs = self._runs.get(place) if place else None
        if place is None or runs is None or key.name not in runs.by_name:
            return
        runs.by_name[key.name] = replace(runs.by_name[key.name], ended=True)
        run = self._parts.schedules.get(place[0])
        if run is not None and run.uid == place[1]:
            self._forget_decided(place[0], run)
        self._parts.queue.add(place[0])

    def _forget_decided(self, key: Key, run: ScheduleRun) -> None:
        """Forget runs that have ended and that status tells of."""
        runs = self._runs.get((key, run.uid))
        if runs is None:
            return
        filled = run.persisted.backfill
        decided = {True: filled.until if filled else None, False: run.persisted.decided_until}
        for name, view in list(runs.by_name.items()):
            until = decided[view.backfill]
            if (view.ended or view.refused) and (until is None or view.at <= until):
                del runs.by_name[name]

    def _gone(self, key: Key) -> None:
        run = self._parts.schedules.pop(key, None)
        if run is not None:
            self._runs.pop((key, run.uid), None)


def _read(body: Body) -> tuple[ScheduleSpec | None, Cron | None, tuple[str, str]]:
    """Return spec and cron, or why there is none: reason and message."""
    try:
        spec = ScheduleSpec.model_validate(body.get("spec"))
        return spec, parse_cron(spec.schedule, spec.time_zone), ("", "")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(["spec", *map(str, first["loc"])])
        return None, None, ("InvalidSpec", f"{where}: {first['msg']}"[:1024])
    except CronError as error:
        return None, None, (error.reason, str(error)[:1024])


def _state(body: Body) -> str:
    state: str = (body.get("status") or {}).get("state") or ""
    return state
