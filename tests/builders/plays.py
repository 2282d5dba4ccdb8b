"""Plays a phase on a cluster of plain dicts: decide, admit, create, end, write status, crash.

What an operator does around the core, without I/O and with no more memory than the core asks for.
Fates say how attempts end; a chooser says in which order things happen. The play checks at every
create what must hold at any time and raises `PlayError` if it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from builders import pods
from builders.records import NO_LEVELS, policies_of
from builders.specs import AGENT, Body
from spectra_operator.api.constants import LABEL_RECORDED, RESULT_FINALIZER
from spectra_operator.api.phase import TaskState
from spectra_operator.core import indexes
from spectra_operator.core.attempts.evidence import Attempt, attempt_of
from spectra_operator.core.phase.admission import Candidate, Slots, admit
from spectra_operator.core.phase.decide import PhaseDecision, decide_phase
from spectra_operator.core.phase.readiness import startable_mask
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.phase.status import parse_phase, render_phase
from spectra_operator.core.snapshot import Levels, PhaseSnapshot
from spectra_operator.core.spec.compile import compile_phase

Fates = Mapping[tuple[str, int], tuple[str, ...]]
"""How the attempts of a task's item end, in order: `ok`, `fail`, `lose`. After the last: `ok`."""

Chooser = Callable[[int], int]
"""Picks one of n things, by its index."""

ENDINGS: Mapping[str, tuple[Callable[[Body, float], Body], ...]] = {
    "ok": (lambda pod, when: pods.succeeded(pods.running(pod, when - 1), {"n": 1}, when),),
    "fail": (
        lambda pod, when: pods.failed(pods.running(pod, when - 1), when),
        lambda pod, when: pods.oom_killed(pods.running(pod, when - 1), when),
    ),
    "lose": (
        lambda pod, when: pods.evicted(pods.running(pod, when - 1), when),
        pods.deleted,
        lambda pod, when: pods.disrupted(pods.running(pod, when - 1), when),
        pods.refused,
    ),
}


class PlayError(AssertionError):
    """The play saw what must never happen."""


