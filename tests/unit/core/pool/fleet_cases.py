"""Agents, workers and a simulated fleet for tests of scaling: seconds count from START."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from builders.clock import START
from builders.specs import an_agent
from spectra_operator.api.agent import AgentSpec
from spectra_operator.core.pool.past import NO_PAST, Past, parse_history, render_history
from spectra_operator.core.pool.scaling import (
    ScalePlan,
    ScaleSnapshot,
    WorkerState,
    WorkerView,
    decide_scale,
)

PASSES = 300
"""Passes at one moment, after which a simulation does not come to rest."""
EVENTS = 20_000


def at(seconds: float) -> datetime:
    """Return a moment."""
    return START + timedelta(seconds=seconds)


def a_pool(**fields: Any) -> AgentSpec:
    """Return the spec of an agent in mode Pool."""
    return AgentSpec.model_validate(an_agent(mode="Pool", **fields)["spec"])


def scaled(up: Any = None, down: Any = None, *, slots: int = 1, **scaling: Any) -> AgentSpec:
    """Return a pool with scaling of at most 10 workers; `up` and `down` are its behavior."""
    behavior = {"scaleUp": up or {}, "scaleDown": down or {}}
    return a_pool(slots=slots, scaling={"maxReplicas": 10, "behavior": behavior} | scaling)


def a_worker(name: str, state: str = "Ready", **fields: Any) -> WorkerView:
    """Return an idle worker of revision r1, made at START; its UID is made from its name."""
    known: dict[str, Any] = {
        "uid": f"uid-{name}",
        "revision": "r1",
        "draining": False,
        "claims": 0,
        "created_at": START,
    }
    return WorkerView(name=name, state=WorkerState(state), **(known | fields))


def workers(*groups: Iterable[WorkerView]) -> tuple[WorkerView, ...]:
    """Return groups of workers as one tuple."""
    return tuple(worker for group in groups for worker in group)


def many(number: int, prefix: str = "w", state: str = "Ready", **fields: Any) -> list[WorkerView]:
    """Return that many workers that differ in their names alone."""
    return [a_worker(f"{prefix}{place}", state, **fields) for place in range(number)]


def decide(spec: AgentSpec, *found: WorkerView, **fields: Any) -> ScalePlan:
    """Decide for revision r1 at START, with nothing claimable, unless said otherwise."""
    known: dict[str, Any] = {"revision": "r1", "claimable": 0, "now": START}
    return decide_scale(ScaleSnapshot(spec=spec, workers=tuple(found), **(known | fields)))


def says(plan: ScalePlan, kind: str) -> tuple[bool, str]:
    """Return status and reason of a plan's condition."""
    (found,) = (each for each in plan.conditions if each.type == kind)
    return found.status, found.reason


@dataclass(slots=True)
class Body:
    """A simulated worker: when it is ready, and when each of its tasks ends."""

    view: WorkerView
    ready_at: float
    ends: list[float] = field(default_factory=list)
    gone_at: float | None = None

    def seen(self) -> WorkerView:
        """Return the worker as scaling sees it."""
        return replace(self.view, claims=len(self.ends))


@dataclass(frozen=True, slots=True)
class Demand:
    """Tasks that arrive at a second and take so many seconds each."""

    second: int
    tasks: int
    duration: int


