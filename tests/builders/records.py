"""Attempts, records and snapshots for tests of decisions. Times are seconds after `START`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from builders.pods import at
from builders.specs import AGENT, PHASE_UID, Body, a_phase, a_task, a_workflow
from spectra_operator.api.agent import TaskDefaults
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.attempts.evidence import Attempt, Kind, Outcome
from spectra_operator.core.attempts.results import Result, Usage
from spectra_operator.core.phase.judging import Context
from spectra_operator.core.phase.records import Item, PhaseRecord, Tally, TaskRecord
from spectra_operator.core.policy import TaskPolicy, policy_of
from spectra_operator.core.snapshot import Levels, PhaseShape, PhaseSnapshot, WorkflowSnapshot
from spectra_operator.core.spec.compile import compile_phase, compile_workflow
from spectra_operator.core.workflow.records import PhaseView, WorkflowRecord

NO_LEVELS = Levels()
SUSPENDED = Levels(hold="Suspended")
HALTED = Levels(halt="WorkflowFailing")
STOPPED = Levels(cancel="DeadlineExceeded")


def done(outputs: Any = None, *, usage: Usage = Usage(), message: str = "") -> Outcome:
    """Return the outcome of an attempt that succeeded."""
    text = json.dumps(outputs, separators=(",", ":")) if outputs else ""
    return Outcome(Kind.SUCCEEDED, message=message, result=Result(text, usage, message))


def broken(reason: str = "Error", *, final: bool = False, usage: Usage = Usage()) -> Outcome:
    """Return the outcome of an attempt that failed by itself."""
    return Outcome(Kind.FAILED, reason, "exit code 1", Result(usage=usage), final)


def lost(reason: str = "Evicted") -> Outcome:
    """Return the outcome of an attempt that the infrastructure lost."""
    return Outcome(Kind.LOST, reason, "the node ran low")


def an_attempt(
    task: str = "work",
    outcome: Outcome | None = None,
    *,
    index: int = 0,
    number: int = 1,
    started: float | None = 1,
    ended: float | None = None,
    **fields: Any,
) -> Attempt:
    """Return an attempt: running, or ended (10 s after the start) if it has an outcome."""
    finished = (10 if ended is None else ended) if outcome else None
    name = f"stage-{task}-{index}-{number}"
    values: dict[str, Any] = {
        "agent": AGENT,
        "revision": "r1",
        "uid": f"uid-of-{name}",
        "held": True,
    }
    values |= {"created_at": at(0), "phase_uid": PHASE_UID} | fields
    return Attempt(
        pod=name,
        task=task,
        index=index,
        number=number,
        started_at=None if started is None else at(started),
        finished_at=None if finished is None else at(finished),
        outcome=outcome,
        **values,
    )


def a_policy(
    limit: int = 0, *, losses: int = 3, seconds: int = 0, defaults: Body | None = None
) -> TaskPolicy:
    """Return a task's policy; `defaults` has more of it, such as {"timeoutSeconds": 5}."""
    retry = {"limit": limit, "lossLimit": losses, "backoff": {"initialSeconds": seconds}}
    fields = {"retry": retry} | (defaults or {})
    return policy_of(_plain_task(), {"worker": TaskDefaults.model_validate(fields)})


def a_context(policy: TaskPolicy | None = None, now: float = 10, **fields: Any) -> Context:
    """Return what folding needs beside the record."""
    fields.setdefault("phase", compile_phase(a_phase([a_task()])))
    return Context(policy=policy or a_policy(), now=at(now), **fields)


def a_fan_out(total: int = 3, **fields: Any) -> TaskRecord:
    """Return the record of an untouched fan-out."""
    return TaskRecord(total=total, fan_out=True, **fields)


def a_phase_snapshot(
    phase: Body | None = None,
    attempts: Iterable[Attempt] = (),
    *,
    persisted: PhaseRecord | None = None,
    levels: Levels = NO_LEVELS,
    now: float = 10,
    defaults: Mapping[str, TaskDefaults] | None = None,
) -> PhaseSnapshot:
    """Return all that a decision about a phase uses; `defaults` are the agents', by name."""
    shape = compile_phase(phase or a_phase())
    return PhaseSnapshot(
        shape=shape,
        persisted=persisted or PhaseRecord(),
        attempts=tuple(attempts),
        policies=policies_of(shape, defaults),
        levels=levels,
        now=at(now),
    )


def policies_of(
    shape: PhaseShape, defaults: Mapping[str, TaskDefaults] | None = None
) -> dict[str, TaskPolicy]:
    """Return the policy of every task of a phase."""
    known = defaults or {}
    return {name: policy_of(task, known) for name, task in shape.tasks.items()}


def a_running_phase(started: float = 0, **tasks: TaskRecord) -> PhaseRecord:
    """Return the record of a phase that has begun, with the records of its tasks."""
    return PhaseRecord(generation=1, state=PhaseState.RUNNING, started_at=at(started), tasks=tasks)


def running_item(number: int = 1, *, failures: int = 0, losses: int = 0) -> Item:
    """Return an item whose attempt of that number is live."""
    return Item(TaskState.RUNNING, number, failures, losses)


def waiting_item(
    failures: int = 1, *, losses: int = 0, until: float | None = 20, reason: str = "Error"
) -> Item:
    """Return an item that waits for its next attempt."""
    pause_ends = None if until is None else at(until)
    return Item(TaskState.BACKOFF, failures + losses, failures, losses, pause_ends, reason)


def a_workflow_snapshot(
    workflow: Body | None = None,
    phases: Mapping[str, PhaseView] | None = None,
    *,
    persisted: WorkflowRecord | None = None,
    now: float = 10,
    missing_agents: tuple[str, ...] = (),
    refused: Mapping[str, str] | None = None,
    delayed: Mapping[str, str] | None = None,
) -> WorkflowSnapshot:
    """Return all that a decision about a workflow uses."""
    return WorkflowSnapshot(
        shape=compile_workflow(workflow or a_workflow()),
        persisted=persisted or WorkflowRecord(),
        phases=phases or {},
        missing_agents=missing_agents,
        now=at(now),
        refused=refused or {},
        delayed=delayed or {},
    )


def a_view(
    state: PhaseState | None = PhaseState.RUNNING,
    *,
    name: str = "flow-build-x",
    finished: float | None = None,
    **fields: Any,
) -> PhaseView:
    """Return a phase as its workflow sees it; an ended one ended 9 s after the start."""
    view = PhaseView(name, f"uid-of-{name}", state)
    end: datetime | None = at(9 if finished is None else finished) if view.ended else None
    values: dict[str, Any] = {
        "tally": Tally(total=1),
        "started_at": at(0),
        "finished_at": end,
    } | fields
    return PhaseView(name, f"uid-of-{name}", state, **values)


def _plain_task() -> Any:
    return compile_phase(a_phase([a_task()])).tasks["work"]
