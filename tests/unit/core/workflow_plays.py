"""Plays a workflow on a cluster of plain dicts: its phases are created, end, are deleted, obey.

What happens next is drawn at random; decisions are made from what is stored and what objects
there are, so that every step is also a restart of the operator. The play checks whenever a phase
is created what must hold at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from builders.pods import at
from builders.records import a_view, a_workflow_snapshot
from builders.specs import Body, a_step, a_task, a_workflow
from spectra_operator.api.action import ActionType
from spectra_operator.api.constants import RESERVED_PHASES
from spectra_operator.api.phase import PhaseState
from spectra_operator.core.orders import Order
from spectra_operator.core.phase.records import PHASE_ENDED, Tally
from spectra_operator.core.snapshot import WorkflowSnapshot
from spectra_operator.core.workflow.decide import WorkflowDecision, decide_workflow
from spectra_operator.core.workflow.objects import object_name
from spectra_operator.core.workflow.orders import STOPS, stopped_by
from spectra_operator.core.workflow.records import PhaseView, StepRecord, WorkflowRecord
from spectra_operator.core.workflow.steps import is_benign, is_good
from unit.core.workflow_orders_cases import an_order

MOST_STEPS = 600
UNDO = {"agent": "worker"}


class PlayError(AssertionError):
    """The play saw what must never happen."""


@dataclass(slots=True)
class Thing:
    """A Phase object: whose it is, and how it stands. `held` while it is being deleted."""

    name: str
    step: StepRecord
    state: PhaseState = PhaseState.RUNNING
    applied: tuple[str, ...] = ()


def a_random_workflow(random: Random) -> Body:
    """Return a workflow of up to six phases with every feature that decides about phases."""
    names = [f"p{n}" for n in range(random.randint(1, 6))]
    steps = []
    for position, name in enumerate(names):
        parents = [p for p in names[:position] if random.random() < 0.4]
        fields: Body = {"depends_on": parents or None}
        if random.random() < 0.2:
            fields["when"] = random.choice(["true", "false"])
        if random.random() < 0.2:
            fields["fallback"] = {"tasks": [a_task("other")]}
        if random.random() < 0.2:
            fields["allow_failure"] = True
        task = a_task(compensate=UNDO) if random.random() < 0.5 else a_task()
        steps.append(a_step(name, [task], **fields))
    policy = random.choice(["Fail", "Continue", "Rollback"])
    mode = random.choice(["Finish", "Cancel"])
    body = a_workflow(steps, failure_policy=policy, on_failure_running=mode)
    if random.random() < 0.6:
        body["spec"]["finally"] = [a_task("tidy")]
    if random.random() < 0.4:
        body["spec"]["onFailure"] = [a_task("alarm")]
    return body


class Play:
    """A workflow, its Phase objects, what is stored, and who asks for what."""

    def __init__(self, random: Random, orders: int) -> None:
        self.random = random
        self.body = a_random_workflow(random)
        self.shape = a_workflow_snapshot(self.body).shape
        self.stored = WorkflowRecord()
        self.things: dict[str, Thing] = {}
        self.created: list[str] = []
        self.orders: list[Order] = []
        self.asked = 0
        self.orders_left = orders
        self.suspended = False

    def snapshot(self) -> WorkflowSnapshot:
        """Return what is decided from now."""
        spec = self.shape.spec.model_copy(update={"suspend": self.suspended})
        former = {
            thing.name
            for thing in self.things.values()
            if thing.name in self.shape.phases and thing.step.run < self._step(thing.name).run
        }
        return WorkflowSnapshot(
            shape=replace(self.shape, spec=spec),
            persisted=self.stored,
            missing_agents=(),
            now=at(10),
            phases=self._views(fallback=False),
            fallbacks=self._views(fallback=True),
            leftovers=frozenset(former),
            orders=tuple(self.orders),
        )

    def decide(self) -> WorkflowDecision:
        """Return what to do now."""
        return decide_workflow(self.snapshot())

    def run(self) -> WorkflowRecord:
        """Let things happen until the workflow is over and nobody wants anything."""
        for _ in range(MOST_STEPS):
            decision = self.decide()
            if self.stored.ended and not self.orders and not self.orders_left:
                return self.stored
            self._go_on(decision)
        raise PlayError(f"it does not end: {self.stored}")

    def _go_on(self, decision: WorkflowDecision) -> None:
        moves = [self._store, self._act, self._end_something, self._obey, self._close, self._ask]
        if self.random.random() < (0.3 if self.suspended else 0.05):
            self.suspended = not self.suspended
        else:
            self.random.choice(moves)(decision)

    def _store(self, decision: WorkflowDecision) -> None:
        self.stored = decision.record
        once = self.decide().record  # what was waiting for the write may begin now
        self.stored = once
        again = self.decide().record
        if again != once:
            raise PlayError(f"deciding again changes {once} to {again}")

    def _act(self, decision: WorkflowDecision) -> None:
        """Create and delete what was decided."""
        for name in decision.discard:
            self.things = {
                key: thing
                for key, thing in self.things.items()
                if thing.name != name or thing.step.run >= self._step(name).run
            }
        for name in decision.create:
            self._check(decision, name)
            step = decision.record.steps[name]
            key = object_name(self.shape, name, step)
            if key not in self.things:
                if key in self.created:
                    raise PlayError(f"{key} is created twice")
                self.created.append(key)
                self.things[key] = Thing(name, step)

    def _check(self, decision: WorkflowDecision, name: str) -> None:
        """What must hold whenever a phase is created."""
        steps = decision.record.steps
        if self.suspended and not stopped_by(decision.record):
            raise PlayError(f"{name} is created while the workflow is suspended")
        if name in RESERVED_PHASES:
            if not all(step.ended for step in decision.record.main.values()):
                raise PlayError(f"{name} is created before the phases have ended")
            if decision.after.cancel:
                raise PlayError(f"{name} is created after Terminate")
            return
        if decision.levels.halt or decision.levels.cancel:
            raise PlayError(f"{name} is created although {decision.levels}")
        parents = self.shape.graph.parents[name]
        if not all(is_good(steps[p], self.shape.phases[p]) for p in parents):
            raise PlayError(f"{name} is created before {parents} are done")
        if parents and all(is_benign(steps[p]) for p in parents):
            raise PlayError(f"{name} is created although all before it were skipped")

    def _end_something(self, decision: WorkflowDecision) -> None:
        running = [t for t in self.things.values() if t.state is PhaseState.RUNNING]
        if not running:
            return
        thing = self.random.choice(running)
        levels = decision.after if thing.name in RESERVED_PHASES else decision.levels
        ends = [PhaseState.SUCCEEDED, PhaseState.SUCCEEDED, PhaseState.FAILED]
        thing.state = PhaseState.CANCELLED if levels.cancel else self.random.choice(ends)

    def _obey(self, decision: WorkflowDecision) -> None:
        """Let phases carry out what was handed over to them."""
        for key, uids in decision.hand_over.items():
            thing = self.things[key]
            thing.applied = (*thing.applied, *sorted(uids))
            again = any(o.type is ActionType.RERUN for o in self.orders if o.uid in uids)
            if again or thing.state is not PhaseState.SUCCEEDED:
                thing.state = PhaseState.RUNNING

    def _close(self, decision: WorkflowDecision) -> None:
        """Let Actions go that are done."""
        self.orders = [order for order in self.orders if order.uid not in decision.settled]

    def _ask(self, _: WorkflowDecision) -> None:
        if not self.orders_left:
            return
        self.orders_left -= 1
        self.asked += 1
        kind = self.random.choice(list(ActionType))
        fields = {}
        if kind not in STOPS and self.random.random() < 0.8:
            fields = {"phase": self.random.choice(list(self.shape.phases)), "task": "work"}
        self.orders.append(an_order(kind, f"o{self.asked}", made=float(self.asked), **fields))

    def _step(self, name: str) -> StepRecord:
        return self.stored.steps.get(name) or StepRecord()

    def _views(self, *, fallback: bool) -> dict[str, PhaseView]:
        found = {}
        for key, thing in self.things.items():
            run = self.stored.run if thing.name in RESERVED_PHASES else self._step(thing.name).run
            if thing.step.fallback is fallback and thing.step.run == run:
                found[thing.name] = self._view(key, thing)
        return found

    def _view(self, key: str, thing: Thing) -> PhaseView:
        failed = int(thing.state is not PhaseState.SUCCEEDED and thing.state in PHASE_ENDED)
        view = a_view(thing.state, name=key, tally=Tally(total=1, failed=failed))
        return replace(view, applied=dict.fromkeys(thing.applied, ""))