@dataclass(slots=True)
class Fleet:
    """Workers that do tasks, kept by decide_scale alone; passes come by events and wake_at.

    Attributes:
        breaks: Revisions whose workers fail instead of becoming ready.
        restarts: Seconds at which the operator restarts; it remembers what it had rendered.
        forgets: It remembers nothing.
    """

    spec: AgentSpec
    demands: Sequence[Demand] = ()
    switches: Sequence[tuple[int, str]] = ((0, "r1"),)
    breaks: frozenset[str] = frozenset()
    restarts: frozenset[int] = frozenset()
    forgets: bool = False
    start_seconds: int = 2
    now: float = 0
    revision: str = ""
    past: Past = NO_PAST
    waiting: list[int] = field(default_factory=list)
    bodies: dict[str, Body] = field(default_factory=dict)
    done: int = 0
    made: list[float] = field(default_factory=list)
    story: list[tuple[float, int, int]] = field(default_factory=list)
    plan: ScalePlan | None = None

    def run(self, until: float = 1e9) -> Fleet:
        """Go on until nothing more happens, or until a second."""
        for _ in range(EVENTS):
            self._events()
            self._settle()
            following = self._next()
            if following is None or following > until:
                return self
            self.now = following
        raise AssertionError("the simulation does not end")

    def desired(self) -> list[tuple[float, int]]:
        """Return when the number of workers changed, and to what."""
        found: list[tuple[float, int]] = []
        for second, _, desired in self.story:
            if not found or found[-1][1] != desired:
                found.append((second, desired))
        return found

    def _events(self) -> None:
        for second, revision in self.switches:
            if second == self.now:
                self.revision = revision
        for demand in self.demands:
            if demand.second == self.now:
                self.waiting += [demand.duration] * demand.tasks
        for name, body in list(self.bodies.items()):
            ended = [end for end in body.ends if end <= self.now]
            self.done += len(ended)
            body.ends = [end for end in body.ends if end > self.now]
            if body.view.state is WorkerState.STARTING and body.ready_at <= self.now:
                broken = body.view.revision in self.breaks
                state = WorkerState.FAILED if broken else WorkerState.READY
                body.view = replace(body.view, state=state)
            if body.gone_at is not None and body.gone_at <= self.now:
                del self.bodies[name]

    def _settle(self) -> None:
        if self.now in self.restarts:
            self.past = NO_PAST if self.forgets else parse_history(render_history(self.past))
            self._pass(fresh=False)
        for _ in range(PASSES):
            self._dispatch()
            if self._pass(fresh=True).wake_at != at(self.now):
                return
        raise AssertionError(f"no rest at {self.now}")

    def _pass(self, *, fresh: bool) -> ScalePlan:
        seen = tuple(body.seen() for body in self.bodies.values())
        snapshot = ScaleSnapshot(
            self.spec, self.revision, len(self.waiting), seen, at(self.now), self.past, fresh
        )
        plan = self.plan = decide_scale(snapshot)
        assert parse_history(render_history(plan.past)) == plan.past
        self.past = plan.past
        self.story.append((self.now, plan.past.wanted or 0, plan.desired))
        self._carry_out(plan)
        return plan

    def _carry_out(self, plan: ScalePlan) -> None:
        for names, draining in ((plan.drain, True), (plan.undrain, False)):
            for name in names:
                body = self.bodies[name]
                assert body.view.draining is not draining
                body.view = replace(body.view, draining=draining)
        for name, uid in plan.delete:
            body = self.bodies[name]
            assert body.view.uid == uid
            assert not body.ends, "a busy worker was deleted"
            body.view = replace(body.view, state=WorkerState.DELETING)
            body.gone_at = self.now + 1
        for _ in range(plan.create):
            name = f"w{len(self.made)}"
            view = a_worker(name, "Starting", revision=self.revision, created_at=at(self.now))
            self.bodies[name] = Body(view, self.now + self.start_seconds)
            self.made.append(self.now)

    def _dispatch(self) -> None:
        for body in self.bodies.values():
            able = body.view.state is WorkerState.READY and not body.view.draining
            if not able or body.view.revision != self.revision:
                continue
            while self.waiting and len(body.ends) < self.spec.slots:
                body.ends.append(self.now + self.waiting.pop(0))

    def _next(self) -> float | None:
        times: list[float] = [demand.second for demand in self.demands]
        times += [second for second, _ in self.switches]
        times += self.restarts
        for body in self.bodies.values():
            times += [*body.ends, body.ready_at]
            times += [] if body.gone_at is None else [body.gone_at]
        if self.plan is not None and self.plan.wake_at is not None:
            times.append((self.plan.wake_at - START).total_seconds())
        return min((each for each in times if each > self.now), default=None)
