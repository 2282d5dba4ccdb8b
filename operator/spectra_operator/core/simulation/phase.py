"""A phase that is being simulated: a cluster of one phase, without pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ...api.task import Task
from ..attempts.evidence import Attempt
from ..phase.admission import Candidate
from ..phase.decide import PhaseDecision
from ..phase.readiness import Ready
from ..phase.records import PhaseRecord
from ..policy import TaskPolicy, policy_of
from ..snapshot import Levels, PhaseShape, PhaseSnapshot, WorkflowShape
from ..spec.compile import compile_phase
from ..workflow.end import FINALLY, ON_FAILURE
from ..workflow.records import PhaseView
from .spec import Assumptions

Item = tuple[str, int, int]
"""Task, index, number of the attempt."""


@dataclass(slots=True)
class SimPhase:
    """A phase that is being played: what is known of it, its live attempts, and what is new.

    `label` is the phase's name in the spec, `name` tells its fallback apart from it. `whole` tells
    the next decision must see every live attempt, not the new ones alone.
    """

    name: str
    label: str
    fallback: bool
    shape: PhaseShape
    policies: Mapping[str, TaskPolicy]
    levels: Levels
    record: PhaseRecord = field(default_factory=PhaseRecord)
    live: dict[Item, Attempt] = field(default_factory=dict)
    news: dict[Item, Attempt] = field(default_factory=dict)
    ready: tuple[Ready, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    whole: bool = False

    def snapshot(self, attempts: Iterable[Attempt], now: datetime) -> PhaseSnapshot:
        """Return what a decision is made from; what was seen before stands in the record."""
        return PhaseSnapshot(
            shape=self.shape,
            persisted=self.record,
            attempts=tuple(attempts),
            policies=self.policies,
            levels=self.levels,
            now=now,
            known=self.record if self.record.state else None,
        )

    def seen(self) -> tuple[Attempt, ...]:
        """Return the attempts that the next decision must see, and forget that they are new."""
        found = self.live | self.news if self.whole else self.news
        self.news, self.whole = {}, False
        return tuple(found.values())

    def view(self) -> PhaseView:
        """Return the phase as its workflow sees it."""
        record = self.record
        return PhaseView(
            object_name=self.shape.name,
            uid=self.shape.uid,
            state=record.state,
            reason=record.reason,
            message=record.message,
            tally=record.tally(),
            started_at=record.started_at,
            finished_at=record.finished_at,
        )

    def decided(self, decision: PhaseDecision, workflow: WorkflowShape) -> None:
        """Take in what was decided."""
        self.record, self.ready = decision.record, decision.ready
        self.candidates = tuple(_candidate(self, workflow, ready) for ready in decision.ready)


def _candidate(phase: SimPhase, workflow: WorkflowShape, ready: Ready) -> Candidate:
    return Candidate(
        phase_uid=phase.name,
        ready=ready,
        workflow_uid=workflow.uid,
        priority=workflow.spec.priority,
        phase_limit=phase.shape.spec.parallelism,
        workflow_limit=workflow.spec.parallelism,
        policy=workflow.spec.selection_policy,
    )


def make_phase(
    workflow: WorkflowShape, label: str, levels: Levels, assumed: Assumptions, *, fallback: bool
) -> SimPhase:
    """Return a phase as the operator would create it; its name serves as UID."""
    name = f"{label}~fallback" if fallback else label
    template = workflow.phases.get(label)
    spec = {
        "phase": label,
        "workflowRef": {"name": workflow.name, "uid": workflow.uid},
        "parallelism": template and template.parallelism,
        "activeDeadlineSeconds": template and template.active_deadline_seconds,
        "failurePolicy": workflow.spec.failure_policy,
        "onFailureRunning": workflow.spec.on_failure_running,
        "tasks": [
            task.model_dump(by_alias=True, exclude_unset=True, mode="json")
            for task in _tasks(workflow, label, fallback=fallback)
        ],
    }
    meta = {"namespace": workflow.namespace, "name": f"{workflow.name}-{name}", "uid": name}
    shape = compile_phase({"metadata": meta, "spec": spec})
    policies = {n: policy_of(task, assumed.defaults) for n, task in shape.tasks.items()}
    return SimPhase(name, label, fallback, shape, policies, levels)


def _tasks(workflow: WorkflowShape, label: str, *, fallback: bool) -> list[Task]:
    template = workflow.phases.get(label)
    if template is None:
        at_the_end = {FINALLY: workflow.spec.finally_, ON_FAILURE: workflow.spec.on_failure}
        return at_the_end[label] or []
    body = template.fallback if fallback else template
    return body.all_tasks if body else []
