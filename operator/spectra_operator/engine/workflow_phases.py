"""The Phase objects of a workflow: how they stand, what is in them, and making them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..api.constants import MAX_SPEC_BYTES, RESERVED_PHASES
from ..core.names import phase_name
from ..core.phase.inputs import InputError, freeze_phase, phase_values
from ..core.phase.records import PhaseRecord
from ..core.phase.status import parse_phase
from ..core.spec.compile import compile_phase
from ..core.workflow.objects import is_made_for, object_name, phase_body, template_of
from ..core.workflow.orders import ROLLBACK
from ..core.workflow.records import PhaseView, StepRecord
from ..core.workflow.rollback import Source, TooManyError, rollback
from ..core.workflow.steps import fallback_key, planned
from ..kube.resources import Body, uid_of
from .effects import CreatePhase, DeletePhase
from .keys import Key
from .parts import Parts
from .phase_views import view_of_record
from .queue import backoff
from .runs import Delay, WorkflowRun


class WorkflowPhases:
    """What a pass over a workflow sees of its Phase objects, and does with them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def views(self, key: Key, run: WorkflowRun) -> dict[str, PhaseView]:
        """Return the objects of the spec's phases, and of those that follow the end, by name."""
        found = {
            name: self._view(key, run, name, StepRecord(run=_step(run, name).run))
            for name in run.shape.phases
        }
        if run.persisted.outcome or run.persisted.ended:
            follows = StepRecord(run=run.persisted.run)
            found |= {name: self._view(key, run, name, follows) for name in RESERVED_PHASES}
        return {name: view for name, view in found.items() if view}

    def fallbacks(self, key: Key, run: WorkflowRun) -> dict[str, PhaseView]:
        """Return the objects of phases' fallbacks, by the name of the phase."""
        found = {
            name: self._view(key, run, name, StepRecord(run=_step(run, name).run, fallback=True))
            for name, phase in run.shape.phases.items()
            if phase.fallback is not None
        }
        return {name: view for name, view in found.items() if view}

    def leftovers(self, key: Key, run: WorkflowRun) -> dict[str, list[Body]]:
        """Return the former objects of phases that are to be done anew, by the phase's name."""
        found = {}
        for name in run.shape.phases:
            bodies = [self._parts.store.get(k) for k in _former(key, run, name)]
            there = [body for body in bodies if body]
            if there:
                found[name] = there
        return found

    def keys(self, key: Key, run: WorkflowRun) -> Iterator[Key]:
        """Yield the keys of every Phase object that the workflow may have, whether it exists."""
        for name, phase in run.shape.phases.items():
            step = _step(run, name)
            yield _key(key, run, name, StepRecord(run=step.run))
            if phase.fallback is not None:
                yield _key(key, run, name, StepRecord(run=step.run, fallback=True))
        for name in RESERVED_PHASES if run.persisted.outcome or run.persisted.ended else ():
            yield _key(key, run, name, StepRecord(run=run.persisted.run))

    def end_is_unwritten(self, key: Key, run: WorkflowRun) -> bool:
        """Whether a phase has ended and its own status does not say so yet."""
        known = (self._parts.phases.get(each) for each in self.keys(key, run))
        return any(
            each.record is not None and each.record.ended and not each.persisted.ended
            for each in known
            if each is not None
        )

    def discard(self, key: Key, run: WorkflowRun) -> None:
        """Delete former objects of phases that are to be done anew."""
        for bodies in self.leftovers(key, run).values():
            for body in bodies:
                uid = uid_of(body)
                if uid not in run.discarding:
                    run.discarding.add(uid)
                    name = body["metadata"]["name"]
                    self._parts.executor.submit(DeletePhase(key, name, uid))

    def create(self, key: Key, run: WorkflowRun, name: str, trigger: float | None) -> None:
        """Create the object of a phase, unless that is under way or was refused lately."""
        step = run.record.steps[name] if run.record else StepRecord()
        which = fallback_key(name) if step.fallback else name
        delay = run.delayed.get(which)
        if delay and delay.until > self._parts.clock.monotonic():
            self._parts.queue.add_at(key, delay.until)
            return
        if which in run.creating:
            return
        frozen = self._frozen(key, run, name, step)
        if isinstance(frozen, str):
            self.refuse(key, which, frozen)
            return
        if not frozen["tasks"]:
            run.idle.add(name)
            self._parts.queue.add(key)
            return
        run.creating.add(which)
        body = phase_body(run.shape, name, step, frozen, self._parts.shard_label(key.namespace))
        if trigger is not None:  # the watch may tell of the phase before the create is answered
            self._parts.triggers[_key(key, run, name, step)] = trigger
        self._parts.executor.submit(CreatePhase(key, which, body))

    def values(self, key: Key, run: WorkflowRun, name: str) -> dict[str, Any]:
        """Return what expressions see of a phase: its state and its tasks' outputs."""
        steps = run.record.steps if run.record else run.persisted.steps
        step = steps.get(name) or StepRecord()
        if not step.object_name:
            return {"state": str(step.state), "outputs": None}
        found = phase_values(self._record(Key("Phase", key.namespace, step.object_name)))
        return found | {"state": str(step.state)}

    def refuse(self, key: Key, which: str, why: str) -> None:
        """Note that a phase can never be created; the workflow fails by it."""
        run = self._parts.workflows.get(key)
        if run:
            run.creating.discard(which)
            run.refused[which] = why
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

    def _frozen(
        self, key: Key, run: WorkflowRun, name: str, step: StepRecord
    ) -> dict[str, Any] | str:
        """Return what a new phase is made of, or why it never can be made."""
        try:
            frozen = self._contents(key, run, name, step)
        except (InputError, TooManyError) as error:
            return str(error)
        size = len(json.dumps(frozen))
        if size > MAX_SPEC_BYTES:
            return f"phase {name} with its inputs has {size} bytes, at most {MAX_SPEC_BYTES} work"
        return frozen

    def _contents(self, key: Key, run: WorkflowRun, name: str, step: StepRecord) -> dict[str, Any]:
        if name == ROLLBACK:
            return rollback(self._sources(key, run), run.shape.graph)
        template = template_of(run.shape, name, step)
        main = name in run.shape.phases
        steps = run.record.steps if run.record else {}

        def values(phase: str) -> dict[str, Any]:
            found = self.values(key, run, phase)
            failed = main and not (phase in steps and steps[phase].state == "Succeeded")
            return found | {"outputs": None} if failed else found

        frozen = freeze_phase(run.shape.spec, template, values)
        if not main:
            context = frozen.get("context") or {}
            frozen["context"] = context | {"workflow": _outcome(run)}
        return frozen

    def _sources(self, key: Key, run: WorkflowRun) -> list[Source]:
        """Return the objects of the spec's phases, those that failed before a fallback too."""
        found = []
        for phase_key in self.keys(key, run):
            body = self._parts.store.get(phase_key)
            if body is None:
                continue
            shape, name = compile_phase(body), body["spec"].get("phase", "")
            tasks = self._record(phase_key).tasks
            if name in run.shape.phases and tasks and not shape.problems:
                found.append(Source(name, shape, tasks))
        return found

    def _record(self, key: Key) -> PhaseRecord:
        known = self._parts.phases.get(key)
        if known and known.record:
            return known.record
        body = self._parts.store.get(key)
        return parse_phase(body.get("status")) if body else PhaseRecord()

    def _view(self, key: Key, run: WorkflowRun, name: str, step: StepRecord) -> PhaseView | None:
        """Return how a phase stands: from its run, or from its status before its first pass."""
        phase_key = _key(key, run, name, step)
        body = self._parts.store.get(phase_key)
        ref = {"name": key.name, "uid": run.shape.uid}
        if body is None or not is_made_for(body, {"workflowRef": ref, "phase": name}):
            return None
        known = self._parts.phases.get(phase_key)
        if known and known.view and known.shape.uid == uid_of(body):
            return known.view
        record = parse_phase(body.get("status"))
        view = view_of_record(phase_key.name, uid_of(body), record)
        return view if record.tasks else _with_tally(run, name, view)


def _step(run: WorkflowRun, name: str) -> StepRecord:
    return run.persisted.steps.get(name) or StepRecord()


def _key(key: Key, run: WorkflowRun, name: str, step: StepRecord) -> Key:
    return Key("Phase", key.namespace, object_name(run.shape, name, step))


def _former(key: Key, run: WorkflowRun, name: str) -> Iterator[Key]:
    for number in range(1, _step(run, name).run):
        for way in (False, True):
            former = phase_name(key.name, run.shape.uid, name, number, fallback=way)
            yield Key("Phase", key.namespace, former)


def _outcome(run: WorkflowRun) -> dict[str, str]:
    """Return what those that follow the end see as workflow."""
    record = run.persisted
    return {
        "state": str(record.outcome or record.state),
        "reason": record.reason,
        "message": record.message,
    }


def _with_tally(run: WorkflowRun, name: str, view: PhaseView) -> PhaseView:
    return replace(view, tally=planned(run.shape, name))
