"""Starting attempts: from a granted slot to the create of its pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING

from ..api.agent import Mode
from ..core import indexes
from ..core.attempts.checkpoint import is_checkpoint
from ..core.attempts.evidence import Attempt, Kind, Outcome
from ..core.attempts.objects import AttemptPlan, pod_body
from ..core.names import pod_name
from ..core.phase.inputs import InputError, TaskInputs
from ..core.phase.readiness import startable_mask, window_of
from ..core.phase.records import TaskRecord
from ..core.policy import agent_of
from ..core.selection.select import Share
from ..core.snapshot import PhaseShape, PhaseSnapshot
from . import claiming
from .crowd import MOST_AT_ONCE
from .effects import CreatePod
from .keys import Key
from .measures import count_start
from .runs import PhaseRun

if TYPE_CHECKING:
    from .parts import Parts


GO_ON_SECONDS = 0.02
LONGEST_SECONDS = 0.05
"""What one pass may take to make inputs: expressions may be dear, and others wait meanwhile."""


def start(
    parts: Parts,
    phase: tuple[Key, PhaseRun],
    snapshot: PhaseSnapshot,
    records: Mapping[str, TaskRecord],
    granted: Mapping[tuple[str, int], int],
    shares: Mapping[tuple[str, int], tuple[Share, ...]],
) -> list[Attempt]:
    """Start the granted number of items of each task and way of a phase, lowest index first.

    `shares` says who does those of tasks whose agent was chosen.

    Returns:
        The attempts that are known from now on; one that can never be made has ended.
    """
    made: list[Attempt] = []
    until = parts.clock.monotonic() + LONGEST_SECONDS
    window = window_of(records)
    for (task, way), count in granted.items():
        mask = startable_mask(snapshot, task, records[task], way, window)
        inputs = TaskInputs(snapshot.shape, records, task, way)
        agents = _agents(phase[1], task, way, shares.get((task, way), ()))
        for index, agent in zip(islice(indexes.iterate(mask), count), agents, strict=False):
            now = parts.clock.monotonic()
            if parts.executor.urgent >= MOST_AT_ONCE:
                parts.crowd.join(phase[0])
                return made
            if now > until:
                parts.queue.add_at(phase[0], now + GO_ON_SECONDS)
                return made
            attempt = _start_item(parts, phase, snapshot, inputs, index, agent)
            made += [attempt] if attempt else []
            if attempt and attempt.live:
                where = (records[task], task, way, index)
                count_start(parts.metrics, phase[1], where, (now, snapshot.now))
            if agent[1]:
                parts.selection.begun(phase[0].namespace, agent[0])
            window -= index not in records[task].open
    return made


Chosen = tuple[str, str]
"""An agent, and why it was chosen; empty where the task names it."""


def _agents(run: PhaseRun, task: str, way: int, shares: tuple[Share, ...]) -> Iterator[Chosen]:
    """Yield the agent of each item that is to start, in the order of the items."""
    if not shares:
        return repeat((agent_of(run.shape.tasks[task], way), ""))
    return chain.from_iterable(repeat((s.agent, s.why), s.count) for s in shares)


def _start_item(
    parts: Parts,
    phase: tuple[Key, PhaseRun],
    snapshot: PhaseSnapshot,
    inputs: TaskInputs,
    index: int,
    chosen: Chosen,
) -> Attempt | None:
    key, run = phase
    task, way, record = inputs.task, inputs.way, inputs.record
    number = (record.recorded(index) or 0) + 1
    name = chosen[0]
    agent = parts.agents.get(Key("Agent", key.namespace, name))
    if agent is None or agent.spec is None:
        return None
    attempt = planned(run.shape, inputs, index, number, chosen)
    try:
        text = inputs.text(index)
    except InputError as error:
        return refuse(parts, key, attempt, error.reason, str(error))
    if agent.spec.mode is Mode.POOL:
        return _give(parts, phase, attempt, text)
    revision = attempt.revision or next((each for each, _ in agent.open_places()), "")
    spec = agent.spec_of(revision) if revision else None
    if spec is None:
        return None
    agent.take_place(revision)
    left = record.left(index)
    plan = AttemptPlan(
        task=task,
        index=index if record.fan_out else None,
        number=number,
        agent=name,
        spec=spec,
        revision=revision,
        input=text,
        policy=snapshot.policies[task].of_way(way),
        selection=attempt.selection,
        checkpoint=left if is_checkpoint(left) else "",
        url=parts.worker_url,
        traceparent=parts.traces.handed_to(run.shape, task, index, number),
    )
    body = pod_body(run.shape, plan, parts.shard_label(key.namespace))
    attempt = replace(attempt, revision=plan.revision, created_at=snapshot.now)
    parts.attempts.assume(key, attempt)
    parts.scheduler.asked(key.namespace, attempt.agent)
    parts.executor.submit(CreatePod(key, body, attempt, run.trigger))
    return attempt


def _give(parts: Parts, phase: tuple[Key, PhaseRun], attempt: Attempt, text: str) -> Attempt | None:
    """Give an attempt to a warm worker; if none waits any more, the task stays ready."""
    key, run = phase
    if run.shape.tasks[attempt.task].workspace is not None:
        why = f"agent {attempt.agent} is in mode Pool; a worker mounts no workspace"
        text = f"{why}, use an agent in mode Pod"
        return refuse(parts, key, attempt, "WorkspaceInPool", text)
    given = claiming.grant(parts, key, attempt, text, run.trigger)
    if given is not None:
        parts.attempts.assume(key, given)
    return given


def refuse(parts: Parts, key: Key, attempt: Attempt, reason: str, message: str) -> Attempt:
    """End an attempt that can never be made; asking again would only fail again."""
    outcome = Outcome(Kind.FAILED, reason, message, final=True)
    now = parts.clock.now()
    ended = replace(attempt, created_at=now, finished_at=now, outcome=outcome)
    parts.attempts.assume(key, ended)
    parts.queue.add(key)
    return ended


def planned(
    shape: PhaseShape, inputs: TaskInputs, index: int, number: int, chosen: Chosen
) -> Attempt:
    """Return the attempt that an item's start makes, before anybody has it."""
    ref = shape.spec.workflow_ref
    shown = index if inputs.record.fan_out else None
    return Attempt(
        pod=pod_name(shape.name, shape.uid, inputs.task, shown, number),
        phase_uid=shape.uid,
        task=inputs.task,
        index=index,
        number=number,
        agent=chosen[0],
        workflow_uid=ref.uid if ref else "",
        selection=chosen[1],
        revision=shape.spec.gate.revision if shape.spec.gate else "",
    )
