"""Starting attempts: from a granted slot to the create of its pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from ..api.agent import Mode
from ..core import indexes
from ..core.attempts.evidence import Attempt, Kind, Outcome
from ..core.attempts.objects import AttemptPlan, pod_body
from ..core.names import pod_name
from ..core.phase.inputs import InputError, TaskInputs
from ..core.phase.readiness import startable_mask, window_of
from ..core.phase.records import TaskRecord
from ..core.policy import agent_of
from ..core.snapshot import PhaseShape, PhaseSnapshot
from . import claiming
from .effects import CreatePod
from .keys import Key
from .runs import PhaseRun

if TYPE_CHECKING:
    from .parts import Parts


MOST_AT_ONCE = 256
"""Pods whose creates may wait in memory; each holds its whole body, input included."""
GO_ON_SECONDS = 0.02
LONGEST_SECONDS = 0.05
"""What one pass may take to make inputs: expressions may be dear, and others wait meanwhile."""


def start(
    parts: Parts,
    phase: tuple[Key, PhaseRun],
    snapshot: PhaseSnapshot,
    records: Mapping[str, TaskRecord],
    granted: Mapping[tuple[str, int], int],
) -> None:
    """Start the granted number of items of each task and way of a phase, lowest index first."""
    room = MOST_AT_ONCE - len(parts.executor)
    until = parts.clock.monotonic() + LONGEST_SECONDS
    window = window_of(records)
    for (task, way), count in granted.items():
        mask = startable_mask(snapshot, task, records[task], way, window)
        inputs = TaskInputs(snapshot.shape, records, task, way)
        for index in islice(indexes.iterate(mask), count):
            now = parts.clock.monotonic()
            if room <= 0 or now > until:
                parts.queue.add_at(phase[0], now + GO_ON_SECONDS)
                return
            _start_item(parts, phase, snapshot, inputs, index)
            window -= index not in records[task].open
            room -= 1


def _start_item(
    parts: Parts,
    phase: tuple[Key, PhaseRun],
    snapshot: PhaseSnapshot,
    inputs: TaskInputs,
    index: int,
) -> None:
    key, run = phase
    task, way, record = inputs.task, inputs.way, inputs.record
    number = (record.recorded(index) or 0) + 1
    name = agent_of(run.shape.tasks[task], way)
    agent = parts.agents.get(Key("Agent", key.namespace, name))
    if agent is None or agent.spec is None:
        return
    attempt = _attempt(run.shape, inputs, index, number)
    try:
        text = inputs.text(index)
    except InputError as error:
        refuse(parts, key, attempt, error.reason, str(error))
        return
    if agent.spec.mode is Mode.POOL:
        _give(parts, phase, attempt, text)
        return
    revision = attempt.revision or next((each for each, _ in agent.open_places()), "")
    spec = agent.spec_of(revision) if revision else None
    if spec is None:
        return
    agent.take_place(revision)
    plan = AttemptPlan(
        task=task,
        index=index if record.fan_out else None,
        number=number,
        agent=name,
        spec=spec,
        revision=revision,
        input=text,
        policy=snapshot.policies[task].of_way(way),
    )
    body = pod_body(run.shape, plan, parts.shard_label(key.namespace))
    attempt = replace(attempt, revision=plan.revision, created_at=snapshot.now)
    parts.attempts.assume(key, attempt)
    parts.scheduler.asked(key.namespace, attempt.agent)
    parts.executor.submit(CreatePod(key, body, attempt, run.trigger))


def _give(parts: Parts, phase: tuple[Key, PhaseRun], attempt: Attempt, text: str) -> None:
    """Give an attempt to a warm worker; if none waits any more, the task stays ready."""
    key, run = phase
    if run.shape.tasks[attempt.task].workspace is not None:
        message = f"agent {attempt.agent} is in mode Pool; a worker mounts no workspace"
        refuse(parts, key, attempt, "WorkspaceInPool", f"{message}, use an agent in mode Pod")
        return
    given = claiming.grant(parts, key, attempt, text, run.trigger)
    if given is not None:
        parts.attempts.assume(key, given)


def refuse(parts: Parts, key: Key, attempt: Attempt, reason: str, message: str) -> None:
    """End an attempt that can never be made; asking again would only fail again."""
    outcome = Outcome(Kind.FAILED, reason, message, final=True)
    now = parts.clock.now()
    ended = replace(attempt, created_at=now, finished_at=now, outcome=outcome)
    parts.attempts.assume(key, ended)
    parts.queue.add(key)


def _attempt(shape: PhaseShape, inputs: TaskInputs, index: int, number: int) -> Attempt:
    ref = shape.spec.workflow_ref
    shown = index if inputs.record.fan_out else None
    return Attempt(
        pod=pod_name(shape.name, shape.uid, inputs.task, shown, number),
        phase_uid=shape.uid,
        task=inputs.task,
        index=index,
        number=number,
        agent=agent_of(shape.tasks[inputs.task], inputs.way),
        workflow_uid=ref.uid if ref else "",
        revision=shape.spec.gate.revision if shape.spec.gate else "",
    )