@dataclass
class Play:
    """A phase, the cluster it lives in, and the operator that forgets all of it at a crash."""

    phase: Body
    fates: Fates = field(default_factory=dict)
    slots: int | None = None
    levels: Levels = NO_LEVELS
    clock: float = 0
    status: Body | None = None
    pods: dict[str, Body] = field(default_factory=dict)
    created: list[tuple[str, int, int]] = field(default_factory=list)
    released: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start the operator."""
        self.shape = compile_phase(self.phase)
        self.policies = policies_of(self.shape)
        self.persisted = PhaseRecord()
        self._seen: dict[str, tuple[Body, Attempt]] = {}

    # What the operator does

    def snapshot(self) -> PhaseSnapshot:
        """Return what a decision is made from now."""
        return PhaseSnapshot(
            shape=self.shape,
            persisted=self.persisted,
            attempts=tuple(self.attempts()),
            policies=self.policies,
            levels=self.levels,
            now=pods.at(self.clock),
        )

    def attempts(self) -> list[Attempt]:
        """Return the attempts whose pods the operator watches."""
        return [self.attempt(pod) for pod in self.pods.values() if not _has_left(pod)]

    def attempt(self, pod: Body) -> Attempt:
        """Return the attempt that a pod is, read once for each change of the pod."""
        name = pod["metadata"]["name"]
        known = self._seen.get(name)
        if known is None or known[0] is not pod:
            attempt = attempt_of(pod)
            assert attempt
            known = self._seen[name] = (pod, attempt)
        return known[1]

    def decide(self) -> PhaseDecision:
        """Return what to do now."""
        return decide_phase(self.snapshot())

    def reconcile(self) -> PhaseDecision:
        """Decide, and carry the decision out; return what is decided afterwards."""
        decision = self.decide()
        for attempt in decision.stop:
            self.pods[attempt.pod] = pods.deleted(self.pods[attempt.pod], self.clock)
        for attempt in decision.release:
            self._release(attempt)
        for (task, way), count in self._granted(decision).items():
            mask = startable_mask(self.snapshot(), task, decision.record.tasks[task], way)
            for index in list(indexes.iterate(mask))[:count]:
                self._create(decision.record.tasks, task, index)
        return self.decide()

    def write_status(self) -> None:
        """Write what is known now."""
        record = self.decide().record
        self.status = render_phase(record, pods.at(self.clock))
        self.persisted = record

    def crash(self) -> None:
        """Forget everything; a successor reads status and pods."""
        self.persisted = parse_phase(self.status)

    # What the cluster does

    def live(self) -> list[Body]:
        """Return the pods that have not ended."""
        return [pod for pod in self.pods.values() if self.attempt(pod).live]

    def end(self, pod: Body, choose: Chooser) -> None:
        """End a pod by its fate."""
        attempt = self.attempt(pod)
        fates = self.fates.get((attempt.task, attempt.index), ())
        fate = fates[attempt.number - 1] if attempt.number <= len(fates) else "ok"
        kinds = ENDINGS[fate]
        self.pods[attempt.pod] = kinds[choose(len(kinds))](pod, self.clock)

    def tick(self, seconds: float = 1) -> None:
        """Let time pass."""
        self.clock += seconds

    # The whole play

    def run(self, choose: Chooser, most: int = 2000) -> PhaseRecord:
        """Let things happen in any order until all is done; return the final record."""
        moves = (self._end_one, self._pass, self._pass, self._write, self._crash)
        for _ in range(most):
            moves[choose(len(moves))](choose)
            self.tick()
            if self.persisted.ended and not self.live() and not self._held():
                return self.persisted
        raise PlayError(f"the phase has not ended after {most} moves: {self.decide().record}")

    def run_in_order(self) -> PhaseRecord:
        """Run without surprises: everything that is due is done at once."""
        for _ in range(2000):
            self._pass(_first)
            self.write_status()
            for pod in self.live():
                self.end(pod, _first)
            self.tick()
            if self.persisted.ended and not self._held():
                return self.persisted
        raise PlayError(f"the phase has not ended: {self.decide().record}")

    def _pass(self, _: Chooser) -> None:
        self.reconcile()

    def _write(self, _: Chooser) -> None:
        self.write_status()

    def _crash(self, _: Chooser) -> None:
        self.crash()

    def _end_one(self, choose: Chooser) -> None:
        live = self.live()
        if live:
            self.end(live[choose(len(live))], choose)

    def _held(self) -> list[str]:
        return [n for n, p in self.pods.items() if RESULT_FINALIZER in p["metadata"]["finalizers"]]

    def _release(self, attempt: Attempt) -> None:
        if self.attempt(self.pods[attempt.pod]).live and not attempt.node_lost:
            raise PlayError(f"{attempt.pod} was released while it was live")
        self.released.add(attempt.pod)
        self.pods[attempt.pod] = pods.released(self.pods[attempt.pod])

    def _granted(self, decision: PhaseDecision) -> dict[tuple[str, int], int]:
        live = len([a for a in self.attempts() if a.live])
        uid = self.shape.uid
        limit = self.shape.spec.parallelism
        candidates = [Candidate(uid, ready, phase_limit=limit) for ready in decision.ready]
        agents = {task.agent or "": self.slots for task in self.shape.tasks.values()}
        slots = Slots(agents, by_agent={AGENT: live}, by_phase={uid: live})
        granted = admit(candidates, slots, pods.at(self.clock)).granted
        return {(task, way): count for (_, task, way), count in granted.items()}

    def _create(self, tasks: Mapping[str, TaskRecord], task: str, index: int) -> None:
        number = (tasks[task].recorded(index) or 0) + 1
        self._check(tasks, task, index, number)
        pod = pods.a_pod(
            task, index=index, number=number, created=self.clock, phase_uid=self.shape.uid
        )
        self.created.append((task, index, number))
        self.pods[pod["metadata"]["name"]] = pod

    def _check(self, tasks: Mapping[str, TaskRecord], task: str, index: int, number: int) -> None:
        """What must hold whenever an attempt is created."""
        item = f"{task}/{index}"
        before = [n for t, i, n in self.created if (t, i) == (task, index)]
        if before != list(range(1, number)):
            raise PlayError(f"attempt {number} of {item} follows {before}")
        for pod in self.pods.values():
            other = self.attempt(pod)
            if (other.task, other.index) == (task, index):
                if other.live and not other.node_lost:
                    raise PlayError(f"{item} has a live attempt already")
                if pod["status"]["phase"] == "Succeeded":
                    raise PlayError(f"{item} succeeded already")
        for parent in self.shape.graph.parents[task]:
            allowed = self.shape.tasks[parent].allow_failure
            good = (TaskState.SUCCEEDED, TaskState.FAILED) if allowed else (TaskState.SUCCEEDED,)
            if tasks[parent].state not in good:
                raise PlayError(f"{item} starts before {parent} is done")


def end_state(record: PhaseRecord) -> Any:
    """Return what a run came to, without times and names: the same for every order of events."""
    tasks = {
        name: (task.state, task.succeeded, task.failed, task.failures, task.losses, task.outputs)
        for name, task in record.tasks.items()
    }
    return record.state, tasks


def _first(_: int) -> int:
    return 0


def _has_left(pod: Body) -> bool:
    return LABEL_RECORDED in pod["metadata"]["labels"]
